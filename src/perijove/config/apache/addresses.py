"""Addresses and ports as Listen and `<VirtualHost>` write them, and the addresses that a name has on this machine.

Source: apr_parse_addr_port (APR's network_io/unix/sockaddr.c). Must not know who listens.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple


class Address(NamedTuple):
    """What stands before the port, empty if nothing does; and the port, or None."""

    host: str
    port: int | None


def parsed(text: str) -> Address | None:
    """Take an address and a port apart, which are the last digits, if a colon or nothing stands before them; None if they are none."""
    digits = text[len(text.rstrip("0123456789")) :] if text.isascii() else ""
    before = text[: len(text) - len(digits)]
    if not before:
        return Address("", int(digits)) if _is_port(digits) else None
    port = None
    host = text
    if digits and before.endswith(":"):
        host = before[:-1]
        if not host or not _is_port(digits):
            return None
        port = int(digits)
    if host.startswith("["):
        inside, bracket, rest = host[1:].partition("]")
        name, percent, zone = inside.partition("%")
        if not bracket or rest or (percent and not zone) or not _is_ipv6(name):
            return None
    return Address(host, port)


def _is_port(digits: str) -> bool:
    return 0 < int(digits[:9] or 0) < 1 << 16


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def resolved(name: str) -> frozenset[str]:
    """Return the addresses of a name, as the system knows them; none if it knows none."""
    import socket

    try:
        return frozenset(str(one[4][0]) for one in socket.getaddrinfo(name, None))
    except (OSError, UnicodeError):
        return frozenset()
