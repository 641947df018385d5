"""A queue of bytes that can be filled from and drained to a descriptor. Pure form; `buffer.pyx` is its twin.

Knows bytes and system calls. Must not know HTTP.
"""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, Final

from perijove.engine.const import AGAIN, NOT_TAKEN, READ_SIZE, RECORD, TLS_FAILED

if TYPE_CHECKING:
    from ssl import SSLObject

COMPILER: Final = ""


class Buffer:
    """First in, first out. Holds no memory while it is empty."""

    __slots__ = ("data", "start")

    def __init__(self) -> None:
        self.data: bytes = b""
        self.start: int = 0

    def size(self) -> int:
        """Return how many bytes are in it."""
        return len(self.data) - self.start

    def append(self, data: bytes) -> None:
        """Put `data` at the end."""
        if self.start == len(self.data):
            self.data = data
            self.start = 0
        else:
            self.data = self.data[self.start :] + data
            self.start = 0

    def peek(self, size: int) -> bytes:
        """Return the first `size` bytes (fewer if there are fewer), and leave them in."""
        return self.data[self.start : self.start + size]

    def drop(self, size: int) -> None:
        """Remove the first `size` bytes."""
        self.start += size
        if self.start >= len(self.data):
            self.data = b""
            self.start = 0

    def move(self, to: Buffer, size: int) -> None:
        """Move the first `size` bytes to the end of `to`."""
        if self.start == 0 and size == len(self.data):
            data = self.data
            self.data = b""
        else:
            data = self.data[self.start : self.start + size]
            self.drop(size)
        if to.start == len(to.data):
            to.data = data
            to.start = 0
        else:
            to.append(data)

    def clear(self) -> None:
        """Forget everything."""
        self.data = b""
        self.start = 0

    def copy(self) -> bytes:
        """Return all that is in it, and leave it in."""
        return self.data[self.start :]

    def recv(self, fd: int, size: int) -> int:
        """Read up to `size` bytes from a socket to the end.

        Returns: the count, 0 at the end of the stream, `AGAIN`, or -errno.
        """
        try:
            data = os.read(fd, size)
        except BlockingIOError:
            return AGAIN
        except OSError as error:
            return -(error.errno or 5)
        if self.start == len(self.data):
            self.data = data
            self.start = 0
        else:
            self.append(data)
        return len(data)

    def send(self, fd: int) -> int:
        """Write as much as a socket takes, and remove it.

        Returns: how many bytes are left, or -errno (`AGAIN` is not an error here: see what is left).
        """
        try:
            count = os.write(fd, self.data if self.start == 0 else memoryview(self.data)[self.start :])
        except BlockingIOError:
            return self.size()
        except OSError as error:
            return -(error.errno or 5)
        self.start += count
        left = len(self.data) - self.start
        if left == 0:
            self.data = b""
            self.start = 0
        elif self.start > 16384:  # let go of what has been written: a slow reader must not pin it
            self.data = self.data[self.start :]
            self.start = 0
        return left

    def relay(self, source: int, to: int, size: int) -> int:
        """Read up to `size` bytes from one socket and write them to another; what that does not take yet is put at the end.

        Returns: as `recv`, or `NOT_TAKEN` if `to` takes no more.
        """
        try:
            data = os.read(source, size)
        except BlockingIOError:
            return AGAIN
        except OSError as error:
            return -(error.errno or 5)
        if data:
            try:
                count = os.write(to, data)
            except BlockingIOError:
                count = 0
            except OSError:
                return NOT_TAKEN
            if count < len(data):
                self.append(data[count:])
        return len(data)

    def decrypt(self, connection: SSLObject, size: int) -> int:
        """Put up to `size` octets of content that lie in a TLS connection at the end.

        Returns: a count, 0 at the end, `AGAIN` if no whole record lies there, `TLS_FAILED` (also for a stream that was cut).
        """
        try:
            data = connection.read(min(size, RECORD))
        except ssl.SSLWantReadError:
            return AGAIN
        except ssl.SSLError:
            return TLS_FAILED
        self.append(data)
        return len(data)

    def encrypt(self, connection: SSLObject, at: int, size: int) -> int:
        """Put up to `size` bytes, but for the first `at`, into a TLS connection, and remove nothing.

        Returns: how many bytes, or `TLS_FAILED`.
        """
        begin = self.start + at
        try:
            return connection.write(memoryview(self.data)[begin : begin + size])
        except ssl.SSLError:
            return TLS_FAILED


def take(fd: int, size: int) -> bytes | int:
    """Read up to `size` octets, at most `READ_SIZE`: none at the end; `AGAIN` or -errno in their place."""
    try:
        return os.read(fd, min(size, READ_SIZE))
    except BlockingIOError:
        return AGAIN
    except OSError as error:
        return -(error.errno or 5)


def give(fd: int, data: bytes) -> int:
    """Write octets: how many were taken, `AGAIN` or -errno."""
    try:
        return os.write(fd, data)
    except BlockingIOError:
        return AGAIN
    except OSError as error:
        return -(error.errno or 5)
