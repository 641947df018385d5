"""Where lines go: a file, a pipe, a terminal, a socket. Nobody waits for any of them: what is not taken at once is lost,
and is counted.

Knows lines and descriptors, which it is given open. Must not know what lines say. Several processes may write to the same
place: each line is written so that it stands there whole.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import stat
from typing import Final

_PIPE: Final = 4096  # octets that a pipe takes whole or not at all (pipe(7): PIPE_BUF on Linux)
_PLENTY: Final = 1 << 30


class Sink:
    """A place for lines."""

    most = _PLENTY  # octets that a line may have

    def write(self, lines: list[bytes]) -> int:
        """Write lines, each of which ends in a line feed; return how many were lost."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of it."""


class File(Sink):
    """A regular file that is appended to (open(2): O_APPEND puts each write behind all others)."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._rest = b""  # of a line that was written in part

    def write(self, lines: list[bytes]) -> int:
        """Write all lines at once. Where the disk becomes full in the middle of one, that one is taken away again."""
        data = self._rest + b"".join(lines)
        try:
            written = os.write(self.fd, data)
        except OSError:
            return len(lines)
        if written == len(data):
            self._rest = b""
            return 0
        whole = data.rfind(b"\n", 0, written) + 1
        if whole < written and ((self._rest and not whole) or not self._take_back(written - whole)):
            whole = data.find(b"\n", written) + 1
            self._rest = data[written:whole]
        else:
            self._rest = b""
        return data.count(b"\n", whole)

    def _take_back(self, count: int) -> bool:
        """Cut off the last octets; tell whether that could be done. A file may be for appending only (chattr(1))."""
        try:
            os.ftruncate(self.fd, os.fstat(self.fd).st_size - count)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)


class Pipe(Sink):
    """A pipe, a terminal, another device; or a file that is not only appended to."""

    most = _PIPE

    def __init__(self, fd: int) -> None:
        self.fd = fd
        # One that is shared with others and waits is asked before whether it has room.
        self._asks = None
        if not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK and not stat.S_ISREG(os.fstat(fd).st_mode):
            self._asks = select.poll()
            self._asks.register(fd, select.POLLOUT)
        self._rest = b""  # of a line that was written in part

    def write(self, lines: list[bytes]) -> int:
        """Write as many lines at a time as a pipe takes whole. A longer line loses its end."""
        if self._rest:
            self._rest = self._rest[self._put(self._rest) :]
            if self._rest:
                return len(lines)
        at = 0
        while at < len(lines):
            first = at
            data = lines[at] if len(lines[at]) <= _PIPE else lines[at][: _PIPE - 1] + b"\n"
            at += 1
            while at < len(lines) and len(data) + len(lines[at]) <= _PIPE:
                data += lines[at]
                at += 1
            written = self._put(data)
            if written < len(data):
                taken = data.count(b"\n", 0, written)
                if written and data[written - 1 : written] != b"\n":
                    self._rest = data[written : data.find(b"\n", written) + 1]
                    taken += 1
                return len(lines) - first - taken
        return 0

    def _put(self, data: bytes) -> int:
        """Write what is taken at once: a count of octets."""
        try:
            if self._asks is not None and not self._asks.poll(0):
                return 0
            return os.write(self.fd, data)
        except OSError:
            return 0

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)


class Stream(Pipe):
    """A connected stream socket, which may be shared with others: the journal's is."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self._asks = None
        self._socket = socket.socket(fileno=fd)

    def _put(self, data: bytes) -> int:
        try:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        except OSError:
            return 0

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def over(fd: int) -> Sink:
    """Return the sink for a descriptor, which is its own from now on."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISSOCK(mode):
        return Stream(fd)
    if stat.S_ISREG(mode) and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND:
        return File(fd)
    return Pipe(fd)
