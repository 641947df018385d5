"""Rules that run one after the other, until the request's fate is known.

A program is a row of steps; each has a condition, something to do, and where to go on if the condition held and if it did not.
So order is the only precedence, and loops, chains and exclusions are jumps. What it ends with is a plan, made once for each
combination of what was chosen, and a `State` with what is this request's own. Must not know dialects, sockets or time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from perijove.engine.changes import Select
from perijove.engine.state import KEPT, REFUSED, Action, State, decoded, normalized, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.engine.conditions import Test
    from perijove.engine.head import RequestHead
    from perijove.engine.pattern import Pattern
    from perijove.engine.peer import Peer
    from perijove.engine.plan import Look, Plan

END: Final = 1 << 30  # where a step leads that is the last
_MOST_STEPS: Final = 100_000  # of one request: a rewriting that never ends is refused, as Apache does after 32,000 rounds
_PLANS: Final = 4096  # combinations that are kept


class Step:
    """A rule as it runs."""

    __slots__ = ("action", "matched", "missed", "needs", "number", "test", "without")

    def __init__(
        self, number: int, test: Test | None, action: Action | None, matched: int, missed: int, needs: int = 0
    ) -> None:
        """Describe it.

        Args:
            number: of the rule.
            test: its condition; None is always.
            action: what is done; None is nothing.
            matched: the step that is next if the condition holds.
            missed: the one that is next if it does not.
            needs: mask of fields without which it cannot hold: most requests end here.
        """
        self.number = number
        self.test = test
        self.action = action
        self.matched = matched
        self.missed = missed
        self.needs = needs
        self.without = missed  # where it goes on for those that lack these fields


def _lacks(step: Step, state: State) -> bool:
    """Tell whether a request lacks fields without which a step's condition cannot hold."""
    head = state.head
    return head is not None and not head.has_all(step.needs)


class Choice:
    """What rules have chosen, and the plan that was made for it."""

    __slots__ = ("form", "plan", "selected", "settings", "status", "upstream")

    def __init__(
        self, status: int, form: bytes, upstream: object, selected: int, settings: tuple[Any, ...], plan: Plan
    ) -> None:
        self.status = status
        self.form = form
        self.upstream = upstream
        self.selected = selected
        self.settings = settings
        self.plan = plan


class Program:
    """The rules of one virtual host."""

    def __init__(
        self,
        steps: list[Step],
        edits: list[Step],
        settings: tuple[Any, ...],
        make: Callable[[State], Plan],
        slashes: int = REFUSED,
        merge: bool = True,
        forwards: bool = False,
    ) -> None:
        """Run `steps` up to the request's fate, then all of `edits`.

        Args:
            steps: that decide.
            edits: that choose what is edited.
            settings: what is set at the beginning.
            make: a plan from what was chosen: `status`, `upstream`, `selected`, `settings`.
            slashes: what becomes of encoded slashes: see `state`.
            merge: whether double slashes are merged.
            forwards: it is a forward proxy, too: where a URL is asked for, that is the path.
        """
        self.steps = steps
        self.brief = steps  # the same for those who do not ask how it came about: some may be left out
        self.edits = edits
        # Of the edits, those that are always chosen, and the others.
        self.chosen = 0
        self.asked: list[Step] = []
        for step in edits:
            if step.test is None and isinstance(step.action, Select):
                self.chosen |= step.action.bit
            else:
                self.asked.append(step)
        self.settings = settings
        self.make = make
        self.slashes = slashes
        self.merge = merge
        self.forwards = forwards
        self._plans: dict[Any, Choice] = {}
        self._last: Choice | None = None  # mostly the next request's, too
        self.timed = False  # a rule wants to know when a request began
        self.undecoded: tuple[Pattern, ...] = ()  # paths in which one is found are not decoded, and have a note
        self.undecoded_note = b""
        self.own: Test | None = None  # of a forward proxy: URLs that are not another's
        self.allow = b""  # the methods that CONNECT is answered where it is refused (RFC 9110 §15.5.6)

    def run(
        self, head: RequestHead, peer: Peer, trace: list[Look] | None = None, notes: dict[bytes, bytes] | None = None
    ) -> State:
        """Return what becomes of a request; its `plan` is set.

        Args:
            head: of the request.
            peer: who sent it.
            trace: gets, of each rule that was looked at, its number, whether it held, and what was known then.
            notes: variables that are set from the beginning.
        """
        state = State(head, peer, self.settings)
        if notes is not None:
            state.notes = notes
        if self.timed:
            state.began = time.time()
        path: bytes | int
        if self.own is not None and state.form and self.own.holds(state):
            state.form = b""  # it is not another's
        if head.tidy and not state.form and state.raw != b"*":
            path = state.raw
        elif state.form and self.forwards:
            path = state.whole  # a forward proxy's is a URL, and stays as it is …
            if state.form != b"connect" and decoded(state.raw, KEPT, True) == 400:
                path = 400  # … but has to be one (ap_process_request_internal)
        elif state.form and state.form not in (b"http", b"https"):
            path = 405 if state.form == b"connect" else 400  # another host is a forward proxy, this is none
        else:
            if not self.merge and state.path[:2] == b"//":
                # Slashes that would look like an authority's are merged all the same (ap_parse_uri, server/protocol.c).
                state.path = b"/" + state.path.lstrip(b"/")
            path = self._undecoded(state) if self.undecoded and b"%" in state.path else b""
            if not path:
                path = decoded(state.path, self.slashes, self.merge)
        early: bytes | None = None
        if path == 405:
            state.location = self.allow
        if path == b"*":
            state.status = 200  # OPTIONS of the server as a whole (RFC 9110 §9.3.7): nothing is said
        elif isinstance(path, int):
            state.status = path
            early = refused(state.path, self.merge)
            state.path = b""  # it is in no section
        else:
            state.path = path
            self._decide(self.brief if trace is None else self.steps, state, trace, True)
        if state.plan is None:
            upstream, status = state.upstream, state.status
            if upstream is None and not status:
                state.status = 404
            if path == b"*":
                pass  # httpd makes no edits of that answer (ap_process_request_internal is not gone through)
            elif trace is not None:
                self._decide(self.edits, state, trace, False)
            else:
                self._select(state)
            if early is not None:
                state.path = early
            state.plan = self._plan(state)
        return state

    def refuse(self, head: RequestHead, peer: Peer, status: int) -> State:
        """Return what becomes of what is no request: `head` is of one that might have been meant. It is in no section."""
        state = State(head, peer, self.settings)
        state.status = status
        state.path = b""
        self._select(state)
        state.plan = self._plan(state)
        return state

    def _select(self, state: State) -> None:
        """Choose edits."""
        state.selected = self.chosen
        for step in self.asked:
            if step.action is not None and (step.test is None or (not _lacks(step, state) and step.test.holds(state))):
                step.action.act(state)

    def _undecoded(self, state: State) -> bytes:
        """Return a path that stays encoded, but for dots and slashes; nothing of any other."""
        path = normalized(state.path, self.merge)
        for pattern in self.undecoded:
            if path and pattern.search(path) is not None:
                state.note(self.undecoded_note, b"1")
                return path
        return b""

    def _decide(self, steps: list[Step], state: State, trace: list[Look] | None, stop: bool) -> None:
        at = 0
        count = 0
        size = len(steps)
        seen: State | None = None
        while at < size:
            step = steps[at]
            lacks = step.needs != 0 and _lacks(step, state)
            if lacks and trace is None:
                at = step.without
                continue
            holds = not lacks and (step.test is None or step.test.holds(state))
            if trace is not None:
                if (  # else nothing is known that was not known before
                    seen is None
                    or seen.captures is not state.captures
                    or seen.kept is not state.kept
                    or seen.request_id is not state.request_id
                ):
                    seen = state.seen()
                trace.append((step.number, holds, seen))
            if not holds:
                at = step.missed
                continue
            if not isinstance(step.action, Select):
                seen = None
            if step.action is not None and not step.action.act(state) and stop:
                return
            if step.matched <= at:
                count += 1
                if count > _MOST_STEPS:
                    state.status = 500
                    return
            at = step.matched

    def _plan(self, state: State) -> Plan:
        status = state.status
        upstream = None if status else state.upstream
        last = self._last
        if (
            last is not None
            and last.status == status
            and last.upstream is upstream
            and last.settings is state.settings
            and last.selected == state.selected
            and last.form == state.form
        ):
            return last.plan
        # What a choice holds keeps its id: nothing else can come to have it.
        key = (status, state.form, id(upstream), state.selected, id(state.settings))
        choice = self._plans.get(key)
        if choice is None:
            choice = Choice(status, state.form, upstream, state.selected, state.settings, self.make(state))
            if len(self._plans) >= _PLANS:
                self._plans = {}
            self._plans[key] = choice
        self._last = choice
        return choice.plan
