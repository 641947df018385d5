"""Conditions: from what is meant to what runs.

Knows each condition in both forms, and which fields of a request one needs. Must not know what follows from it.
"""

from __future__ import annotations

from typing import Final

from perijove.engine import conditions as runs
from perijove.engine import fields
from perijove.gateway import conditions, templates
from perijove.gateway.conditions import Setting
from perijove.gateway.templates import Fact
from perijove.routing.texts import pattern, text

SETTINGS: Final = {setting: number for number, setting in enumerate(Setting)}


def test(condition: conditions.Condition) -> runs.Test | None:
    """Return a condition as it runs; None for what always holds."""
    match condition:  # what there is thousands of comes first
        case conditions.Always():
            return None
        case conditions.Matches(subject, found, captures, keeps):
            return runs.Matches(text(subject), pattern(found), captures, keeps)
        case conditions.All(of):
            return runs.All(tuple(test(one) or runs.Constant(True) for one in of))
        case conditions.PathPrefix(prefix, merged):
            return runs.PathPrefix(prefix, merged)
        case conditions.HasNote(name):
            return runs.HasNote(name.lower())
        case conditions.NotEmpty((Fact.DESTINATION,)):
            return runs.Destined()
        case conditions.NotEmpty(subject):
            return runs.NotEmpty(text(subject))
        case conditions.Not(of):
            return runs.Not(test(of) or runs.Constant(True))
        case conditions.Never():
            return runs.Constant(False)
        case conditions.PathIs(path):
            return runs.PathIs(path)
        case conditions.PathMatches(found, names, merged):
            return runs.PathMatches(pattern(found), tuple((number, name.lower()) for number, name in names), merged)
        case conditions.Compares(left, how, right):
            return runs.Compares(text(left), how.value, text(right))
        case conditions.OnDisk(subject, kind):
            return runs.OnDisk(text(subject), kind.value)
        case conditions.Within(subject, networks):
            return runs.Within(text(subject), networks)
        case conditions.SettingIs(setting, value):
            return runs.SettingIs(SETTINGS[setting], value)
        case conditions.Any(of):
            return runs.Either(tuple(test(one) or runs.Constant(True) for one in of))
        case conditions.Apart(of, groups):
            return runs.Apart(test(of) or runs.Constant(True), groups.value)
    raise TypeError(f"{condition!r} is no condition")


def needed(condition: conditions.Condition) -> int:
    """Return a mask of the request's fields without which a condition cannot hold."""
    found = 0
    for one in condition.of if isinstance(condition, conditions.All) else (condition,):
        match one:
            case conditions.Matches((templates.RequestField(name),), wanted, False, _) if pattern(wanted).search(b"") is None:
                number = fields.NUMBERS.get(name.lower(), fields.OTHER)
            case conditions.NotEmpty((templates.RequestField(name),)):
                number = fields.NUMBERS.get(name.lower(), fields.OTHER)
            case _:
                continue
        if number not in (fields.OTHER, fields.HOST):  # the target may name the host, instead of the field
            found |= 1 << number
    return found
