"""Addresses and networks as directives write them: whole, in part (`10.1`), with a mask or how many of its bits are set.

Source: apr_ipsubnet_create (APR's network_io/unix/sockaddr.c). Must not know who is let in.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from perijove.gateway.conditions import Network

LOOPBACK: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
# What has the name localhost, and is what that stands for, whatever the DNS says (RFC 6761 §6.3).
LOCALHOST: Final = (ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("::1/128"))


class SubnetError(ValueError):
    """What looks like an address and is none, in APR's words."""


def networks(text: str) -> tuple[Network, ...] | None:
    """Return what an address stands for; None if it looks like none, so that it may be a name.

    Raises:
        SubnetError: it looks like one.
    """
    address, slash, mask = text.partition("/")
    if not address or (":" not in address and not re.fullmatch(r"[0-9.]+", address)):
        return None
    whole, bits = _address(address, in_part=not slash)
    if not slash:
        return (ipaddress.ip_network(f"{whole}/{bits}", strict=False),)
    if re.fullmatch(r"[0-9]{1,9}", mask) and int(mask) <= bits:
        return (ipaddress.ip_network(f"{whole}/{int(mask)}", strict=False),)
    return (ipaddress.ip_network(f"{whole}/{_bits(mask, bits)}", strict=False),)


def _address(text: str, *, in_part: bool) -> tuple[str, int]:
    """Return an address, and how many of its bits are said."""
    parts = text.removesuffix(".").split(".")
    try:
        if in_part and ":" not in text and len(parts) < 4 and all(part and int(part) < 256 for part in parts):
            return ".".join([*(str(int(part)) for part in parts), *["0"] * (4 - len(parts))]), 8 * len(parts)
        found = ipaddress.ip_address(text)
    except ValueError:
        raise SubnetError("The specified IP address is invalid.") from None
    return str(found), found.max_prefixlen


def _bits(mask: str, most: int) -> int:
    """Return how many bits a mask has; those that are set must stand before all others."""
    try:
        if most != 32:
            raise ValueError
        ones = f"{int(ipaddress.IPv4Address(mask)):032b}".rstrip("0")
    except ValueError:
        raise SubnetError("The specified network mask is invalid.") from None
    if "0" in ones:
        raise SubnetError("a network mask whose bits do not stand together is not emulated")
    return len(ones)
