"""What supervisor and workers say to each other, over a socketpair: a numbered snapshot and numbered changes one way,
acknowledgements the other.

Knows messages and how they are framed: eight octets of length, a pickle, and descriptors beside it (unix(7), SCM_RIGHTS). Both
ends are the same program of the same version. Must not know what either side does about a message.
"""

from __future__ import annotations

import os
import pickle
import socket
import struct
from dataclasses import dataclass
from typing import Final

from perijove.gateway.model import Address, Gateway
from perijove.server.destinations import Change
from perijove.server.files import Contents
from perijove.server.shared import Numbers

_HEAD: Final = struct.Struct("!II")  # octets of the pickle, number of descriptors
_DESCRIPTORS: Final = 250  # at once; the kernel's SCM_MAX_FD is 253
_READ: Final = 65536


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a worker is to serve. Beside it come its listening sockets, in the order of `addresses`, and the log."""

    number: int
    gateway: Gateway
    addresses: tuple[tuple[Address, int], ...]  # of the worker's own sockets that it does not have yet, and how many of each
    files: Contents
    made: bytes | None  # a self-signed certificate with its key, PEM
    log: bool  # there is an access log
    numbers: Numbers
    routes: tuple[Change, ...] | None = None  # all of them, if the worker does not have them yet


@dataclass(frozen=True, slots=True)
class Reopened:
    """A change: the access log is another one. It comes beside the message."""

    number: int


@dataclass(frozen=True, slots=True)
class Routed:
    """A change: of routes that come and go."""

    number: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Drain:
    """Finish what is running, for so many seconds, and end."""

    grace: float


@dataclass(frozen=True, slots=True)
class Applied:
    """The snapshot or change of this number is served."""

    number: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The snapshot or change of this number cannot be served; what was served before still is."""

    number: int
    why: str


Numbered = Snapshot | Reopened | Routed
Message = Numbered | Drain | Applied | Refused


def encode(message: Message, descriptors: int = 0) -> tuple[bytes, bytes]:
    """Return the head and the body of a message; descriptors are to be sent with the head."""
    body = pickle.dumps(message)
    return _HEAD.pack(len(body), descriptors), body


class Channel:
    """Messages as they arrive."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._data = bytearray()
        self._descriptors: list[int] = []

    def receive(self) -> list[tuple[Message, list[int] | None]] | None:
        """Return what has arrived, each message with its descriptors, or None if there was no room for them; None at the end.

        Raises:
            OSError: the connection failed.
        """
        try:
            data, descriptors, _, _ = socket.recv_fds(self._sock, _READ, _DESCRIPTORS)
        except BlockingIOError:
            return []
        self._descriptors += descriptors
        if not data:
            return None
        self._data += data
        found: list[tuple[Message, list[int] | None]] = []
        while len(self._data) >= _HEAD.size:
            size, count = _HEAD.unpack_from(self._data)
            end = _HEAD.size + size
            if len(self._data) < end:
                break
            message: Message = pickle.loads(self._data[_HEAD.size : end])
            del self._data[:end]
            mine, self._descriptors = self._descriptors[:count], self._descriptors[count:]
            if len(mine) < count:  # recvmsg(2), MSG_CTRUNC: the limit of open files is reached
                for one in mine:
                    os.close(one)
                found.append((message, None))
            else:
                found.append((message, mine))
        return found
