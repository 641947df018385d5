"""Rules one after the other: from what is meant to the steps of a program.

Knows each action in both forms, and where a rule leads. Must not know hosts and their stages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from perijove.engine import balance, changes, edits, fates, program
from perijove.engine import conditions as runs
from perijove.engine.local import Tree
from perijove.gateway import actions
from perijove.gateway.conditions import Setting
from perijove.gateway.rules import Rule, Skip, Then
from perijove.routing.conditions import SETTINGS, needed, test
from perijove.routing.passwords import checker
from perijove.routing.texts import pattern, text

if TYPE_CHECKING:
    from perijove.engine.plan import Plan
    from perijove.engine.state import Action
    from perijove.engine.upstream import Upstream

_OPERATIONS: Final = {
    actions.Operation.SET: edits.SET,
    actions.Operation.ADD: edits.ADD,
    actions.Operation.DEFAULT: edits.DEFAULT,
    actions.Operation.REMOVE: edits.REMOVE,
    actions.Operation.APPEND: edits.APPEND,
    actions.Operation.MERGE: edits.MERGE,
    actions.Operation.EDIT: edits.EDIT,
    actions.Operation.EDIT_ALL: edits.EDIT_ALL,
    actions.Operation.ECHO: edits.ECHO,
}
_ENCODINGS: Final = {
    actions.Encoding.CANONICAL: fates.CANONICAL,
    actions.Encoding.SLASHES: fates.SLASHES,
    actions.Encoding.ESCAPED: fates.ESCAPED,
    actions.Encoding.NONE: fates.AS_IS,
}

_TURNS: Final = {
    actions.Turn.REQUESTS: balance.BY_REQUESTS,
    actions.Turn.TRAFFIC: balance.BY_TRAFFIC,
    actions.Turn.BUSYNESS: balance.BY_BUSYNESS,
}


class Find(Protocol):
    """What finds an upstream for a scheme and an authority that a request names; None if there is none.

    `barred`: one that is only asked whether anybody has its name; what is sent there is refused.
    """

    def __call__(self, scheme: bytes, authority: bytes, barred: bool = False) -> Upstream | None:
        """Find it."""


@lru_cache(64)
def _table(pairs: tuple[tuple[bytes, bytes], ...]) -> dict[bytes, bytes]:
    """Return a table, one for all that are alike: those of media types are large, and every host has one."""
    return dict(pairs)


class Building:
    """The programs of one table."""

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        find: Find,
        answer: Callable[[actions.Respond | actions.ServeFile], Plan],
    ) -> None:
        """Build programs.

        Args:
            upstreams: the engine's, by name.
            find: an upstream for a scheme and an authority that a request names.
            answer: the plan of an answer of our own.
        """
        self._upstreams = upstreams
        self._find = find
        self._answer = answer
        self._members: dict[bytes, tuple[balance.Member, ...]] = {}  # of balancers, by their variables

    def steps(self, rules: Sequence[Rule], first: int = 0) -> list[program.Step]:
        """Return rules as they run, their numbers beginning at `first`."""
        size = len(rules)
        return [
            program.Step(
                first + at,
                test(rule.when),
                self._action(rule),
                _next(rule.then, at, size),
                _next(rule.otherwise, at, size),
                needed(rule.when),
            )
            for at, rule in enumerate(rules)
        ]

    def _balance(self, one: actions.Balance) -> balance.Balance:
        """Return a balancer. All rules that name one share its members, and with them whose turn it is and who is down."""
        members = self._members.get(one.note)
        if members is None or len(members) != len(one.members):
            members = self._members[one.note] = tuple(
                balance.Member(number, its.factor, its.route, its.redirect, its.spare, its.retry, its.group)
                for number, its in enumerate(one.members)
            )
        return balance.Balance(
            one.note.lower(),
            members,
            one.cookie,
            one.parameter,
            one.attempts,
            one.failover,
            one.separators,
            _TURNS[one.turn],
            one.separator,
            one.failing,
            one.recovers,
        )

    def _action(self, rule: Rule) -> Action | None:
        action: Any = rule.do
        match action:  # what there is thousands of comes first
            case actions.Nothing():
                return None
            case actions.Hold(held):
                return changes.Hold(text(held))
            case actions.Set(Setting.PAGES, value):
                return changes.SetMore(SETTINGS[Setting.PAGES], value)
            case actions.Set(setting, value):
                return changes.Set(SETTINGS[setting], value)
            case actions.Refuse(status, _, allow, phrase, anew):
                return fates.Finish(status, None if allow is None else text((allow,)), phrase, anew)
            case actions.ForwardTo(name, path, encoding, whole, named):
                return fates.Forward(self._upstreams[name], text(path), _ENCODINGS[encoding], whole, named)
            case actions.SetNote(name, value):
                return changes.SetNote(name.lower(), text(value))
            case actions.Redirect(status, location, anew):
                return fates.Finish(status, text(location), b"", anew)
            case actions.EditField():
                return changes.EditNow(operation(rule, None))
            case actions.Forward(name, None, _):
                return fates.Forward(self._upstreams[name], None, fates.AS_IS)
            case actions.ForwardAnywhere(url, encoding, whole):
                return fates.Anywhere(text(url), _ENCODINGS[encoding], self._find, whole)
            case actions.ServeTree(path, indexes, media, overridden):
                its = media or actions.Media()
                return fates.ServeTree(text(path), Tree(indexes, _table(its.types), overridden, dict(its.traits), its.language))
            case actions.ForwardAsked(by):
                return fates.ForwardAsked(self._find, None if by is None else self._upstreams[by])
            case actions.Bar(actions.Refuse(status, _, _, phrase)):
                return fates.Bar(self._find, fates.Finish(status, None, phrase))
            case actions.Respond() | actions.ServeFile():
                return fates.Answer(self._answer(action))
            case actions.Rewrite(path, query, handling):
                return changes.Rewrite(text(path), text(query) if query else None, handling.value)
            case actions.TrustField(name, networks, inside, passed):
                return changes.TrustField(name, networks, inside, passed)
            case actions.SplitQuery(append, last, discard):
                return changes.SplitQuery(append, last, discard)
            case actions.Count(what, most):
                return changes.Count(what, most)
            case actions.Withdraw():
                return changes.Withdraw()
            case actions.Balance():
                return self._balance(action)
            case actions.UnsetNote(name):
                return changes.UnsetNote(name.lower())
            case actions.Authenticate(realm, users):
                return fates.Authenticate(realm, checker(users))
        raise TypeError(f"{action!r} decides nothing")


def operation(rule: Rule, runs_when: runs.Test | None) -> edits.FieldOperation:
    """Return an edit of a field as it runs."""
    edit = rule.do
    if isinstance(edit, actions.ReplacePrefix):
        return edits.FieldOperation(edits.PREFIX, b"", text(edit.public), None, runs_when, old=text(edit.prefix))
    if isinstance(edit, actions.ReplaceAttribute):
        name = edit.attribute.encode()
        return edits.FieldOperation(edits.ATTRIBUTE, name, text(edit.new), None, runs_when, old=text(edit.old))
    assert isinstance(edit, actions.EditField)
    return edits.FieldOperation(
        _OPERATIONS[edit.operation],
        edit.name,
        text(edit.value),
        None if edit.pattern is None else pattern(edit.pattern),
        runs_when,
        edit.always,
    )


def _next(then: Then | Skip, at: int, size: int) -> int:
    """Return where a rule leads."""
    if then is Then.NEXT:
        return at + 1
    if then is Then.STOP:
        return program.END
    if then is Then.RESTART:
        return 0
    assert isinstance(then, Skip)
    return min(at + 1 + then.count, size)
