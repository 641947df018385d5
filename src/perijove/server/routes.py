"""Routes as workers serve them: a change is answered when every worker has made it.

Knows the store, and how workers are told. Must not know how anybody else tells of routes (`api`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from perijove.engine.slots import FIRST_ACTIVITY
from perijove.routing.store import Route, Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from perijove.server.destinations import Change

_AT_ONCE: Final = 256  # changes: a worker makes so many in well under a millisecond


class Routes:
    """The routes of a supervisor."""

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
        self._tell = tell
        self._rows = rows
        self._waiting: deque[tuple[Change, asyncio.Future[None]]] = deque()
        self._telling: asyncio.Task[None] | None = None

    def all(self) -> tuple[Change, ...]:
        """Return what a worker has to know that knows of none."""
        return tuple(_change(one) for one in self.store.routes.values())

    async def put(self, path: str, data: dict[str, Any]) -> Route:
        """Add a route, and return when every worker serves it.

        Raises:
            BadTarget: no route can lead there.
        """
        known = self.store.get(path)
        made = self.store.put(path, data)
        if known is None and made.number >= 0:
            for row in self._rows():
                row[FIRST_ACTIVITY + made.number] = 0  # of the route that had this number before
        await self._make(_change(made))
        return made

    async def remove(self, path: str) -> bool:
        """Remove a route, and return when no worker serves it; tell whether there was one."""
        gone = self.store.remove(path)
        if gone is None:
            return False
        await self._make((gone.prefix, None, -1))
        return True

    def last_activity(self, route: Route) -> float:
        """Return when a route was last of use, in seconds since 1970: when it was added, if it never was."""
        if route.number < 0:
            return route.added
        noted = max((row[FIRST_ACTIVITY + route.number] for row in self._rows()), default=0)
        return max(route.added, time.time() - time.monotonic() + noted / 1e3) if noted else route.added

    async def _make(self, change: Change) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append((change, waiter))
        if self._telling is None or self._telling.done():
            self._telling = asyncio.ensure_future(self._tell_all())
        await waiter

    async def _tell_all(self) -> None:
        """Tell of what has gathered until nothing is left: changes that come meanwhile go together."""
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(len(self._waiting), _AT_ONCE))]
            failure: BaseException | None = None
            try:
                await self._tell(tuple(change for change, _ in some))
            except Exception as error:  # whoever waits is told
                failure = error
            for _, waiter in some:
                with contextlib.suppress(asyncio.InvalidStateError):
                    if failure is None:
                        waiter.set_result(None)
                    else:
                        waiter.set_exception(failure)


def _change(route: Route) -> Change:
    return route.prefix, route.target, FIRST_ACTIVITY + route.number if route.number >= 0 else -1
