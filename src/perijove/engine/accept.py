"""Taking connections from a listening socket. Pure form; `accept.pyx` is its twin.

Knows sockets and their names. Must not know what a connection is for.
"""

from __future__ import annotations

import contextlib
import socket

_MAPPED = "::ffff:"  # an IPv4 address in an IPv6 socket's words (RFC 4291 §2.5.5.2)


def accept(listening: socket.socket) -> tuple[int, int, bytes, int] | None:
    """Take a connection from a non-blocking listening socket.

    Returns: its descriptor, which does not block and is not inherited, its family, its peer's address and port (b"" and 0 of a
        Unix socket); None if nobody waits. Small writes over TCP are not held back (TCP_NODELAY).

    Raises:
        OSError: as accept(2).
    """
    try:
        made, name = listening.accept()
    except BlockingIOError:
        return None
    made.setblocking(False)
    family = int(made.family)
    if not isinstance(name, tuple):
        return made.detach(), family, b"", 0
    with contextlib.suppress(OSError):  # it has ended already
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made.detach(), family, _address(name), int(name[1])


def local_address(fd: int) -> bytes:
    """Return the address that a connection came to; b"" of a Unix socket, and of one that has ended already."""
    try:
        sock = socket.socket(fileno=fd)
    except OSError:
        return b""
    try:
        name = sock.getsockname()
        return _address(name) if isinstance(name, tuple) else b""
    except OSError:
        return b""
    finally:
        sock.detach()


def _address(name: tuple[object, ...]) -> bytes:
    return str(name[0]).split("%", 1)[0].removeprefix(_MAPPED).encode()
