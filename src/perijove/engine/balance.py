"""Choosing one of several upstreams that are as good as each other, and remembering which of them failed.

Knows sessions, weights and spares, as mod_proxy_balancer has them (modules/proxy/mod_proxy_balancer.c, proxy_util.c:
ap_proxy_balancer_get_best_worker; balancers/mod_lbmethod_*.c). Each process counts for itself.
Must not know what is sent, nor how an upstream is connected to.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from perijove.engine.state import Action

if TYPE_CHECKING:
    from perijove.engine.state import State

_NO_MEMBER: Final = 503

# Whose turn it is: that of who has had the least, in relation to its share.
BY_REQUESTS: Final = 0
BY_TRAFFIC: Final = 1
BY_BUSYNESS: Final = 2


class Member:
    """One of those that can be chosen."""

    __slots__ = (
        "busy",
        "count",
        "down_until",
        "factor",
        "number",
        "read",
        "redirect",
        "retry",
        "route",
        "sent",
        "set",
        "spare",
    )

    def __init__(
        self,
        number: int,
        factor: int = 100,
        route: bytes = b"",
        redirect: bytes = b"",
        spare: bool = False,
        retry: float = 60.0,
        group: int = 0,
    ) -> None:
        """Describe it.

        Args:
            number: what is written down when it is chosen.
            factor: its share, in relation to the others'.
            route: what sessions of it end with.
            redirect: a route that is asked in its place once it is down.
            spare: it is asked only if no other can be.
            retry: seconds for which it is left alone when it failed.
            group: those of a lower one are asked first (lbset).
        """
        self.number = number
        self.factor = factor
        self.route = route
        self.redirect = redirect
        self.spare = spare
        self.retry = retry
        self.set = group
        self.count = 0  # httpd's lbstatus: how much it is owed
        self.down_until = 0.0  # on the monotonic clock
        self.busy = 0  # requests that it has now
        self.sent = 0  # octets of requests
        self.read = 0  # octets of what it has answered


class Balance(Action):
    """Choose a member, and set a variable to its number."""

    __slots__ = (
        "attempts",
        "changed",
        "cookie",
        "failing",
        "failover",
        "members",
        "method",
        "note",
        "parameter",
        "recovers",
        "separator",
        "separators",
        "session",
        "sticky",
    )

    def __init__(
        self,
        note: bytes,
        members: tuple[Member, ...],
        cookie: bytes,
        parameter: bytes,
        attempts: int,
        failover: bool,
        separators: bytes = b";",
        method: int = BY_REQUESTS,
        separator: bytes = b".",
        failing: frozenset[int] = frozenset(),
        recovers: bool = True,
    ) -> None:
        """Balance.

        Args:
            note: the variable. `NOTE changed` is set where a session begins or goes on elsewhere; `NOTE session` to the
                route of one, and `NOTE sticky` to the name of what has said so.
            members: those there are.
            cookie: name of the cookie that a session's id is in; empty if there are no sessions.
            parameter: the same in a URL.
            attempts: how many others are asked for a request when one cannot be connected to.
            failover: whether a session may go on elsewhere.
            separators: what a parameter in a path begins with.
            method: what is counted.
            separator: what a route stands behind in a session's id; empty: it is all of it.
            failing: statuses of answers after which a member is left alone.
            recovers: whether all are asked anew once all are left alone.
        """
        self.note = note
        self.changed, self.session, self.sticky = note + b" changed", note + b" session", note + b" sticky"
        self.members = members
        self.cookie = cookie
        self.parameter = parameter
        self.attempts = attempts
        self.failover = failover
        self.separators = separators
        self.method = method
        self.separator = separator
        self.failing = failing
        self.recovers = recovers

    def act(self, state: State) -> bool:
        """Do it."""
        now = time.monotonic()
        route, sticky = self._route(state) if self.cookie else (b"", b"")
        chosen = None
        if route:
            state.note(self.session, route)
            state.note(self.sticky, sticky)
            chosen = self._of_route(route, now)
            if chosen is not None:
                self._count(chosen, now)
            elif not self.failover and any(one.route == route for one in self.members):
                state.status = _NO_MEMBER
                return False
        if chosen is None:
            chosen = self._next(now)
            if chosen is None:
                state.status = _NO_MEMBER
                return False
            if self.cookie:
                state.note(self.changed, b"1")
        if state.balance is not None:  # rules have begun anew
            state.balance.ended(state, 0, 0, 0)
        chosen.busy += 1
        state.balance = self
        state.note(self.note, b"%d" % chosen.number)
        return True

    def ended(self, state: State, sent: int, read: int, status: int) -> None:
        """Count what a request has taken of the member that was chosen for it: octets of it, and of the answer's content.

        The status is that of the answer, 0 if there is none. A member may be left alone because of it
        (proxy_balancer_post_request).
        """
        state.balance = None
        if status in self.failing:
            self.failed(state)
        for one in self._chosen(state):
            one.busy -= 1
            one.sent += sent
            one.read += read

    def failed(self, state: State) -> None:
        """Leave the member that was chosen for a request alone for a while."""
        for one in self._chosen(state):
            one.down_until = time.monotonic() + one.retry

    def _chosen(self, state: State) -> list[Member]:
        """Return the member that was chosen for a request."""
        number = int(state.notes.get(self.note, b"-1"))
        return [one for one in self.members if one.number == number]

    def _of_route(self, route: bytes, now: float) -> Member | None:
        """find_route_worker: the member of a session, or the one that it names for when it is down."""
        for one in self.members:
            if one.route == route:
                if one.down_until <= now:
                    return one
                if one.redirect:
                    return next((it for it in self.members if it.route == one.redirect and it.down_until <= now), None)
        return None

    def _count(self, chosen: Member, now: float) -> None:
        """Count a request that goes on with its session (proxy_balancer_pre_request)."""
        for one in self.members:
            if one.down_until <= now:
                one.count += one.factor
                chosen.count -= one.factor

    def _next(self, now: float) -> Member | None:
        """Return whose turn it is: of those that are not down, no spares if it can be helped, the lowest group first."""
        usable = [one for one in self.members if one.down_until <= now]
        if not usable and self.recovers:  # force_recovery: when all are down, all are up again
            usable = list(self.members)
            for one in usable:
                one.down_until = 0.0
        candidates = [one for one in usable if not one.spare] or usable
        if not candidates:
            return None
        group = min(one.set for one in candidates)
        candidates = [one for one in candidates if one.set == group]
        if self.method == BY_TRAFFIC:
            return min(candidates, key=lambda one: one.sent // one.factor + one.read // one.factor)
        total = 0
        best = candidates[0]
        for one in candidates:
            one.count += one.factor
            total += one.factor
            if self.method == BY_BUSYNESS and one.busy != best.busy:
                best = min(one, best, key=lambda its: its.busy)
            elif one.count > best.count:
                best = one
        best.count -= total
        return best

    def _route(self, state: State) -> tuple[bytes, bytes]:
        """Return the route of the session that a request is of: what is behind the first dot of its id (find_session_route).

        And the name of the parameter, or of the cookie, that it was found in.
        """
        for text in (state.raw, state.query or b""):
            marks = self.separators if text is state.raw else b"?&"
            found = re.search(rb"(?:\A|[%b])%b=([^&;?]*)" % (re.escape(marks), re.escape(self.parameter)), text)
            if found and (text is not state.raw or found.start() > 0):
                return self._behind(found[1]), self.parameter
        found = re.search(rb"(?:\A|[;, \t])%b=\"?([^;, \t\"]*)" % re.escape(self.cookie), state.field(b"cookie"))
        return (self._behind(found[1]) if found else b""), self.cookie

    def _behind(self, session: bytes) -> bytes:
        return session.partition(self.separator)[2] if self.separator else session
