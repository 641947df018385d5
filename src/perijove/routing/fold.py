"""Conditions whose answer is known before any request: settings that no rule sets, variables that nobody gives a value.

Knows rules. Must not know dialects, nor how a condition is run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from perijove.gateway import actions, conditions
from perijove.gateway.conditions import Condition, Setting
from perijove.gateway.rules import Rule

_BEFORE: Final = b"redirect_"  # variables of a request whose error another stands for


@dataclass(frozen=True, slots=True)
class Known:
    """What holds for every request that these rules decide on."""

    settings: Mapping[Setting, object]
    notes: frozenset[bytes]  # names (lower case) that may have a value

    def fold(self, condition: Condition) -> Condition:
        """Return a condition that holds for the same requests."""
        match condition:
            case conditions.SettingIs(setting, value) if setting in self.settings:
                return _constant(self.settings[setting] == value)
            case conditions.HasNote(name) if name.lower() not in self.notes and not name.lower().startswith(_BEFORE):
                return conditions.Never()
            case conditions.Not(of):
                return _contrary(self.fold(of))
            case conditions.All(of):
                return _all([self.fold(one) for one in of])
            case conditions.Any(of):
                return _any([self.fold(one) for one in of])
        return condition

    def folded(self, rule: Rule) -> Rule:
        """Return a rule that does the same for the same requests."""
        when = self.fold(rule.when)
        return rule if when is rule.when else Rule(when, rule.do, rule.then, rule.origin, rule.otherwise)


def known(rules: Sequence[Rule], defaults: Mapping[Setting, object], given_notes: Collection[bytes] = ()) -> Known:
    """Return what these rules leave as it is; `defaults` are what settings begin with.

    `given_notes` (lower case) are set by others.
    """
    given = {rule.do.setting for rule in rules if isinstance(rule.do, actions.Set)}
    notes = set(given_notes) | {rule.do.name.lower() for rule in rules if isinstance(rule.do, actions.SetNote)}
    balanced = {rule.do.note.lower() for rule in rules if isinstance(rule.do, actions.Balance)}
    notes |= {note + said for note in balanced for said in (b"", b" changed", b" session", b" sticky")}
    for rule in rules:
        notes.update(_named(rule.when))
    return Known({setting: value for setting, value in defaults.items() if setting not in given}, frozenset(notes))


def _named(condition: Condition) -> set[bytes]:
    match condition:
        case conditions.PathMatches(_, names):
            return {name.lower() for _, name in names}
        case conditions.All(of) | conditions.Any(of):
            return set().union(*(_named(one) for one in of))
        case conditions.Not(of) | conditions.Apart(of, _):
            return _named(of)
    return set()


def _constant(value: bool) -> Condition:
    return conditions.Always() if value else conditions.Never()


def _contrary(one: Condition) -> Condition:
    if isinstance(one, conditions.Always | conditions.Never):
        return _constant(isinstance(one, conditions.Never))
    return conditions.Not(one)


def _all(of: list[Condition]) -> Condition:
    """Join conditions up to the first that never holds: what is behind that is not looked at, as before."""
    kept: list[Condition] = []
    for one in of:
        if isinstance(one, conditions.Never):
            kept.append(one)
            break
        if not isinstance(one, conditions.Always):
            kept.append(one)
    return kept[0] if len(kept) == 1 else conditions.All(tuple(kept)) if kept else conditions.Always()


def _any(of: list[Condition]) -> Condition:
    kept: list[Condition] = []
    for one in of:
        if isinstance(one, conditions.Always):
            kept.append(one)
            break
        if not isinstance(one, conditions.Never):
            kept.append(one)
    return kept[0] if len(kept) == 1 else conditions.Any(tuple(kept)) if kept else conditions.Never()
