"""The routes of a JupyterHub: what was told of each, in memory.

Knows prefixes and what belongs to them (configurable-http-proxy's lib/store.js). Must not know who tells, who serves, where
else routes are kept, or when a route was last of use.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from perijove.routing.dynamic import url_of

_NUMBERED: Final = 1 << 20  # routes; of any beyond that it is not known when they were of use


@dataclass(frozen=True, slots=True)
class Route:
    """What was told of a route."""

    path: str  # decoded; "/" or without a slash at its end
    target: str
    data: dict[str, Any]  # as it was told, the target included
    added: float  # seconds since 1970
    number: int  # a place of its own, as long as it is there; -1 if there was none left

    @property
    def prefix(self) -> bytes:
        """The path as requests are compared with it."""
        return prefix_of(self.path)


def prefix_of(path: str) -> bytes:
    """Return a path as requests are compared with it: in octets, and empty for all."""
    return b"" if path == "/" else path.encode("utf-8", "surrogatepass")


def clean(path: str) -> str:
    """Return a path with a slash before it and none behind (trimPrefix, configurable-http-proxy's lib/trie.js)."""
    if not path.startswith("/"):
        path = "/" + path
    return path[:-1] if len(path) > 1 and path.endswith("/") else path


class Unavailable(Exception):
    """Routes cannot be changed now; the text says why. Those that are known are served."""


class Store:
    """Routes by their paths."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self._next = 0
        self._free: deque[int] = deque()  # the one that was left longest ago is used first

    def put(self, path: str, data: dict[str, Any], added: float | None = None) -> Route:
        """Add a route, or tell something else of it.

        Args:
            path: decoded.
            data: whatever belongs to it, and `target`.
            added: when, in seconds since 1970; now if None.

        Raises:
            BadTarget: no route can lead there.
        """
        path = clean(path)
        target = data["target"]
        url_of(target)
        before = self.routes.get(path)
        number = self._number() if before is None else before.number
        made = self.routes[path] = Route(path, target, data, time.time() if added is None else added, number)
        return made

    def _number(self) -> int:
        if self._next < _NUMBERED:
            self._next += 1
            return self._next - 1
        return self._free.popleft() if self._free else -1

    def remove(self, path: str) -> Route | None:
        """Remove a route, which is returned if there was one."""
        found = self.routes.pop(clean(path), None)
        if found is not None and found.number >= 0:
            self._free.append(found.number)
        return found

    def get(self, path: str) -> Route | None:
        """Return a route, if there is one."""
        return self.routes.get(clean(path))
