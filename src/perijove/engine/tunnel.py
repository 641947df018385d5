"""After 101: bytes are copied both ways until both sides have ended.

Knows two endpoints and nothing of what they say: frames are never taken apart. The poller copies what is taken at once; the
rest is done here. Each side has at most one read's worth of bytes waiting for it; while it has, the other side is not read.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Final

from perijove.engine.buffer import Buffer
from perijove.engine.const import AGAIN, ENDED, FAILED, IN, NO_TAKER, NOT_TAKEN, OPEN, OUT, READ_SIZE

if TYPE_CHECKING:
    from perijove.engine.reactor import Endpoint

_rest: Final = Buffer()  # what was not taken at once: empty but in `relay`


def relay(source: Endpoint, to: Endpoint) -> int:
    """Copy what `source` has to `to`, one read's worth: how many octets, OPEN, ENDED, FAILED or NO_TAKER."""
    if to.outbuf.size():
        source.want(source.interest & ~IN)
        return OPEN
    if source.tls is None and to.tls is None:
        return copied(source, to, _rest.relay(source.fd, to.fd, READ_SIZE), _rest)
    count = source.recv(to.outbuf, READ_SIZE)
    left = to.flush() if count > 0 else 0
    if left < 0:
        return NO_TAKER
    return _answer(source, to, count, left)


def copied(source: Endpoint, to: Endpoint, count: int, rest: Buffer) -> int:
    """Act on what `Buffer.relay` answered, and what it left: answer as `relay`."""
    left = rest.size()
    if left:
        to.outbuf = Buffer()
        rest.move(to.outbuf, left)
    if count == NOT_TAKEN:
        return NO_TAKER
    return _answer(source, to, count, left)


def _answer(source: Endpoint, to: Endpoint, count: int, left: int) -> int:
    if count > 0:
        if left:
            source.want(source.interest & ~IN)
            to.want(to.interest | OUT)
        return count
    if count == AGAIN:
        return OPEN
    source.want(source.interest & ~IN)
    return ENDED if count == 0 else FAILED


def drained(to: Endpoint, source: Endpoint, ended: bool) -> int:
    """Write what lies ready for `to`, and read `source` again when it is all written: OPEN, ENDED or NO_TAKER."""
    left = to.flush()
    if left < 0:
        return NO_TAKER
    if left:
        return OPEN
    to.want(to.interest & ~OUT)
    if to.sock is None:
        to.lighten()
    if ended:
        half_close(to)
        return ENDED
    source.want(source.interest | IN)
    if source.tls is not None:
        source.reactor.again(source)
    return OPEN


def join(one: Endpoint, other: Endpoint, always: bool) -> None:
    """Leave what they say to the poller, unless one speaks TLS or something still lies ready for it: that goes first.

    With `always` they are told of everything that is copied, else once in a second.
    """
    if one.tls is None and other.tls is None and one.outbuf.size() == 0 and other.outbuf.size() == 0:
        one.reactor.poller.join(one.fd, other.fd, always)


def half_close(to: Endpoint) -> None:
    """Tell `to` that no more will come. TLS has no half-close that Python can send: there the close says it."""
    sock = to.socket()
    if to.tls is None and sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
