"""TLS between octets and a descriptor: OpenSSL reads and writes memory, and this moves what lies there.

So one `recv` brings a whole record or several, a connection needs no socket object, and what TLS has to say beside content
(a session ticket, a key update) goes out with the content that is written next.
Knows Python's `ssl`, buffers and descriptors. Must not know endpoints, nor who is at the other end.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from perijove.engine.buffer import Buffer, give, take
from perijove.engine.const import AGAIN, FOUND, PLAIN, RECORD, TLS_FAILED, WANT_WRITE

if TYPE_CHECKING:
    from ssl import SSLContext, SSLObject

_ENCRYPTED: Final = 5 + RECORD + 256  # octets of an encrypted record at the most (RFC 8446 §5.2)
_AT_ONCE: Final = 4 * RECORD  # octets of content that are written at a time: a call of the kernel is as dear as a record
_LIGHT: Final = 4096  # octets at a time, in and out, of a connection that is to hold little
_WantRead: Final = ssl.SSLWantReadError  # a look-up less on each of its raises
_Failed: Final = ssl.SSLError


class Layer:
    """One connection's TLS, from its handshake to its closing alert. The descriptor (non-blocking) stays its owner's."""

    __slots__ = (
        "_client",
        "_ended",
        "_fresh",
        "_incoming",
        "_outgoing",
        "_owed",
        "_piece",
        "_room",
        "_shaken",
        "_told",
        "_unsent",
        "connection",
        "last",
    )

    def __init__(self, context: SSLContext, server_side: bool, name: str | None = None) -> None:
        """Make ready for a handshake.

        Args:
            context: what is offered, shown and believed.
            server_side: the other side is a client.
            name: of the server that is spoken with, which its certificate must be for if the context checks names.

        Raises:
            ValueError: `name` cannot be one.
            ssl.SSLError: nor does OpenSSL take it.
        """
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.connection: SSLObject = context.wrap_bio(self._incoming, self._outgoing, server_side, name)
        self._client = not server_side
        self._told = server_side  # it is the other side's turn to speak
        self._shaken = False  # the handshake is over
        self._fresh = False  # something came with the end of the handshake, and nobody has looked at it
        self._ended = False  # close_notify was said
        self.last = False  # nothing is to be written after what is given to `send`: that may say close_notify with it
        self._unsent = b""  # of records, which the descriptor did not take yet
        self._piece = RECORD  # octets of content that are encrypted at a time
        self._room = _ENCRYPTED  # of records that may lie ready to be decrypted
        self._owed = 0  # octets of content that lie in `_unsent`, and are taken for unwritten until they are not

    def handshake(self, fd: int) -> int:
        """Go on with the handshake: `FOUND` at its end.

        Returns: `AGAIN` until `fd` is readable, `WANT_WRITE` until it is writable, `PLAIN` if the client speaks HTTP without
            TLS; another negative number for a failure.
        """
        if self._unsent:
            left = self._drain(fd)
            if left < 0:
                return left
            return FOUND if self._shaken else AGAIN
        if self._told:
            count = self._fill(fd)
            if count <= 0:
                return count or TLS_FAILED
        self._told = True
        try:
            self.connection.do_handshake()
        except _WantRead:
            left = self._drain(fd)
            return left if left < 0 else AGAIN
        except _Failed as error:
            return PLAIN if error.reason == "HTTP_REQUEST" else TLS_FAILED
        self._shaken = True
        self._fresh = bool(self._incoming.pending)
        # A server's last words go with its answer, if something to be answered has come already.
        if self._client or not self._fresh:
            left = self._drain(fd)
            if left < 0:
                return left
        return FOUND

    def recv(self, fd: int, into: Buffer, size: int) -> int:
        """Read up to `size` octets of content to the end of `into`.

        Returns: a count; 0 at the end that close_notify tells of (RFC 8446 §6.1), or at any end if the context says that it
            need not; `AGAIN`; `TLS_FAILED`, also for a stream that was cut; or -errno.
        """
        if self._fresh:
            self._fresh = False
        elif not self.connection.pending():
            count = self._fill(fd)
            if count < 0 and (count != AGAIN or not self._incoming.pending):
                return count
        return into.decrypt(self.connection, size)

    def pending(self) -> bool:
        """Tell whether there is more to be read than epoll knows of."""
        return bool(self.connection.pending() or self._incoming.pending)

    def send(self, fd: int, data: Buffer) -> int:
        """Write what lies in `data`, and remove what is written: how much is left, or `TLS_FAILED`, or -errno.

        What is encrypted but not written yet must not be taken out of `data` by anybody else.
        """
        if self._unsent:
            left = self._drain(fd)
            if left < 0:
                return data.size() if left == WANT_WRITE else left
            data.drop(self._owed)
            self._owed = 0
        while data.size():
            count = self._encrypt(data)
            if count < 0:
                return count
            left = self._drain(fd)
            if left == WANT_WRITE:
                self._owed = count
                return data.size()
            if left < 0:
                return left
            data.drop(count)
        return 0

    def end(self, fd: int) -> None:
        """Say close_notify, or what went wrong; the other side's is not waited for. Of a connection that failed this fails."""
        if not self._ended:
            self._close()
        self._drain(fd)

    def lighten(self) -> None:
        """Hold little from now on: OpenSSL's memory grows with what goes through it at a time, and does not shrink.

        What comes in long records is read in several parts, which costs some; what is written goes in short ones.
        """
        self._piece = self._room = _LIGHT

    def _encrypt(self, data: Buffer) -> int:
        """Make records of what lies in `data`, of as much as is written at a time: of how many octets, or `TLS_FAILED`."""
        size = min(data.size(), _AT_ONCE)
        done = data.encrypt(self.connection, 0, self._piece)
        if 0 < done < size:
            records = [self._outgoing.read()]
            while done < size:
                count = data.encrypt(self.connection, done, min(self._piece, size - done))
                if count < 0:
                    return count
                done += count
                records.append(self._outgoing.read())
            self._unsent = b"".join(records)
        if self.last and done == data.size():
            self._close()
        return done

    def _close(self) -> None:
        self._ended = True
        try:
            self.connection.unwrap()
        except (_Failed, ValueError):  # nearly always: the other side has not said it yet
            return

    def _fill(self, fd: int) -> int:
        """Read records, or parts of one, as many as there is room for: a count, 0 at the end, AGAIN or -errno."""
        room = self._room - self._incoming.pending
        if room <= 0:
            return AGAIN
        got = take(fd, room)
        if isinstance(got, int):
            return got
        if got:
            self._incoming.write(got)
        else:
            self._incoming.write_eof()
        return len(got)

    def _drain(self, fd: int) -> int:
        """Write records: 0 when there are no more, `WANT_WRITE` when not all are taken, or -errno."""
        data = self._unsent
        if self._outgoing.pending:
            data = data + self._outgoing.read() if data else self._outgoing.read()
        elif not data:
            return 0
        count = give(fd, data)
        if count == AGAIN:
            count = 0
        if count < 0:
            return count
        self._unsent = data[count:]
        return WANT_WRITE if self._unsent else 0
