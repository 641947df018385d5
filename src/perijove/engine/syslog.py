"""Lines for a system's log: a datagram for each.

Knows RFC 5424, and what syslog(3) writes to the local socket. Must not know what lines say.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from typing import Final

from perijove.engine.sink import Sink

_INFO: Final = 6  # RFC 5424 §6.2.1
_GONE: Final = (errno.ECONNREFUSED, errno.ENOTCONN, errno.ECONNRESET)


class Syslog(Sink):
    """A syslog daemon: here, where `path` is its socket's, or elsewhere."""

    most = 8000  # rsyslog's default bound is 8192 octets, with what stands in front

    def __init__(self, sock: socket.socket, facility: int, path: str = "") -> None:
        """Send to whom `sock`, a non-blocking datagram socket, is connected; it is this sink's from now on."""
        self._socket = sock
        self._path = path
        self._priority = b"<%d>" % (facility * 8 + _INFO)
        # Local daemons know the host themselves, and not all of them know RFC 5424.
        name = b"" if path else b"%b " % (socket.gethostname().encode("ascii", "replace").replace(b" ", b"-") or b"-")
        self._name = name + (b"perijove[%d]: " if path else b"perijove %d - - ") % os.getpid()
        self._second = 0
        self._head = b""

    def write(self, lines: list[bytes]) -> int:
        """Send lines. When one is not taken, those behind it are not tried."""
        now = int(time.time())
        if now != self._second:
            self._second = now
            if self._path:
                stamp = time.strftime("%b %e %H:%M:%S ", time.localtime(now)).encode()
            else:
                stamp = time.strftime("1 %Y-%m-%dT%H:%M:%SZ ", time.gmtime(now)).encode()
            self._head = self._priority + stamp + self._name
        sent = 0
        try:
            for line in lines:
                self._send(self._head + line[:-1])
                sent += 1
        except OSError:
            return len(lines) - sent
        return 0

    def _send(self, message: bytes) -> None:
        try:
            self._socket.send(message)
        except OSError as error:
            # The daemon was started anew, and has another socket; or an ICMP message tells of a datagram before this one.
            if error.errno not in _GONE:
                raise
            if self._path:
                self._socket.connect(self._path)
            self._socket.send(message)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
