"""Routes that are kept in a file, so that a restart knows them.

Knows the file. Must not know how workers are told, nor who asks.

The file is replaced as a whole, soon after a change, and is on the disk before it takes the place of the one before. So
whatever ends the process or the machine, it has all routes as they were at some moment, a fraction of a second before.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from typing import TYPE_CHECKING, Any, Final

from perijove.routing.dynamic import BadTarget
from perijove.routing.store import Route, Store
from perijove.server.worker import CannotServe

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.server.routes import Routes

_PAUSE: Final = 0.1  # seconds after a change, in which others may come
_SHARE: Final = 10.0  # it is not written for more than one part in so many of the time
_TURN: Final = 500  # routes that are written down before others have their turn
_AGAIN: Final = 10.0  # seconds until it is tried again where it could not be written

_Kept = tuple[str, dict[str, Any], float]  # a path, what belongs to it, when it was last of use


class Filed:
    """The routes of a supervisor, which are kept in a file."""

    def __init__(self, routes: Routes, path: str, tell: Callable[[str], None]) -> None:
        """Begin.

        Args:
            routes: as workers serve them.
            path: of the file.
            tell: tells the operator.
        """
        self._routes = routes
        self._path = os.path.realpath(path)
        self._tell = tell
        self._changes = 0
        self._saved = 0  # of the changes
        self._saving: asyncio.Task[None] | None = None
        self._thread: asyncio.Future[None] | None = None  # in which it is written
        self._failed = False
        self._begun = False

    @property
    def store(self) -> Store:
        """What is known here."""
        return self._routes.store

    async def begin(self) -> None:
        """Read the file, and see whether it can be written.

        Raises:
            CannotServe: it can not.
        """
        try:
            for path, data, used in read(self._path):
                try:
                    self._routes.set(path, data, used)
                except BadTarget as error:
                    self._tell(f"warning: `{self._path}` has a route `{path}` that leads nowhere: {error}")
        except FileNotFoundError:
            pass
        except ValueError as error:
            aside = self._path + ".broken"
            with contextlib.suppress(OSError):
                os.replace(self._path, aside)
            self._tell(f"warning: `{self._path}` holds no routes ({error}): it is `{aside}` now, and none is known")
        except OSError as error:
            raise CannotServe(f"cannot read `{self._path}`: {error.strerror or error}") from None
        self._routes.forget()
        try:
            write(self._path, self._all())
        except OSError as error:
            raise CannotServe(f"cannot keep routes in `{self._path}`: {error.strerror or error}") from None
        self._begun = True

    async def put(self, path: str, data: dict[str, Any]) -> Route:
        """Add a route, and return when every worker serves it.

        Raises:
            BadTarget: no route can lead there.
        """
        made = await self._routes.put(path, data)
        self._changed()
        return made

    async def remove(self, path: str) -> bool:
        """Remove a route, and return when no worker serves it; tell whether there was one."""
        found = await self._routes.remove(path)
        if found:
            self._changed()
        return found

    async def gather(self, path: str = "") -> None:
        """Nobody else knows of any use."""

    def last_activity(self, route: Route) -> float:
        """Return when a route was last of use, in seconds since 1970."""
        return self._routes.last_activity(route)

    async def end(self) -> None:
        """Write the file once more: it says when routes were of use, too."""
        if not self._begun:
            return
        if self._saving is not None:
            self._saving.cancel()
            if self._thread is not None:
                await asyncio.wait({self._thread})
        try:
            write(self._path, self._all())
        except OSError as error:
            self._tell(f"error: routes cannot be kept in `{self._path}`: {error.strerror or error}")

    def _all(self) -> list[_Kept]:
        """Return what is to be kept: what the command line says is said again."""
        first = self._routes.first
        return [
            (path, route.data, self._routes.last_activity(route))
            for path, route in self.store.routes.items()
            if route is not first.get(path)
        ]

    async def _all_in_turns(self) -> list[_Kept]:
        """Return what is to be kept, as it is now; others have their turns meanwhile."""
        first, kept = self._routes.first, []
        for number, (path, route) in enumerate(list(self.store.routes.items()), 1):
            if route is not first.get(path):
                kept.append((path, route.data, self._routes.last_activity(route)))
            if number % _TURN == 0:
                await asyncio.sleep(0)
        return kept

    def _changed(self) -> None:
        self._changes += 1
        if self._saving is None or self._saving.done():
            self._saving = asyncio.ensure_future(self._save())

    async def _save(self) -> None:
        """Write the file until it has all changes."""
        pause = _PAUSE
        while self._saved != self._changes:
            await asyncio.sleep(pause)
            begun, changes = time.monotonic(), self._changes
            kept = await self._all_in_turns()
            try:
                self._thread = asyncio.ensure_future(asyncio.to_thread(write, self._path, kept))
                await asyncio.shield(self._thread)
            except OSError as error:
                if not self._failed:
                    self._tell(f"error: routes cannot be kept in `{self._path}`: {error.strerror or error}")
                self._failed = True
                pause = _AGAIN
                continue
            self._saved, self._failed = changes, False
            pause = max(_PAUSE, _SHARE * (time.monotonic() - begun))


def read(path: str) -> list[_Kept]:
    """Return what a file keeps.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not such a file; the text says why.
    """
    with open(path, "rb") as file:
        found = json.loads(file.read())
    if not isinstance(found, dict) or not isinstance(found.get("routes"), dict):
        raise ValueError("it has no `routes`")
    kept: list[_Kept] = []
    for name, one in found["routes"].items():
        data, used = (one.get("data"), one.get("last_activity")) if isinstance(one, dict) else (None, None)
        if not isinstance(data, dict) or not isinstance(data.get("target"), str) or not isinstance(used, int | float):
            raise ValueError(f"the route `{name}` is incomplete")
        kept.append((name, data, used))
    return kept


def write(path: str, kept: list[_Kept]) -> None:
    """Replace a file by one that keeps this.

    Raises:
        OSError: that cannot be; the file is what it was.
    """
    new = f"{path}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write('{"routes": {')
        for at in range(0, len(kept), _TURN):  # in pieces, since none lets another thread run until it is made
            some = {name: {"data": data, "last_activity": used} for name, data, used in kept[at : at + _TURN]}
            file.write((", " if at else "") + json.dumps(some)[1:-1])
        file.write("}}")
        file.flush()
        os.fsync(descriptor)
    os.replace(new, path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # so that the name, too, is on the disk
    finally:
        os.close(folder)
