"""Routes as workers serve them: a change is answered when every worker has made it.

Knows the store, and how workers are told. Must not know how anybody else tells of routes (`api`), or where else they are kept
(`replicated`, `routes_file`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

from perijove.engine.slots import FIRST_ACTIVITY
from perijove.routing.store import Route, Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from perijove.server.destinations import Change

_AT_ONCE: Final = 256  # changes: a worker makes so many in well under a millisecond


class Kept(Protocol):
    """Routes that may be asked for and changed, wherever else they are kept."""

    @property
    def store(self) -> Store:
        """What is known here."""

    async def begin(self) -> None:
        """Learn what there is to know, before anything is served.

        Raises:
            CannotServe: that will never be.
        """

    async def put(self, path: str, data: dict[str, Any]) -> Route:
        """Add a route, and return when every worker serves it.

        Raises:
            BadTarget: no route can lead there.
            Unavailable: it cannot be, now.
        """

    async def remove(self, path: str) -> bool:
        """Remove a route, and return when no worker serves it; tell whether there was one.

        Raises:
            Unavailable: it cannot be, now.
        """

    async def gather(self, path: str = "") -> None:
        """Have `last_activity` know of what others know: of the route at a path, or of all."""

    def last_activity(self, route: Route) -> float:
        """Return when a route was last of use, in seconds since 1970: when it was added, if it never was."""

    async def end(self) -> None:
        """Keep what is to be kept: this is the end."""


class Routes:
    """The routes of a supervisor, which are kept in memory only."""

    def __init__(
        self,
        first: Iterable[tuple[str, str]],
        tell: Callable[[tuple[Change, ...]], Awaitable[None]],
        rows: Callable[[], Sequence[memoryview]],
    ) -> None:
        """Begin.

        Args:
            first: paths and targets that are there from the start.
            tell: has all workers make changes, and returns when they have.
            rows: of numbers, in which workers note when a route was of use.
        """
        self.store = Store()
        for path, target in first:
            self.store.put(path, {"target": target})
        self.first = dict(self.store.routes)
        self._tell = tell
        self._rows = rows
        self._waiting: deque[Change | asyncio.Future[None]] = deque()
        self._telling: asyncio.Task[None] | None = None

    def all(self) -> tuple[Change, ...]:
        """Return what a worker has to know that knows of none."""
        return tuple(_change(one) for one in self.store.routes.values())

    async def begin(self) -> None:
        """Nothing more is to be known."""

    def forget(self) -> None:
        """Tell nobody of the changes until now: there is no worker yet."""
        self._waiting.clear()

    def set(self, path: str, data: dict[str, Any], added: float | None = None) -> Route:
        """Add a route; every worker serves it once it has `settled`.

        Raises:
            BadTarget: no route can lead there.
        """
        known = self.store.get(path)
        made = self.store.put(path, data, added)
        if known is None and made.number >= 0:
            for row in self._rows():
                row[FIRST_ACTIVITY + made.number] = 0  # of the route that had this number before
        if known is None or known.target != made.target:
            self._waiting.append(_change(made))
        return made

    def unset(self, path: str) -> bool:
        """Remove a route, which no worker serves once that has `settled`; tell whether there was one."""
        gone = self.store.remove(path)
        if gone is not None:
            self._waiting.append((gone.prefix, None, -1))
        return gone is not None

    def flush(self) -> None:
        """Have workers told of all changes until now."""
        if self._waiting and (self._telling is None or self._telling.done()):
            self._telling = asyncio.ensure_future(self._tell_all())

    def settled(self) -> asyncio.Future[None]:
        """Have workers told of all changes until now; it is done when they have made them."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self.flush()
        return waiter

    async def put(self, path: str, data: dict[str, Any]) -> Route:
        """Add a route, and return when every worker serves it.

        Raises:
            BadTarget: no route can lead there.
        """
        made = self.set(path, data)
        await self.settled()
        return made

    async def remove(self, path: str) -> bool:
        """Remove a route, and return when no worker serves it; tell whether there was one."""
        if not self.unset(path):
            return False
        await self.settled()
        return True

    async def gather(self, path: str = "") -> None:
        """Nobody else knows of any use."""

    def last_activity(self, route: Route) -> float:
        """Return when a route was last of use, in seconds since 1970: when it was added, if it never was."""
        if route.number < 0:
            return route.added
        noted = max((row[FIRST_ACTIVITY + route.number] for row in self._rows()), default=0)
        return max(route.added, time.time() - time.monotonic() + noted / 1e3) if noted else route.added

    async def end(self) -> None:
        """Nothing is kept."""

    async def _tell_all(self) -> None:
        """Tell of what has gathered until nothing is left: changes that come meanwhile go together."""
        failure: BaseException | None = None
        while self._waiting:
            changes: list[Change] = []
            waiters: list[asyncio.Future[None]] = []
            while self._waiting and len(changes) < _AT_ONCE:
                one = self._waiting.popleft()
                if isinstance(one, asyncio.Future):
                    waiters.append(one)
                else:
                    changes.append(one)
            try:
                if changes:
                    await self._tell(tuple(changes))
            except Exception as error:  # whoever waits is told
                failure = error
            for waiter in waiters:
                with contextlib.suppress(asyncio.InvalidStateError):
                    if failure is None:
                        waiter.set_result(None)
                    else:
                        waiter.set_exception(failure)
            if waiters:
                failure = None


def _change(route: Route) -> Change:
    return route.prefix, route.target, FIRST_ACTIVITY + route.number if route.number >= 0 else -1
