"""Whose forwarding fields are believed.

Knows networks and addresses. Must not know fields, nor how a connection came about.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from perijove.gateway.conditions import Network

_KEPT: Final = 4096  # addresses


class Trust:
    """Whose forwarding fields are believed. A Unix socket's peers are: the file's permissions choose them."""

    def __init__(self, networks: tuple[Network, ...], unix: bool = True) -> None:
        self.networks = networks
        self._known: dict[str, bool] = {"": unix}

    def __call__(self, address: str) -> bool:
        """Tell whether the peer with this address is believed; an empty one is a Unix socket's.

        Raises:
            ValueError: it is no address.
        """
        found = self._known.get(address)
        if found is None:
            if len(self._known) >= _KEPT:
                self._known = {"": self._known[""]}
            ip = ipaddress.ip_address(address)
            found = any(ip in network for network in self.networks if network.version == ip.version)
            self._known[address] = found
        return found
