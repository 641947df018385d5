"""The listening sockets of all workers, kept by who replaces them: a new worker finds the queue of connections as it was.

Knows addresses, the slots that sockets are for, and what systemd has handed over. Must not know what is served on them.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from perijove.gateway.model import UnixAddress
from perijove.server import systemd
from perijove.server.sockets import CannotListen, listen_slots

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from perijove.gateway.model import Address
    from perijove.server.slot import Slot


class Listening:
    """The sockets of all slots, by address; each slot has them in its `sockets`."""

    def __init__(self, slots: Sequence[Slot], addresses: Sequence[Address]) -> None:
        """Take what systemd hands over for these addresses."""
        self._slots = slots
        self._handed = systemd.match(systemd.handed_over(), addresses)

    def open(self, addresses: Sequence[Address]) -> None:
        """Listen on those of the addresses that are new.

        Raises:
            CannotListen: it cannot be; nothing has changed.
        """
        made: dict[Address, list[list[socket.socket]]] = {}
        try:
            for address in addresses:
                if address in self._slots[0].sockets:
                    continue
                handed = self._handed.get(address)
                if handed is None:
                    made[address] = listen_slots(address, len(self._slots))
                else:  # one socket, which all share
                    made[address] = [[sock.dup() for sock in handed] for _ in self._slots]
        except CannotListen:
            for each in made.values():
                for some in each:
                    _close(some)
            raise
        for address, each in made.items():
            for slot, some in zip(self._slots, each, strict=True):
                slot.sockets[address] = some

    def close_but(self, addresses: Sequence[Address]) -> None:
        """Close the sockets of all other addresses."""
        kept = set(addresses)
        for slot in self._slots:
            for address in [one for one in slot.sockets if one not in kept]:
                _close(slot.sockets.pop(address))
                if isinstance(address, UnixAddress) and slot is self._slots[-1] and address not in self._handed:
                    with contextlib.suppress(OSError):
                        os.unlink(address.path)

    def close(self) -> None:
        """Close all. Workers take what waits in the queues, and close the last copies."""
        for some in self._handed.values():
            _close(some)
        self.close_but(())


def _close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()
