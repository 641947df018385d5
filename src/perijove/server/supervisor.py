"""The supervisor: makes the listening sockets, starts workers, replaces those that die or hang, reloads, drains.

Knows processes, signals and the control messages. It is never on the data path, and must not know how a worker serves.
It keeps every listening socket: a worker that is replaced leaves its queue of connections to the next one. It keeps its
privileges, too: what workers need of files it reads and opens for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

import perijove
from perijove import engine
from perijove.gateway import model
from perijove.observe.seen import Asked
from perijove.routing.compile import labels
from perijove.routing.dynamic import BadTarget
from perijove.server import files, monitor, systemd
from perijove.server.control import Drain, Numbered, Reopened, Routed, Snapshot
from perijove.server.limits import Memory
from perijove.server.privileges import NoSuchUser, ids, raise_descriptors
from perijove.server.replicated import Replicated
from perijove.server.report import describe, say
from perijove.server.routes import Kept, Routes
from perijove.server.routes_file import Filed
from perijove.server.shared import Numbers
from perijove.server.slot import HUNG, Gone, Slot
from perijove.server.sockets import CannotListen, listen_slots
from perijove.server.stderr import unblock
from perijove.server.tls import Certificate, certificate, self_signed
from perijove.server.worker import CannotServe, check, open_log
from perijove.text.diagnostic import Diagnostic, render

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perijove.server.destinations import Change

_STARTS: Final = 30.0  # seconds in which a worker must have begun to serve
_APPLIES: Final = 10.0  # seconds in which a worker must have acknowledged a change
_PAUSE: Final = 1.0  # seconds before a worker is started again that died as it started
_ERRORS: Final = 20  # the last ones that `perijove status` tells
_DAY: Final = 86400.0
_WARN: Final = 14 * 86400.0  # seconds before its end from which a certificate is warned of, once a day
_LOOKS: Final = 1.0  # seconds between two looks at files that may have changed
_FIXED: Final = ("workers", "metrics", "user", "control")  # what only a new start changes


class Loaded(Protocol):
    """A configuration that was read."""

    @property
    def gateway(self) -> model.Gateway | None:
        """What to serve; None if a diagnostic is an error."""

    @property
    def diagnostics(self) -> Sequence[Diagnostic]:
        """What is to be said of it."""

    @property
    def files(self) -> Sequence[str]:
        """The paths of what was read."""


class Closing(Protocol):
    """What listens beside the workers."""

    def close(self) -> None:
        """Listen no more."""


class Renewing(Closing, Protocol):
    """What listens with files of the gateway's: certificates."""

    def renew(self, contents: files.Contents) -> None:
        """Go by what the files hold now, which was found to be sound."""


Beside = Callable[["Supervisor"], Awaitable[Sequence[Renewing]]]  # begins to listen beside the workers


@dataclass
class Outcome:
    """How a reload went."""

    at: float  # seconds since 1970
    reloaded: bool
    why: list[str] = field(default_factory=list)  # what is wrong, each as a person reads it
    diagnostics: Sequence[Diagnostic] = ()


class Supervisor:
    """Keeps so many workers serving one gateway.

    Raises, when made:
        CannotServe: it says why.
    """

    def __init__(self, loaded: Loaded, load: Callable[[], Loaded], beside: Beside | None = None) -> None:
        assert loaded.gateway is not None
        self.gateway = gateway = loaded.gateway
        self.number = 0  # of the snapshot or change that was sent last
        self.numbers = Numbers()
        self.begun = time.time()
        self.loaded_at = self.begun
        self.loaded = loaded
        self.last_reload: Outcome | None = None
        try:
            user = None if gateway.user is None else ids(gateway.user)
        except NoSuchUser as error:
            raise CannotServe(str(error)) from None
        limits = Memory(count_of(gateway))
        self.slots = [Slot(number, user, limits) for number in range(count_of(gateway))]
        self.ending = asyncio.Event()
        self._handed = systemd.match(systemd.handed_over(), [one.address for one in gateway.listeners])
        self.routes: Routes | None = None
        self.kept: Kept | None = None  # the same, and wherever else they are kept
        self.asked = Asked()  # of whoever tells of routes
        if gateway.routing is not None:
            rows = [slot.shared.counters() for slot in self.slots]
            try:
                self.routes = Routes(gateway.routing.first, self._route, lambda: rows)
            except BadTarget as error:
                raise CannotServe(str(error)) from None
            self.kept = self._keeper(self.routes, gateway.routing.kept)
        self._load = load
        self._beside = beside
        self._first = gateway
        self.files: files.Contents = {}  # what they hold that are in use
        self._named = files.Watch(files.watched(gateway))
        self._written = files.Watch(loaded.files)
        self._made: bytes | None = None
        self._log: int | None = None
        self.reloads = 0
        self.reloads_failed = 0
        self.errors: deque[tuple[float, str]] = deque(maxlen=_ERRORS)  # with their times
        self.certificates: dict[str, Certificate] = {}  # by path
        self._warned = 0.0  # when the last look was had at when they end
        self._control: str | None = None
        self._tasks: set[asyncio.Task[object]] = set()
        self._servers: list[Closing] = []
        self._renewing: Sequence[Renewing] = ()  # those of them that have files
        self._changing = asyncio.Lock()  # a worker is replaced, or all are told something new; never both

    def _keeper(self, routes: Routes, kept: model.Redis | str | None) -> Kept:
        """Return who keeps routes where they are to be kept."""
        if kept is None:
            return routes
        if isinstance(kept, str):
            return Filed(routes, kept, self._tell)
        from perijove.routing.redis import Table

        return Replicated(routes, Table(kept), self._tell, str(kept))

    async def run(self) -> int:
        """Serve until a signal says otherwise; return the exit status."""
        loop = asyncio.get_running_loop()
        stopped: asyncio.Queue[int] = asyncio.Queue()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.put_nowait, number)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._spawn(self.reload()))
        loop.add_signal_handler(signal.SIGUSR1, lambda: self._spawn(self.reopen()))
        try:
            if self.kept is not None and not await _before(self.kept.begin(), stopped):
                await self._end(0.0)
                return 0
            async with self._changing:
                await self._begin()
        except (CannotServe, CannotListen, Gone) as error:
            say(f"error: {error}")
            await self._end(0.0)
            return 1
        count = len(self.slots)
        say(f"{perijove.__version__}, {engine.KIND} engine, pid {os.getpid()}, {count} worker{'s' if count > 1 else ''}")
        self._describe()
        for slot in self.slots:
            self._spawn(self._keep(slot))
        self._spawn(self._watchdog())
        self._spawn(self._look())
        systemd.notify("READY=1")
        await stopped.get()
        systemd.notify("STOPPING=1")
        say("finishing what is running; once more to stop at once")
        hurry = asyncio.create_task(stopped.get())
        await self._end(self.gateway.timeouts.grace, hurry)
        hurry.cancel()
        return 0

    def _spawn(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tell(self, text: str) -> None:
        """Say something that `perijove status` is to tell, too."""
        say(text)
        self.errors.append((time.time(), text))

    def _describe(self) -> None:
        for line in describe(self.gateway, self.slots[0].sockets):
            say(line)

    # ------------------------------------------------------------------ sockets

    def _open(self, gateway: model.Gateway) -> None:
        """Listen on what is new in `gateway`.

        Raises:
            CannotListen: it cannot be; nothing has changed.
        """
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
        except CannotListen:
            for slots in made.values():
                for some in slots:
                    _close(some)
            raise
        for address, slots in made.items():
            for slot, some in zip(self.slots, slots, strict=True):
                slot.sockets[address] = some

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

    async def _begin(self) -> None:
        """Start all workers, and whatever else listens.

        Raises:
            CannotServe, CannotListen: the configuration cannot be served.
            Gone: a worker ended.
        """
        contents = check(self.gateway)
        self._open(self.gateway)
        self._switch_log(open_log(self.gateway))
        self._use(contents)
        for slot in self.slots:
            await slot.start()
        await self._apply(self.gateway, contents, _STARTS)
        self._servers += await monitor.show(self)
        servers, self._control = await monitor.obey(self)
        self._servers += servers
        if self._beside is not None:
            self._renewing = await self._beside(self)
            self._servers += self._renewing

    async def _apply(self, gateway: model.Gateway, contents: files.Contents, seconds: float) -> None:
        """Have all workers serve `gateway`.

        Raises:
            CannotServe: one refuses.
            Gone: one is no more, and none of the others refuses.
        """
        if self._made is None and any(one.tls is not None and not one.tls.certificates for one in gateway.listeners):
            self._made = self_signed(gateway)
        self.number += 1
        self.numbers = self.numbers.grown(labels(gateway), gateway.upstreams)
        await _all(self._snapshot(slot, gateway, contents, seconds) for slot in self.slots)

    async def _snapshot(self, slot: Slot, gateway: model.Gateway, contents: files.Contents, seconds: float) -> str | None:
        """Tell one worker all that it is to serve; return why it refuses, or None.

        Raises:
            Gone: it is no more.
        """
        new = [address for address in slot.sockets if address not in slot.has]
        passed = [one.fileno() for address in new for one in slot.sockets[address]]
        counted = tuple((address, len(slot.sockets[address])) for address in new)
        log = self._log
        if log is not None:
            passed.append(log)
        routes = None if self.routes is None or slot.routed else self.routes.all()
        shown = _without_secrets(gateway)
        contents = {path: contents[path] for path in files.named(shown) if path in contents}
        message = Snapshot(self.number, shown, counted, contents, self._made, log is not None, self.numbers, routes)
        why = await slot.ask(message, passed, seconds)
        if why is None:
            slot.has = {one.address for one in gateway.listeners}
            slot.serves = slot.routed = True
        return why

    async def _change(self, message: Numbered, descriptors: list[int]) -> None:
        """Tell all workers of a change. One that is gone learns of it from its next snapshot.

        Raises:
            CannotServe: one refuses.
        """
        with contextlib.suppress(Gone):
            await _all(slot.ask(message, descriptors, _APPLIES) for slot in self.slots)

    async def _route(self, changes: tuple[Change, ...]) -> None:
        """Have all workers change their routes."""
        async with self._changing:
            self.number += 1
            await self._change(Routed(self.number, changes), [])

    async def _keep(self, slot: Slot) -> None:
        """See that there is a worker in the slot which serves and beats."""
        while not self.ending.is_set():
            process = slot.process
            assert process is not None
            ended = asyncio.ensure_future(process.wait())
            while not ended.done():
                await asyncio.wait((ended,), timeout=1.0)
                if not ended.done() and slot.shared.age() > HUNG and not self.ending.is_set():
                    self._tell(f"worker {slot.number} (pid {process.pid}) hangs: it is killed")
                    slot.kill()
            if self.ending.is_set():
                return
            served = slot.serves
            why = _status(ended.result())
            self._tell(f"worker {slot.number} (pid {process.pid}) ended with {why}: another one is started")
            if not served:
                await asyncio.sleep(_PAUSE)
            async with self._changing:
                slot.let_go()
                if self.ending.is_set():
                    return
                slot.restarts += 1
                await slot.start()
                try:
                    refused = await self._snapshot(slot, self.gateway, self.files, _STARTS)
                except Gone:
                    continue
            if refused is not None:
                self._tell(f"error: worker {slot.number}: {refused}")
                slot.kill()

    async def _watchdog(self) -> None:
        """Tell systemd that all is well, as long as every worker beats."""
        seconds = systemd.watchdog()
        while seconds:
            await asyncio.sleep(seconds)
            if all(slot.well() for slot in self.slots):
                systemd.notify("WATCHDOG=1")

    # ------------------------------------------------------------------ changes

    async def reload(self) -> Outcome:
        """Read the configuration again and serve it, or say what is wrong with it and serve what was served before."""
        systemd.reloading()
        async with self._changing:
            self._written.look()
            loaded = self._load()
            self._written.again(loaded.files)
            for one in loaded.diagnostics:
                say(render(one))
            gateway = loaded.gateway
            outcome = Outcome(time.time(), False, [render(one) for one in loaded.diagnostics], loaded.diagnostics)
            if gateway is not None:
                why = await self._serve(gateway)
                if why is None:
                    outcome.reloaded = True
                    self.loaded = loaded
                    self.loaded_at = time.time()
                else:
                    outcome.why.append(f"error: {why}")
                    self._tell(f"error: {why}")
            self._close_but(self.gateway)
        self.last_reload = outcome
        systemd.notify("READY=1")
        self.reloads += outcome.reloaded
        self.reloads_failed += not outcome.reloaded
        if not outcome.reloaded:
            self._tell("not reloaded: what was served before still is")
            return outcome
        say("reloaded")
        for name in _FIXED:
            if getattr(self.gateway, name) != getattr(self._first, name):
                outcome.why.append(f"warning: `{name}` has changed: that needs a new start")
                say(outcome.why[-1])
        self._describe()
        return outcome

    async def _serve(self, gateway: model.Gateway) -> str | None:
        """Serve another gateway from now on; return why that cannot be, all being as before, or None."""
        self._named.look()
        try:
            contents = check(gateway)
            self._open(gateway)
            before = self._log
            self._log = open_log(gateway)
        except (CannotServe, CannotListen) as error:
            return str(error)
        try:
            with contextlib.suppress(Gone):  # the next worker in its slot is told of `self.gateway`
                await self._apply(gateway, contents, _APPLIES)
        except CannotServe as error:
            opened, self._log = self._log, before
            if opened is not None:
                os.close(opened)
            with contextlib.suppress(Gone, CannotServe):  # some may serve it already: back to what all served
                await self._apply(self.gateway, self.files, _APPLIES)
            return str(error)
        if before is not None:
            os.close(before)
        self.gateway = gateway
        self._use(contents)
        return None

    def _use(self, contents: files.Contents) -> None:
        """Note what the files hold that are in use."""
        self._named.again(files.watched(self.gateway))
        self.files = contents
        self.certificates = {path: certificate(contents[path], path) for path, _ in files.pairs(self.gateway)}
        self._warned = 0.0
        for one in self._renewing:
            one.renew(contents)

    def _switch_log(self, log: int | None) -> None:
        if self._log is not None:
            os.close(self._log)
        self._log = log

    async def reopen(self) -> str | None:
        """Open the access log anew, as logrotate wants it; return why that cannot be, or None."""
        async with self._changing:
            try:
                log = open_log(self.gateway)
            except CannotServe as error:
                self._tell(f"error: {error}; what was open still is")
                return str(error)
            if log is None:
                return None
            self._switch_log(log)
            self.number += 1
            await self._change(Reopened(self.number), [log])
        say("access log opened anew")
        return None

    async def renew(self) -> None:
        """Use what the files hold now, certificates or pages of errors, if it is sound; else what was used before."""
        async with self._changing:
            before = self.files
            with contextlib.suppress(files.Unreadable):
                if files.read(self.gateway) == before:
                    return
            why = await self._serve(self.gateway)
            if why is not None:
                self._tell(f"warning: certificates have changed, but cannot be used: {why}; the ones before still are")
                return
            changed = {path for path, _ in before.items() ^ self.files.items()}
            of_errors = {path for path in changed if path.endswith(".html")}
            if changed - of_errors:
                say("certificates have changed: the new ones are used")
            if of_errors:
                say("pages of errors have changed: the new ones are shown")

    def _warn(self) -> None:
        """Tell of certificates that end soon, once a day."""
        now = time.time()
        if 0 <= now - self._warned < _DAY:
            return
        self._warned = now
        for path, one in self.certificates.items():
            if one.not_after - now < _WARN:
                ends = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(one.not_after))
                verb = "ended" if one.not_after < now else "ends"
                self._tell(f"warning: the certificate `{path}` ({', '.join(one.names)}) {verb} on {ends}: renew it")

    async def _look(self) -> None:
        """See whether files have changed."""
        while True:
            self._warn()
            await asyncio.sleep(_LOOKS)
            if self._written.changed() and self.gateway.watch:
                await self.reload()
            elif self._named.changed():
                await self.renew()

    # ------------------------------------------------------------------ the end

    async def _end(self, grace: float, hurry: asyncio.Task[int] | None = None) -> None:
        """Have the workers finish within `grace` seconds, or at once when `hurry` is done."""
        self.ending.set()
        for some in self._handed.values():
            _close(some)
        self._close_but(None)  # the workers take what waits in the queues, and close the last copies
        running = [slot for slot in self.slots if slot.process is not None]
        for slot in running:
            with contextlib.suppress(OSError):
                await slot.tell(Drain(grace), [])
        waiting = {asyncio.ensure_future(slot.process.wait()) for slot in running if slot.process is not None}
        if waiting and hurry is not None:
            every = asyncio.ensure_future(asyncio.wait(waiting, timeout=grace + HUNG))
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
        if self.kept is not None:
            await self.kept.end()
        if self._control is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._control)


async def _before(work: Awaitable[object], stopped: asyncio.Queue[int]) -> bool:
    """Wait for something; tell whether it was done before a signal said to stop."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stopped.get())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        stopping.cancel()
        working.result()
        return True
    working.cancel()
    return False


async def _all(asked: Iterable[Awaitable[str | None]]) -> None:
    """Wait for all answers.

    Raises:
        CannotServe: one refuses.
        Gone: one is no more, and none of the others refuses.
    """
    told = await asyncio.gather(*asked, return_exceptions=True)
    for one in told:
        if isinstance(one, str):
            raise CannotServe(one)
    for one in told:
        if isinstance(one, BaseException):
            raise one


def _without_secrets(gateway: model.Gateway) -> model.Gateway:
    """Return a gateway as workers may know it: who speaks to the world need not know what the API and Redis ask for."""
    routing = gateway.routing
    if routing is None:
        return gateway
    return replace(gateway, routing=replace(routing, api=replace(routing.api, token="", tls=None), kept=None))


def _close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()


def _status(number: int) -> str:
    return f"signal {signal.Signals(-number).name}" if number < 0 else f"status {number}"


def count_of(gateway: model.Gateway) -> int:
    """Return how many workers a gateway is to have: as many as there are cores for us, if it leaves that open."""
    return gateway.workers or len(os.sched_getaffinity(0))


def run(loaded: Loaded, load: Callable[[], Loaded], beside: Beside | None = None) -> int:
    """Serve until SIGTERM or SIGINT, reloading at SIGHUP; return the exit status.

    Args:
        loaded: what to serve; it has a gateway.
        load: reads it again.
        beside: begins to listen beside the workers.
    """
    unblock()
    raise_descriptors()

    async def main() -> int:
        try:
            supervisor = Supervisor(loaded, load, beside)
        except CannotServe as error:
            say(f"error: {error}")
            return 1
        status = await supervisor.run()
        # A signal that comes while the loop is being closed finds nobody; it must not end us in its own way either.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1))
        return status

    return asyncio.run(main())
