"""The supervisor: makes the listening sockets, starts workers, replaces those that die or hang, reloads, drains.

Knows processes, signals and the control messages. It is never on the data path, and must not know how a worker serves.
It keeps every listening socket: a worker that is replaced leaves its queue of connections to the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Final

import perijove
from perijove import engine
from perijove.gateway import model
from perijove.server import systemd, worker
from perijove.server.control import Applied, Channel, Drain, Message, Refused, Snapshot, encode
from perijove.server.report import describe, say
from perijove.server.shared import Shared
from perijove.server.sockets import CannotListen, listen, listen_slots
from perijove.server.tls import self_signed
from perijove.server.worker import check, raise_descriptors

if TYPE_CHECKING:
    from collections.abc import Callable

_HUNG: Final = 5.0  # seconds without a heartbeat
_STARTS: Final = 30.0  # seconds in which a worker must have begun to serve
_APPLIES: Final = 10.0  # seconds in which a worker must have acknowledged a reload
_PAUSE: Final = 1.0  # seconds before a worker is started again that died as it started


class Gone(Exception):
    """A worker has ended, or was ended because it did not answer. Whoever keeps its slot starts another one."""


class Slot:
    """A place for a worker: its sockets, its memory, and the process that is in it now."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.shared = Shared()
        self.sockets: dict[model.Address, list[socket.socket]] = {}
        self.process: asyncio.subprocess.Process | None = None
        self.control: socket.socket | None = None
        self.has: set[model.Address] = set()  # of `sockets`, those that the worker was given
        self.answers: asyncio.Queue[Message | None] = asyncio.Queue()  # None: no more will come
        self.serves = False
        self.restarts = 0

    async def start(self) -> None:
        """Start a process that waits to be told what to serve."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.control = ours
        self.has = set()
        self.answers = asyncio.Queue()
        self.shared.beat()
        with theirs:
            command = [sys.executable, "-P", "-m", "perijove.server.child", str(theirs.fileno()), str(self.shared.descriptor)]
            self.process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, pass_fds=(theirs.fileno(), self.shared.descriptor)
            )
        channel = Channel(ours)

        def heard() -> None:
            with contextlib.suppress(OSError):
                messages = channel.receive()
                if messages is not None:
                    for message, _ in messages:
                        self.answers.put_nowait(message)
                    return
            self.answers.put_nowait(None)
            asyncio.get_running_loop().remove_reader(ours)

        asyncio.get_running_loop().add_reader(ours, heard)

    async def tell(self, message: Message, sockets: list[socket.socket]) -> None:
        """Send a message with sockets beside it."""
        assert self.control is not None
        head, body = encode(message, len(sockets))
        if sockets:
            socket.send_fds(self.control, [head], [one.fileno() for one in sockets])
        else:
            body = head + body
        await asyncio.get_running_loop().sock_sendall(self.control, body)

    async def apply(self, number: int, gateway: model.Gateway, pair: bytes | None, seconds: float) -> str | None:
        """Have the worker serve `gateway` within so many seconds; return why it refuses, or None.

        Raises:
            Gone: it is no more.
        """
        new = [address for address in self.sockets if address not in self.has]
        sockets = [one for address in new for one in self.sockets[address]]
        snapshot = Snapshot(number, gateway, tuple((address, len(self.sockets[address])) for address in new), pair)
        try:
            await self.tell(snapshot, sockets)
            async with asyncio.timeout(seconds):
                while (answer := await self.answers.get()) is not None:
                    if isinstance(answer, Applied) and answer.number == number:
                        self.has = {one.address for one in gateway.listeners}
                        self.serves = True
                        return None
                    if isinstance(answer, Refused) and answer.number == number:
                        return answer.why
        except TimeoutError:
            self.kill()
        except OSError:
            pass
        raise Gone(f"worker {self.number} ended or did not answer")

    def well(self) -> bool:
        """Tell whether the worker serves, and its loop goes round."""
        return self.serves and self.shared.age() < _HUNG

    def kill(self) -> None:
        """End the process at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    def let_go(self) -> None:
        """Forget a process that has ended."""
        self.serves = False
        self.process = None
        if self.control is not None:
            asyncio.get_running_loop().remove_reader(self.control)
            self.control.close()
            self.control = None


class Supervisor:
    """Keeps so many workers serving one gateway."""

    def __init__(self, gateway: model.Gateway, reload: Callable[[], model.Gateway | None]) -> None:
        self.gateway = gateway
        self.slots = [Slot(number) for number in range(count_of(gateway))]
        self.number = 0
        self._end_begun = asyncio.Event()
        self._handed = systemd.match(systemd.handed_over(), [one.address for one in gateway.listeners])
        self._load = reload
        self._first = gateway
        self._pair: bytes | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._changing = asyncio.Lock()  # a worker is replaced, or all are told something new; never both

    async def run(self) -> int:
        """Serve until a signal says otherwise; return the exit status."""
        loop = asyncio.get_running_loop()
        stopped: asyncio.Queue[int] = asyncio.Queue()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.put_nowait, number)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._spawn(self._reload()))
        async with self._changing:
            why = self._open(self.gateway) or await self._begin() or await self._show()
        if why is not None:
            say(f"error: {why}")
            await self._end(0.0)
            return 1
        say(f"{perijove.__version__}, {engine.KIND} engine, pid {os.getpid()}, {len(self.slots)} workers")
        self._describe()
        for slot in self.slots:
            self._spawn(self._keep(slot))
        self._spawn(self._watchdog())
        systemd.notify("READY=1")
        await stopped.get()
        systemd.notify("STOPPING=1")
        say("finishing what is running; once more to stop at once")
        hurry = asyncio.create_task(stopped.get())
        await self._end(self.gateway.timeouts.grace, hurry)
        hurry.cancel()
        return 0

    def _spawn(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _describe(self) -> None:
        for line in describe(self.gateway, self.slots[0].sockets):
            say(line)

    # ------------------------------------------------------------------ monitoring

    async def _show(self) -> str | None:
        """Listen for monitoring, if the gateway says so; return why that cannot be, or None."""
        if self.gateway.metrics is None:
            return None
        from perijove.observe import http, metrics

        def workers() -> list[metrics.Worker]:
            return [metrics.Worker(slot.shared.counters(), slot.well(), slot.restarts) for slot in self.slots]

        def health(needed: Callable[[list[bool]], bool]) -> http.Page:
            well = [slot.well() for slot in self.slots]
            shown = f"{sum(well)} of {len(well)} workers serve\n".encode()
            return 200 if needed(well) and not self._end_begun.is_set() else 503, "text/plain", shown

        try:
            sockets = listen(self.gateway.metrics)
        except CannotListen as error:
            return str(error)
        pages = {
            "/metrics": lambda: (200, metrics.CONTENT_TYPE, metrics.render(workers())),
            "/healthz": lambda: health(any),
            "/readyz": lambda: health(all),
        }
        self._servers = await http.start(sockets, pages)
        say(f"metrics on http://{self.gateway.metrics}/metrics")
        return None

    # ------------------------------------------------------------------ sockets

    def _open(self, gateway: model.Gateway) -> str | None:
        """Listen on what is new in `gateway`; return why that cannot be, having changed nothing, or None."""
        made: dict[model.Address, list[list[socket.socket]]] = {}
        try:
            for one in gateway.listeners:
                if one.address in self.slots[0].sockets:
                    continue
                handed = self._handed.get(one.address)
                if handed is None:
                    made[one.address] = listen_slots(one.address, len(self.slots))
                else:  # one socket, which all share
                    made[one.address] = [[sock.dup() for sock in handed] for _ in self.slots]
        except CannotListen as error:
            for slots in made.values():
                for some in slots:
                    _close(some)
            return str(error)
        for address, slots in made.items():
            for slot, some in zip(self.slots, slots, strict=True):
                slot.sockets[address] = some
        return None

    def _close_but(self, gateway: model.Gateway | None) -> None:
        """Close the sockets that `gateway` does not name; all of them without one."""
        kept = set() if gateway is None else {one.address for one in gateway.listeners}
        for slot in self.slots:
            for address in [one for one in slot.sockets if one not in kept]:
                _close(slot.sockets.pop(address))
                if isinstance(address, model.UnixAddress) and slot is self.slots[-1] and address not in self._handed:
                    with contextlib.suppress(OSError):
                        os.unlink(address.path)

    # ------------------------------------------------------------------ workers

    async def _begin(self) -> str | None:
        """Start all workers; return why that failed, or None."""
        why = check(self.gateway)
        if why is not None:
            return why
        for slot in self.slots:
            await slot.start()
        try:
            return await self._apply(self.gateway, _STARTS)
        except Gone as gone:
            return str(gone)

    async def _apply(self, gateway: model.Gateway, seconds: float) -> str | None:
        """Have all workers serve `gateway`; return why one refuses, or None.

        Raises:
            Gone: one is no more, and none of the others refuses.
        """
        if self._pair is None and any(one.tls is not None and not one.tls.certificates for one in gateway.listeners):
            self._pair = self_signed(gateway)
        self.number += 1
        each = (slot.apply(self.number, gateway, self._pair, seconds) for slot in self.slots)
        told = await asyncio.gather(*each, return_exceptions=True)
        refused = next((one for one in told if isinstance(one, str)), None)
        failed = next((one for one in told if isinstance(one, BaseException)), None)
        if refused is None and failed is not None:
            raise failed
        return refused

    async def _keep(self, slot: Slot) -> None:
        """See that there is a worker in the slot which serves and beats."""
        while not self._end_begun.is_set():
            process = slot.process
            assert process is not None
            ended = asyncio.ensure_future(process.wait())
            while not ended.done():
                await asyncio.wait((ended,), timeout=1.0)
                if not ended.done() and slot.shared.age() > _HUNG and not self._end_begun.is_set():
                    say(f"worker {slot.number} (pid {process.pid}) hangs: it is killed")
                    slot.kill()
            if self._end_begun.is_set():
                return
            served = slot.serves
            say(f"worker {slot.number} (pid {process.pid}) ended with {_status(ended.result())}: another one is started")
            if not served:
                await asyncio.sleep(_PAUSE)
            async with self._changing:
                slot.let_go()
                if self._end_begun.is_set():
                    return
                slot.restarts += 1
                await slot.start()
                try:
                    why = await slot.apply(self.number, self.gateway, self._pair, _STARTS)
                except Gone:
                    continue
            if why is not None:
                say(f"error: worker {slot.number}: {why}")
                slot.kill()

    async def _watchdog(self) -> None:
        """Tell systemd that all is well, as long as every worker beats."""
        seconds = systemd.watchdog()
        while seconds:
            await asyncio.sleep(seconds)
            if all(slot.well() for slot in self.slots):
                systemd.notify("WATCHDOG=1")

    async def _reload(self) -> None:
        systemd.reloading()
        async with self._changing:
            gateway = self._load()
            why = None if gateway is None else check(gateway) or self._open(gateway)
            if gateway is not None and why is None:
                with contextlib.suppress(Gone):  # the next worker in its slot is told of `self.gateway`
                    why = await self._apply(gateway, _APPLIES)
                if why is None:
                    self.gateway = gateway
                else:  # some may serve it already: back to what all served
                    with contextlib.suppress(Gone):
                        await self._apply(self.gateway, _APPLIES)
            self._close_but(self.gateway)
        systemd.notify("READY=1")
        if gateway is None or why is not None:
            if why is not None:
                say(f"error: {why}")
            say("not reloaded: what was served before still is")
            return
        say("reloaded")
        for name in ("workers", "metrics"):
            if getattr(gateway, name) != getattr(self._first, name):
                say(f"`{name}` has changed: that needs a new start")
        self._describe()

    async def _end(self, grace: float, hurry: asyncio.Task[int] | None = None) -> None:
        """Have the workers finish within `grace` seconds, or at once when `hurry` is done."""
        self._end_begun.set()
        for some in self._handed.values():
            _close(some)
        self._close_but(None)  # the workers take what waits in the queues, and close the last copies
        running = [slot for slot in self.slots if slot.process is not None]
        for slot in running:
            with contextlib.suppress(OSError):
                await slot.tell(Drain(grace), [])
        waiting = {asyncio.ensure_future(slot.process.wait()) for slot in running if slot.process is not None}
        if waiting and hurry is not None:
            every = asyncio.ensure_future(asyncio.wait(waiting, timeout=grace + _HUNG))
            await asyncio.wait({every, hurry}, return_when=asyncio.FIRST_COMPLETED)
            if hurry.done():
                for slot in running:
                    with contextlib.suppress(OSError):
                        await slot.tell(Drain(0.0), [])
        if waiting:
            _, left = await asyncio.wait(waiting, timeout=2.0)
            for slot in running if left else []:
                slot.kill()
            await asyncio.wait(waiting)
        for server in self._servers:
            server.close()


def _close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()


def _status(number: int) -> str:
    return f"signal {signal.Signals(-number).name}" if number < 0 else f"status {number}"


def count_of(gateway: model.Gateway) -> int:
    """Return how many workers a gateway is to have: as many as there are cores for us, if it leaves that open."""
    return gateway.workers or len(os.sched_getaffinity(0))


def run(gateway: model.Gateway, reload: Callable[[], model.Gateway | None]) -> int:
    """Serve with the gateway's workers until SIGTERM or SIGINT, reloading at SIGHUP; return the exit status.

    One worker that nobody looks at needs no supervisor: it is this process.

    Args:
        gateway: what to serve.
        reload: gives what to serve next, or None, having said why, if that must not be served.
    """
    if count_of(gateway) == 1 and gateway.metrics is None:
        return worker.run(gateway, reload)
    raise_descriptors()
    return asyncio.run(Supervisor(gateway, reload).run())
