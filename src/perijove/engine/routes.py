"""Routes that come and go while it is served: prefixes of paths, and where each leads.

A look-up costs as many steps as the deepest prefix has segments, however many routes there are. Knows paths and plans. Must not
know who adds a route, nor how an upstream is made of a URL: whoever does is asked when a route is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.engine.target import broken, normal, unescaped
from perijove.engine.template import without_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.engine.head import RequestHead
    from perijove.engine.plan import Plan


class Target:
    """Where a route leads."""

    __slots__ = ("activity", "prefix", "upstream", "url")

    def __init__(self, prefix: bytes, url: str, activity: int = -1) -> None:
        """Describe it.

        Args:
            prefix: of paths, decoded, without a slash at its end; empty is every path.
            url: of a server, perhaps with a path.
            activity: where in the row of counters it is noted when the route was last of use; -1 is nowhere.
        """
        self.prefix = prefix
        self.url = url
        self.activity = activity
        self.upstream: object = None  # a note of whoever makes plans: whom it leads to


class Routes:
    """The routes there are."""

    def __init__(self) -> None:
        self.targets: dict[bytes, Target] = {}
        self.deepest = 0  # segments of the longest prefix
        self.users: list[Dynamic] = []  # tables that lead here
        self._depths: dict[int, int] = {}  # prefixes of so many segments

    def put(self, target: Target) -> Target | None:
        """Add a route, in place of one with the same prefix, which is returned."""
        before = self.remove(target.prefix)
        self.targets[target.prefix] = target
        depth = target.prefix.count(b"/")
        self._depths[depth] = self._depths.get(depth, 0) + 1
        if depth > self.deepest:
            self.deepest = depth
        return before

    def remove(self, prefix: bytes) -> Target | None:
        """Remove a route, which is returned if there was one."""
        target = self.targets.pop(prefix, None)
        if target is None:
            return None
        depth = prefix.count(b"/")
        self._depths[depth] -= 1
        if self._depths[depth] == 0:
            del self._depths[depth]
            if depth == self.deepest:
                self.deepest = max(self._depths, default=0)
        for one in self.users:
            one.plans.pop(target, None)
        return target

    def find(self, path: bytes) -> Target | None:
        """Return the route whose prefix is the longest that a decoded path lies under by whole segments."""
        targets = self.targets
        found = targets.get(b"")
        at = 0
        for _ in range(self.deepest):
            at = path.find(b"/", at + 1)
            if at < 0:
                return targets.get(path) or found
            found = targets.get(path[:at]) or found
        return found


class Dynamic:
    """What a table leads to routes by: the plan of each route is made of one pattern, when it is first asked for."""

    __slots__ = ("bad", "by_host", "make", "missing", "pattern", "plans", "routes")

    def __init__(
        self,
        routes: Routes,
        pattern: Plan,
        missing: Plan,
        bad: Plan,
        make: Callable[[Plan, Target], Plan],
        by_host: bool = False,
    ) -> None:
        """Describe it.

        Args:
            routes: to look a request up in.
            pattern: what is the same for all routes.
            missing: for requests that no route is for.
            bad: for paths that can be read in two ways which lead to different routes.
            make: makes the plan of a route.
            by_host: the first segment of a prefix is the host.
        """
        self.routes = routes
        self.pattern = pattern
        self.missing = missing
        self.bad = bad
        self.make = make
        self.by_host = by_host
        self.plans: dict[Target, Plan] = {}

    def plan(self, head: RequestHead) -> Plan:
        """Return what to do with a request."""
        path = head.path
        at = path.find(b"?")
        if at >= 0:
            path = path[:at]
        before = b"/" + without_port(head.host).lower() if self.by_host else b""
        if head.tidy:
            target = self.routes.find(before + path)
        else:
            # An upstream may read the path as we would if we normalised it: both must lie under the same route.
            plain = None if broken(path) else normal(path)
            if plain is None:
                return self.bad
            target = self.routes.find(before + unescaped(path))
            if self.routes.find(before + plain) is not target:
                return self.bad
        if target is None:
            return self.missing
        found = self.plans.get(target)
        if found is None:
            found = self.plans[target] = self.make(self.pattern, target)
        return found
