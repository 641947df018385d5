"""Conditions whose answer is known before any request."""

import pytest

from perijove.gateway.conditions import (
    All,
    Always,
    Any,
    Condition,
    HasNote,
    Never,
    Not,
    PathIs,
    PathMatches,
    Pattern,
    Setting,
    SettingIs,
)
from perijove.gateway.rules import Nothing, Rule, Set, SetNote
from perijove.routing.fold import known

HERE = PathIs(b"/")
HOST = SettingIs(Setting.PRESERVE_HOST, True)
FIELDS = SettingIs(Setting.FORWARDED_FIELDS, True)
RULES = (
    Rule(Always(), Set(Setting.PRESERVE_HOST, True)),
    Rule(Always(), SetNote(b"Given", ())),
    Rule(All((HERE, Not(PathMatches(Pattern(b"(a)"), ((1, b"FOUND"),))))), Nothing()),
)
KNOWN = known(RULES, {Setting.PRESERVE_HOST: False, Setting.FORWARDED_FIELDS: True})


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (HERE, HERE),
        (HOST, HOST),  # a rule sets it
        (FIELDS, Always()),
        (SettingIs(Setting.FORWARDED_FIELDS, False), Never()),
        (HasNote(b"given"), HasNote(b"given")),
        (HasNote(b"found"), HasNote(b"found")),
        (HasNote(b"no-proxy"), Never()),
        (Not(HasNote(b"no-proxy")), Always()),
        (Not(FIELDS), Never()),
        (Not(HOST), Not(HOST)),
        (All((FIELDS, HERE)), HERE),
        (All((FIELDS, HERE, HOST)), All((HERE, HOST))),
        (All((HERE, Not(FIELDS), HOST)), All((HERE, Never()))),  # what is before it may find captures
        (All((FIELDS,)), Always()),
        (Any((HERE, FIELDS, HOST)), Any((HERE, Always()))),
        (Any((HasNote(b"x"), HERE)), HERE),
        (Any((HasNote(b"x"),)), Never()),
    ],
)
def test_fold(condition: Condition, expected: Condition) -> None:
    assert KNOWN.fold(condition) == expected


def test_notes_that_others_set_are_not_known() -> None:
    assert known((), {}, (b"other",)).fold(HasNote(b"Other")) == HasNote(b"Other")
