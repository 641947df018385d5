"""Real sockets for tests in one thread: the loop is turned by hand, the far ends never block."""

from __future__ import annotations

import ctypes
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from perijove.engine.reactor import Reactor

_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27  # asm-generic/socket.h
# linux/filter.h: load the length; if it is over 60, take nothing; else take all.
_SHORT = ((0x80, 0, 0, 0), (0x25, 0, 1, 60), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
PATIENCE = 10.0  # seconds after which something that should happen has not: the machine may be busy


@contextmanager
def turning() -> Iterator[Reactor]:
    """A loop; all that is still in it is closed in the end."""
    reactor = Reactor()
    yield reactor
    for endpoint in reactor.table:
        if endpoint is not None:
            endpoint.close()
    reactor.poller.close()


def turn_until(reactor: Reactor, condition: Callable[[], object]) -> None:
    """Turn until `condition` holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        reactor.turn(0.01)


def turn_for(reactor: Reactor, seconds: float) -> int:
    """Turn for a while; return how often something was to be done."""
    end = time.monotonic() + seconds
    count = 0
    while (left := end - time.monotonic()) > 0:
        reactor.turn(left)
        count += 1
    return count


def reset(sock: socket.socket) -> None:
    """Close with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@contextmanager
def swallowing(listening: socket.socket) -> Iterator[None]:
    """Have the kernel throw away what has content, of connections that are made meanwhile, as if their sockets were gone.

    A filter for what a socket gets (socket(7), SO_ATTACH_FILTER): a TCP segment of more than 60 octets is dropped, and so is
    never acknowledged; what makes and ends connections is shorter.
    """
    program = (ctypes.c_uint64 * 4)(*(struct.unpack("=Q", struct.pack("=HBBI", *one))[0] for one in _SHORT))
    attached = struct.pack("HP", len(_SHORT), ctypes.addressof(program))
    listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, attached)
    try:
        yield
    finally:
        listening.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)


class Far:
    """The far end of a connection, and all that it was told."""

    def __init__(self, reactor: Reactor, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.reactor = reactor
        self.sock = sock
        self.got = b""
        self.ended = False
        self.failed = False  # by a reset

    def look(self) -> bytes:
        """Take what has arrived; return all of it so far."""
        while not (self.ended or self.failed):
            try:
                piece = self.sock.recv(1 << 20)
            except (BlockingIOError, ssl.SSLWantReadError):
                break
            except OSError:
                self.failed = True
                break
            self.got += piece
            self.ended = not piece
        return self.got

    def until(self, what: bytes | int) -> bytes:
        """Turn the loop until these octets, or so many, have arrived; return all of it."""
        turn_until(self.reactor, lambda: what in self.look() if isinstance(what, bytes) else len(self.look()) >= what)
        return self.got

    def until_over(self) -> bytes:
        """Turn the loop until the end, or a reset; return all that came before."""
        turn_until(self.reactor, lambda: self.look() is not None and (self.ended or self.failed))
        return self.got

    def take(self) -> bytes:
        """Return what has been read, and forget it."""
        got, self.got = self.got, b""
        return got

    def send(self, data: bytes) -> None:
        """Send all of it, turning the loop while it does not fit."""
        view = memoryview(data)
        end = time.monotonic() + PATIENCE
        while view:
            assert time.monotonic() < end, "it takes no more"
            try:
                view = view[self.sock.send(view) :]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                self.reactor.turn(0.01)

    def offer(self, data: bytes) -> int:
        """Send what fits now; return how much that was."""
        try:
            return self.sock.send(data) if data else 0
        except BlockingIOError:
            return 0

    def handshake(self) -> None:
        """Do that of TLS."""
        assert isinstance(self.sock, ssl.SSLSocket)
        end = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < end, "no end of the handshake"
            try:
                self.sock.do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self.reactor.turn(0.01)
            else:
                return

    def finish(self) -> None:
        """Say that no more will come."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        reset(self.sock)


class Listening:
    """A listening socket on an address of its own; what it accepts is closed with it."""

    def __init__(self, reactor: Reactor, backlog: int = 16) -> None:
        self.reactor = reactor
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.sock.setblocking(False)
        self.address = self.sock.getsockname()
        self.stack = ExitStack()
        self.stack.callback(self.sock.close)

    def accepted(self) -> Far | None:
        """Return a connection if one waits."""
        try:
            sock, _ = self.sock.accept()
        except BlockingIOError:
            return None
        far = Far(self.reactor, sock)
        self.stack.enter_context(closing(far))
        return far

    def accept(self, tls: ssl.SSLContext | None = None) -> Far:
        """Turn the loop until there is a connection; with `tls`, do its handshake."""
        found: list[Far] = []

        def some() -> bool:
            one = self.accepted()
            if one is not None:
                found.append(one)
            return one is not None

        turn_until(self.reactor, some)
        if tls is not None:
            found[0].sock = tls.wrap_socket(found[0].sock, server_side=True, do_handshake_on_connect=False)
            found[0].handshake()
        return found[0]

    def close(self) -> None:
        self.stack.close()


@contextmanager
def refusing() -> Iterator[tuple[str, int]]:
    """An address that nobody listens on, and nobody else gets meanwhile."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()


@contextmanager
def deaf() -> Iterator[tuple[str, int]]:
    """An address where connections neither come about nor are refused: the queue is full."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listening.getsockname())
        yield listening.getsockname()
