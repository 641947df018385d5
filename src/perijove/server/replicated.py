"""Routes that several perijoves share: each has a copy of the table in Redis, and no request waits for Redis.

Knows how a copy is kept true: what is read, what is announced, what is put back where Redis has lost it. Must not know how
Redis keeps it (`routing.redis`), nor who asks (`api`).

A change is made in Redis, and here once it is announced, as anywhere else: so all copies change in the same order. The
announcement that is the next in the sequence is applied; anything else means that the table is read again. What was read is
believed if it has all that this copy was ever told of: if it is of the same epoch and not behind, or of a later one that began
with as much. Else Redis has lost something, and what this copy knows is put back, as a new epoch. That is done only if nothing
has changed since the table was read, so of several copies one does it, and the others find it done.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from perijove.routing.dynamic import BadTarget, url_of
from perijove.routing.store import Route, Store, Unavailable, clean
from perijove.server.report import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from perijove.routing.redis import Announced, Announcements, Change, Read, Table
    from perijove.server.routes import Routes

_CHECKS: Final = 1.0  # seconds without an announcement, after which it is asked whether there should have been one
_LATE: Final = 1.0  # seconds that an announcement may take
_REACHES: Final = 15.0  # seconds in which a change that was made must be served here, though all be read again before
_LONGEST: Final = 2.0  # seconds between two attempts to connect
_NOTES: Final = 30.0  # seconds in which the use of a route is noted at most once
_SAME: Final = 1.0  # seconds within which two uses are one
_GATHERS: Final = 2.0  # seconds that it may take to ask what was noted
_AT_ONCE: Final = 256  # changes in one call
_TURN: Final = 500  # routes that are looked at before others have their turn


class Replicated:
    """The routes of a supervisor, which others share."""

    def __init__(self, routes: Routes, table: Table, tell: Callable[[str], None], where: str, notes: float = _NOTES) -> None:
        """Begin.

        Args:
            routes: as workers serve them.
            table: as Redis has them.
            tell: tells the operator.
            where: how Redis is called there.
            notes: seconds between two notes of when routes were of use.
        """
        self.connected = False
        self._routes = routes
        self._table = table
        self._tell = tell
        self._where = where
        self._notes = notes
        self._epoch = ""  # empty: nothing is known yet
        self._sequence = 0
        self._before: Mapping[str, int] = {}  # epochs before this one
        self._used: dict[str, float] = {}  # as Redis has it
        self._asked: deque[tuple[Change, asyncio.Future[bool]]] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._awaited: tuple[int, asyncio.Future[None]] | None = None  # the place in the sequence that a change has taken
        self._doubt = ""  # why the connection is to be made anew
        self._why = "it was never connected to"
        self._known = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._ending = False

    @property
    def store(self) -> Store:
        """What is known here."""
        return self._routes.store

    async def begin(self) -> None:
        """Wait until the table is known: who knows no route would tell everybody that nothing is there."""
        self._tasks = [asyncio.ensure_future(self._run()), asyncio.ensure_future(self._note_uses())]
        await self._known.wait()
        self._routes.forget()

    async def end(self) -> None:
        """Note what was not noted yet, and let go of Redis."""
        # A cancellation may be lost in redis-py (8.1.0; seen where connections ended at the same time): these would go on.
        self._ending = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_GATHERS)
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(_GATHERS):
                if self.connected:
                    await self._note()
                await self._table.close()

    # ------------------------------------------------------------------ changes that are asked for

    async def put(self, path: str, data: dict[str, Any]) -> Route:
        """Add a route, and return when Redis has it and every worker here serves it.

        Raises:
            BadTarget: no route can lead there.
            Unavailable: Redis cannot be reached. It may have the route all the same.
        """
        path = clean(path)
        url_of(data["target"])
        now = time.time()
        await self._change((path, json.dumps(data), now))
        return self.store.get(path) or Route(path, data["target"], data, now, -1)

    async def remove(self, path: str) -> bool:
        """Remove a route, and return when Redis has it no more and no worker here serves it; tell whether there was one.

        Raises:
            Unavailable: Redis cannot be reached. The route may be gone all the same.
        """
        return await self._change((clean(path), None, 0.0))

    async def _change(self, change: Change) -> bool:
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked.append((change, waiter))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write_all())
        return await waiter

    async def _write_all(self) -> None:
        """Write what has gathered until nothing is left: changes that come meanwhile go together."""
        while self._asked:
            some = [self._asked.popleft() for _ in range(min(len(self._asked), _AT_ONCE))]
            try:
                there: list[bool] | Exception = await self._write([change for change, _ in some])
            except Exception as error:  # whoever waits is told
                there = error
            for number, (_, waiter) in enumerate(some):
                with contextlib.suppress(asyncio.InvalidStateError):
                    if isinstance(there, Exception):
                        waiter.set_exception(there)
                    else:
                        waiter.set_result(there[number])

    async def _write(self, changes: list[Change]) -> list[bool]:
        """Make changes in Redis, and return when they are served here: for each, whether the route was there before."""
        if not self.connected:
            raise Unavailable(f"Redis is out of reach: {self._why}")
        try:
            made = await self._table.change(self._epoch, changes)
            if made is None:
                raise Unavailable("Redis has another table, which is being looked at")
            sequence, there = made
            async with asyncio.timeout(_REACHES):
                if sequence > self._sequence:
                    self._awaited = sequence, asyncio.get_running_loop().create_future()
                    await self._awaited[1]
                await self._routes.settled()
        except TimeoutError:
            self._doubt = "a change was not announced"
            raise Unavailable(self._doubt) from None
        except Unavailable as error:
            self._doubt = str(error)
            raise
        finally:
            self._awaited = None
        return there

    # ------------------------------------------------------------------ changes that are announced

    async def _run(self) -> None:
        """Keep the copy true until the end."""
        pause = 0.0
        while not self._ending:
            try:
                async with self._table.announcements() as announcements:
                    await self._synchronise()
                    pause = 0.0
                    self._found()
                    await self._follow(announcements)
            except Unavailable as error:
                self._lost(str(error))
            except Exception as error:  # what is in Redis was not written by us
                self._lost(f"it holds what is not understood: {error!r}")
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(max(2 * pause, 0.05), _LONGEST)

    def _found(self) -> None:
        again = " is there again" if self._known.is_set() else ""
        say(f"Redis ({self._where}){again}: {len(self.store.routes)} routes")
        self.connected = True
        self._doubt = ""
        self._known.set()

    def _lost(self, why: str) -> None:
        if self.connected:
            self._tell(f"warning: Redis ({self._where}) is lost: {why}; what is known is served, and cannot be changed")
        elif not self._known.is_set() and why != self._why:
            self._tell(f"waiting for Redis ({self._where}), which knows the routes: {why}")
        self.connected = False
        self._why = why
        if self._awaited is not None and not self._awaited[1].done():
            self._awaited[1].set_exception(Unavailable(why))

    async def _follow(self, announcements: Announcements) -> None:
        """Apply what is announced until the connection is lost, or doubted."""
        while not self._ending:
            if self._doubt:
                raise Unavailable(self._doubt)
            one = await announcements.next(_CHECKS)
            if one is not None:
                await self._take(one)
                continue
            epoch, sequence = await self._table.position()
            while epoch == self._epoch and sequence > self._sequence:
                one = await announcements.next(_LATE)
                if one is None:
                    raise Unavailable("a change was not announced")
                await self._take(one)
            if epoch != self._epoch or sequence < self._sequence:
                await self._synchronise()

    async def _take(self, one: Announced) -> None:
        if one.epoch == self._epoch and one.sequence <= self._sequence:
            return
        if one.epoch != self._epoch or one.sequence != self._sequence + 1:
            await self._synchronise()
            return
        for path, data, added in one.changes:
            if data is None:
                self._remove(path)
            else:
                self._set(path, _data(data), added)
        self._reach(one.sequence)

    def _reach(self, sequence: int) -> None:
        self._routes.flush()
        self._sequence = sequence
        if self._awaited is not None and self._awaited[0] <= sequence and not self._awaited[1].done():
            self._awaited[1].set_result(None)

    def _set(self, path: str, data: dict[str, Any], added: float) -> None:
        self._used[path] = added
        try:
            self._routes.set(path, data, added)
        except BadTarget as error:  # somebody else wrote it
            self._tell(f"warning: Redis ({self._where}) has a route `{path}` that leads nowhere: {error}")

    def _remove(self, path: str) -> None:
        self._used.pop(path, None)
        self._routes.unset(path)

    # ------------------------------------------------------------------ the whole table

    async def _synchronise(self) -> None:
        """Read the table and have it here, or put back what it has lost."""
        while True:
            read = await self._table.read()
            known: dict[str, int] = {}
            changes: list[Change] = []
            if self._epoch:
                same = read.epoch == self._epoch
                if (same and read.sequence >= self._sequence) or read.before.get(self._epoch, -1) >= self._sequence:
                    break
                known = {**self._before, self._epoch: self._sequence}
                changes = await self._lacking(read, behind=same or read.epoch in self._before)
            elif read.epoch:
                break
            if await self._table.renew(read, secrets.token_hex(8), known, changes) and known:
                self._tell(f"Redis ({self._where}) had lost routes: {len(changes)} were put right")
        await self._adopt(read)

    async def _lacking(self, read: Read, behind: bool) -> list[Change]:
        """Return what makes what was read as good as what is known here.

        Args:
            read: the table.
            behind: it is what was here before; else it may have what nobody here was told of.
        """
        changes: list[Change] = []
        for number, (path, route) in enumerate(self.store.routes.items()):  # which nobody else changes
            if number % _TURN == 0:
                await asyncio.sleep(0)
            if route is self._routes.first.get(path):
                continue
            text = read.routes.get(path)
            if text is None or (behind and _data(text) != route.data):
                changes.append((path, json.dumps(route.data), self.last_activity(route)))
        if behind:
            changes += [(path, None, 0.0) for path in read.routes if path not in self.store.routes]
        return changes

    async def _adopt(self, read: Read) -> None:
        """Have what was read, and nothing else but what the command line says."""
        gone = [path for path in self.store.routes if path not in read.routes]
        for path in gone:
            if self.store.routes.get(path) is not self._routes.first.get(path):
                self._remove(path)
        for path, first in self._routes.first.items():
            if path not in self.store.routes and path not in read.routes:
                self._routes.set(path, first.data, first.added)
        for number, (path, text) in enumerate(read.routes.items()):
            if number % _TURN == 0:
                self._routes.flush()
                await asyncio.sleep(0)
            data, used = _data(text), read.activity.get(path, 0.0)
            known = self.store.routes.get(path)
            if known is None or known.data != data:
                self._set(path, data, used or time.time())
            else:
                self._used[path] = used
        self._epoch, self._before = read.epoch, read.before
        self._reach(read.sequence)

    # ------------------------------------------------------------------ when routes were of use

    def last_activity(self, route: Route) -> float:
        """Return when a route was last of use anywhere, in seconds since 1970, as far as it is known here."""
        return max(self._routes.last_activity(route), self._used.get(route.path, 0.0))

    async def gather(self, path: str = "") -> None:
        """Ask Redis what others have noted, of a route or of all; without an answer it is what was known before."""
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(_GATHERS):
                if self.connected:
                    self._heed(await self._table.activity(clean(path) if path else ""))

    def _heed(self, activity: dict[str, float]) -> None:
        for path, used in activity.items():
            if path in self.store.routes and used > self._used.get(path, 0.0):
                self._used[path] = used

    async def _note_uses(self) -> None:
        while not self._ending:
            await asyncio.sleep(self._notes)
            if self.connected:
                with contextlib.suppress(Unavailable):
                    await self._note()

    async def _note(self) -> None:
        """Note of each route that was of use here since it was last noted when that was."""
        found: dict[str, float] = {}
        for number, route in enumerate(list(self.store.routes.values())):
            if number % _TURN == 0:
                await asyncio.sleep(0)
            used = self._routes.last_activity(route)
            if used > self._used.get(route.path, 0.0) + _SAME:
                found[route.path] = round(used, 3)
        if found:
            await self._table.note(found)
            self._heed(found)


def _data(text: str) -> dict[str, Any]:
    """Return what was written of a route; if that is no such thing, what no route can be made of."""
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict) and isinstance(found.get("target"), str):
            return found
    return {"target": ""}
