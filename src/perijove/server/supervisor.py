"""The supervisor: has workers serve a gateway, replaces those that die or hang, reloads, renews, and ends.

Knows processes, signals, and what changes when. It is never on the data path, and must not know how a worker serves. It keeps
its privileges: what workers need of files it reads and opens for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

import perijove
from perijove import engine
from perijove.gateway import model
from perijove.observe.seen import Asked
from perijove.routing.dynamic import BadTarget
from perijove.server import files, monitor, systemd
from perijove.server.destinations import Change
from perijove.server.expiry import Expiry
from perijove.server.limits import Memory
from perijove.server.listening import Listening
from perijove.server.loaded import Closing, Loaded, Outcome, Renewing, Unread
from perijove.server.privileges import NoSuchUser, ids, raise_descriptors
from perijove.server.replicated import Replicated
from perijove.server.report import describe, say
from perijove.server.routes import Kept, Routes
from perijove.server.routes_file import Filed
from perijove.server.slot import HUNG, Gone, Slot
from perijove.server.sockets import CannotListen
from perijove.server.stderr import unblock
from perijove.server.worker import CannotServe, check, open_log
from perijove.server.workers import Served, Workers
from perijove.text.diagnostic import Diagnostic, Severity, render

_PAUSE: Final = 1.0  # seconds before a worker is started again that died as it started
_ERRORS: Final = 20  # the last ones that `perijove status` tells
_LOOKS: Final = 1.0  # seconds between two looks at files that may have changed
_CHANGES: Final = 2.0  # seconds that a change which is being made has when we are to end
_FIXED: Final = ("workers", "metrics", "user", "control")  # what only a new start changes

Beside = Callable[["Supervisor"], Awaitable[Sequence[Renewing]]]  # begins to listen beside the workers


class Supervisor:
    """Keeps so many workers serving one gateway.

    Raises, when made:
        CannotServe: it says why.
    """

    def __init__(self, loaded: Loaded, load: Callable[[], Loaded], beside: Beside | None = None) -> None:
        assert loaded.gateway is not None
        gateway = loaded.gateway
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
        self.workers = Workers(self.slots)
        self.served = Served(gateway)
        self.ending = asyncio.Event()
        self._listening = Listening(self.slots, _addresses(gateway))
        self.kept: Kept | None = None  # the routes that come and go, and wherever they are kept
        self.asked = Asked()  # of whoever tells of routes
        if gateway.routing is not None:
            rows = [slot.shared.counters() for slot in self.slots]
            try:
                self.workers.routes = Routes(gateway.routing.first, self._route, lambda: rows)
            except BadTarget as error:
                raise CannotServe(str(error)) from None
            self.kept = self._keeper(self.workers.routes, gateway.routing.kept)
        self._load = load
        self._beside = beside
        self._first = gateway
        self._named = files.Watch(files.watched(gateway))
        self._written = files.Watch(loaded.files)
        self.reloads = 0
        self.reloads_failed = 0
        self.errors: deque[tuple[float, str]] = deque(maxlen=_ERRORS)  # with their times
        self.expiry = Expiry(self._tell)
        self._control: str | None = None
        self._tasks: set[asyncio.Task[object]] = set()
        self._servers: list[Closing] = []
        self._renewing: Sequence[Renewing] = ()  # those of them that have files
        self._changing = asyncio.Lock()  # a worker is replaced, or all are told something new; never both

    @property
    def gateway(self) -> model.Gateway:
        """What is served."""
        return self.served.gateway

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

    # ------------------------------------------------------------------ workers

    async def _begin(self) -> None:
        """Start all workers, and whatever else listens.

        Raises:
            CannotServe, CannotListen: the configuration cannot be served.
            Gone: a worker ended.
        """
        contents = check(self.gateway)
        self._listening.open(_addresses(self.gateway))
        self._use(Served(self.gateway, contents, open_log(self.gateway)))
        await self.workers.start(self.served)
        self._servers += await monitor.show(self)
        servers, self._control = await monitor.obey(self)
        self._servers += servers
        if self._beside is not None:
            self._renewing = await self._beside(self)
            self._servers += self._renewing

    async def _route(self, changes: tuple[Change, ...]) -> None:
        """Have all workers change their routes."""
        async with self._changing:
            await self.workers.route(changes)

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
            told = ""
            while not self.ending.is_set() and (why := await self._begin_again(slot)):
                if why != told:
                    self._tell(f"error: no worker {slot.number} can be started: {why}; it is tried again and again")
                told = why
                await asyncio.sleep(_PAUSE)

    async def _begin_again(self, slot: Slot) -> str:
        """Start a worker in a slot whose worker has ended; return why that cannot be now."""
        async with self._changing:
            slot.let_go()
            if self.ending.is_set():
                return ""
            try:
                refused = await self.workers.begin(slot, self.served)
            except Gone:
                refused = None
            except OSError as error:  # there are no descriptors, processes or memory
                return error.strerror or str(error)
            slot.restarts += 1
        if refused is not None:
            self._tell(f"error: worker {slot.number}: {refused}")
            slot.kill()
        return ""

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
        async with self._changing:
            if self.ending.is_set():
                return self._ends()
            systemd.reloading()
            self._written.look()
            loaded = self._read_again()
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
            self._listening.close_but(_addresses(self.gateway))
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

    def _read_again(self) -> Loaded:
        """Return what is in the files now. While they are read nobody looks after workers: that has to end."""
        path = files.endless((*self.loaded.files, *files.watched(self.gateway)))
        if path is None:
            return self._load()
        message = f"`{path}` is a pipe or a device, and is not read again"
        why = Diagnostic(name="unreadable-file", severity=Severity.ERROR, message=message, help="put a file in its place")
        return Unread((why,), self.loaded.files)

    def _ends(self) -> Outcome:
        """Serve nothing else any more: what would be listened on again would be listened on by nobody."""
        self._tell("not reloaded: it ends")
        return Outcome(time.time(), False, ["error: perijove ends"])

    async def _serve(self, gateway: model.Gateway) -> str | None:
        """Serve another gateway from now on; return why that cannot be, all being as before, or None."""
        self._named.look()
        try:
            contents = check(gateway)
            self._listening.open(_addresses(gateway))
            served = Served(gateway, contents, open_log(gateway))
        except (CannotServe, CannotListen, OSError) as error:  # OSError: there are no descriptors, or no memory
            return str(error)
        try:
            with contextlib.suppress(Gone):  # the next worker in its slot is told of `self.served`
                await self.workers.apply(served)
        except CannotServe as error:
            _close(served.log)
            with contextlib.suppress(Gone, CannotServe):  # some may serve it already: back to what all served
                await self.workers.apply(self.served)
            return str(error)
        self._use(served)
        return None

    def _use(self, served: Served) -> None:
        """Go by what is served from now on."""
        _close(self.served.log)
        self.served = served
        self._named.again(files.watched(served.gateway))
        self.expiry.use((path for path, _ in files.pairs(served.gateway)), served.files)
        for one in self._renewing:
            one.renew(served.files)

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
            _close(self.served.log)
            self.served = replace(self.served, log=log)
            try:
                await self.workers.reopen(log)
            except CannotServe as error:
                self._tell(f"error: {error}; what was open still is, of that worker")
                return str(error)
        say("access log opened anew")
        return None

    async def renew(self) -> None:
        """Use what the files hold now, certificates or pages of errors, if it is sound; else what was used before."""
        async with self._changing:
            if self.ending.is_set():
                return
            before = self.served.files
            with contextlib.suppress(files.Unreadable):
                if files.read(self.gateway) == before:
                    return
            why = await self._serve(self.gateway)
            if why is not None:
                self._tell(f"warning: certificates have changed, but cannot be used: {why}; the ones before still are")
                return
            changed = {path for path, _ in before.items() ^ self.served.files.items()}
            credentials = changed.intersection(files.credentials(self.gateway))
            if credentials:
                say("certificates have changed: the new ones are used")
            if changed - credentials:
                say("pages of errors have changed: the new ones are shown")

    async def _look(self) -> None:
        """See whether files have changed."""
        while True:
            self.expiry.look()
            await asyncio.sleep(_LOOKS)
            if self._written.changed() and self.gateway.watch:
                await self.reload()
            elif self._named.changed():
                await self.renew()

    # ------------------------------------------------------------------ the end

    async def _end(self, grace: float, hurry: asyncio.Task[int] | None = None) -> None:
        """Have the workers finish within `grace` seconds, or at once when `hurry` is done."""
        self.ending.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CHANGES), self._changing:
                pass  # what is just being changed, workers hear of before they are to end
        self._listening.close()
        await self.workers.finish(grace, hurry)
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


def _addresses(gateway: model.Gateway) -> list[model.Address]:
    return [one.address for one in gateway.listeners]


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


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
