"""What a worker process is: `python -m perijove.server.child CONTROL SHARED LIMITS NUMBER [UID:GID:GID,…]`.

The first three are descriptors that the supervisor hands down, NUMBER is the slot's; the others are the user and the groups to
become.

Knows a worker, its control socket and its heartbeat. Must not know the supervisor: if it is gone, the worker drains and ends.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Final

from perijove.engine import mask
from perijove.engine.const import IN
from perijove.engine.counters import Counters
from perijove.engine.reactor import Endpoint
from perijove.engine.slots import LOG_DROPPED
from perijove.server.control import Applied, Channel, Drain, Numbered, Refused, Routed, Snapshot, encode
from perijove.server.limits import Memory
from perijove.server.privileges import become, raise_descriptors
from perijove.server.report import through
from perijove.server.shared import Shared
from perijove.server.stderr import unblock
from perijove.server.tls import BadCertificate
from perijove.server.worker import Given, Worker

if TYPE_CHECKING:
    from perijove.gateway.model import Address
    from perijove.server.control import Message

_BEAT: Final = 0.5  # seconds
# Of Python's collector of cycles: when it looks at what is new, at what is newer than that, and at all there is (never). The
# engine makes no cycles (tests/unit/server/test_child.py), so nothing is left for it; and to look at 100,000 routes takes
# longer than any request should wait.
_COLLECTS: Final = (1000, 10, 1 << 30)


class Heartbeat(Endpoint):
    """Beats as long as the loop goes round."""

    __slots__ = ("dropped", "shared", "worker")

    def __init__(self, worker: Worker, shared: Shared) -> None:
        super().__init__(worker.reactor)
        self.worker = worker
        self.shared = shared
        self.dropped = 0  # lines of the log, as counted before
        self.on_timeout()

    def on_event(self, mask: int) -> None:
        """It has no descriptor."""

    def on_timeout(self) -> None:
        """Beat, and again soon."""
        self.shared.beat()
        record = self.worker.record
        if record is not None and record.dropped != self.dropped:
            self.worker.counters.add(LOG_DROPPED, max(record.dropped - self.dropped, 0))
            self.dropped = record.dropped
        self.until(_BEAT)


class Control(Endpoint):
    """The worker's end of the control socket."""

    __slots__ = ("channel", "drain", "worker")

    def __init__(self, worker: Worker, sock: socket.socket) -> None:
        super().__init__(worker.reactor)
        self.worker = worker
        self.channel = Channel(sock)
        self.drain: Drain | None = None
        self.attach(sock, IN)
        worker.reactor.urgent = self  # a change of routes is answered when it is made

    def on_event(self, mask: int) -> None:
        """Do what the supervisor says."""
        try:
            messages = self.channel.receive()
        except OSError:
            messages = None
        if messages is None:
            self.on_lost()
            return
        for message, descriptors in messages:
            if isinstance(message, Drain):
                self.drain = message
            elif isinstance(message, Numbered):
                self._do(message, descriptors)

    def on_lost(self) -> None:
        """The supervisor is gone: finish what is running."""
        gateway = self.worker.gateway
        self.drain = Drain(0.0 if gateway is None else gateway.timeouts.grace)
        self.want(0)

    def on_fault(self) -> None:
        """Go on: the supervisor sees what is not acknowledged."""

    def _do(self, message: Numbered, descriptors: list[int] | None) -> None:
        """Do what a numbered message says, and answer."""
        answer: Message = Applied(message.number)
        try:
            if descriptors is None:
                answer = Refused(message.number, "as many files are open as may be (`ulimit -n`)")
            elif isinstance(message, Snapshot):
                self._apply(message, descriptors)
            elif isinstance(message, Routed):
                self.worker.destinations.change(message.changes)
            else:
                self.worker.reopen(descriptors[0])
        except BadCertificate as error:
            answer = Refused(message.number, str(error))
        assert self.sock is not None
        self.sock.sendall(b"".join(encode(answer)))

    def _apply(self, snapshot: Snapshot, descriptors: list[int]) -> None:
        given = _given(snapshot, descriptors)
        if snapshot.routes is not None:
            self.worker.destinations.replace(snapshot.routes)
        try:
            self.worker.apply(snapshot.gateway, given)
            if self.worker.voice is not None:
                through(self.worker.voice.tell)
        except BadCertificate:
            for some in given.sockets.values():
                for one in some:
                    one.close()
            if given.log is not None:
                os.close(given.log)
            raise


def _given(snapshot: Snapshot, descriptors: list[int]) -> Given:
    sockets: dict[Address, list[socket.socket]] = {}
    left = iter(descriptors)
    for address, count in snapshot.addresses:
        sockets[address] = [socket.socket(fileno=next(left)) for _ in range(count)]
        for one in sockets[address]:
            one.setblocking(False)
    return Given(sockets, snapshot.files, snapshot.made, next(left) if snapshot.log else None, snapshot.numbers)


def _import_all() -> None:
    """Import what is else imported when it is needed: the user to become may have no right to read it."""
    import encodings.idna
    import traceback

    from cryptography import x509

    assert encodings.idna
    assert traceback
    assert x509


def main() -> None:
    """Serve until the supervisor says otherwise."""
    # A terminal tells the whole group; what to do is the supervisor's to say.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    control.setblocking(False)
    unblock()
    raise_descriptors()
    shared = Shared(int(sys.argv[2]))
    if len(sys.argv) > 5:
        _import_all()
        user, group, groups = sys.argv[5].split(":")
        become((int(user), int(group), tuple(map(int, groups.split(",")))))
    mask.prepare()
    worker = Worker(Counters(shared.counters()), Memory(descriptor=int(sys.argv[3])), int(sys.argv[4]))
    Heartbeat(worker, shared)
    told = Control(worker, control)
    reactor = worker.reactor
    while worker.gateway is None and told.drain is None:
        reactor.turn(60.0)
    gc.collect()
    gc.freeze()  # what stands now stands for good
    gc.set_threshold(*_COLLECTS)
    while told.drain is None:
        reactor.turn(60.0)
    first = told.drain
    worker.drain(first.grace, lambda: told.drain is not first)
    os._exit(0)  # nothing is left to be done; the resolver's thread may still wait for a name


if __name__ == "__main__":
    main()
