from __future__ import annotations

import pytest

from perijove.config.apache.directives.rewrite_conditions import HELD, applies, keeps_groups
from perijove.config.apache.directives.rewrite_syntax import condition, rule
from perijove.config.apache.directives.rewrite_text import Around
from perijove.config.apache.own_names import Names
from perijove.gateway.conditions import All, Always, Any, Condition, Matches, Never, Not, Pattern
from perijove.gateway.templates import Fact, Without
from perijove.text.source import Source, Span

SPAN = Span(Source("hub.conf", ""), 1)
FORGET = Matches((b"",), Pattern(b""), keeps=True)


def when(text: str, *conditions: str, directory: bytes | None = None) -> Condition:
    made = rule(text, SPAN, tuple(condition(one, SPAN, pytest.fail) for one in conditions))
    return applies(made, Around(Names((), (), ())), lambda _text, _span: Never(), directory)


def test_a_pattern_alone() -> None:
    found = when("^/a /b")
    assert isinstance(found, Matches)
    assert (found.subject, found.captures, found.keeps) == (HELD, True, False)
    inverse = when("!^/a /b")
    assert isinstance(inverse, Not)
    assert isinstance(inverse.of, Matches)
    assert not inverse.of.captures


def test_a_section_takes_its_path_away() -> None:
    found = when("^a /b", directory=b"/x/")
    assert isinstance(found, Matches)
    assert found.subject == (Without((Fact.HELD,), b"/x/"),)


def test_conditions_that_are_joined_by_or_are_one() -> None:
    found = when("^ /b", "%{HTTPS} on [OR]", "%{HTTPS} off", "%{IPV6} on")
    assert isinstance(found, All)
    assert [type(one) for one in found.of] == [Matches, Any, Matches]


def test_an_or_at_the_end_makes_all_hold() -> None:
    found = when("^ /b", "%{HTTPS} on [OR]")
    assert isinstance(found, All)
    last = found.of[-1]
    assert isinstance(last, Any)
    assert last.of[-1] == Always()


@pytest.mark.parametrize(
    ("text", "conditions", "forgets"),
    [
        ("^ /%1", ("%{HTTPS} (on)",), False),  # it holds, or the rule is not applied
        ("^ /%1", ("%{HTTPS} (on) [OR]", "%{IPV6} (off)"), True),
        ("^ /b", ("%{HTTPS} (on) [OR]", "%{IPV6} (off)"), False),  # nothing asks for it
        ("^ - [E=A:%1]", ("%{HTTPS} (on) [OR]", "%{IPV6} (off)"), True),
        ("^ /%1", ("%{HTTPS} !(on)",), False),  # nothing is kept at all: it is empty
    ],
)
def test_what_was_kept_before_is_forgotten(text: str, conditions: tuple[str, ...], forgets: bool) -> None:
    found = when(text, *conditions)
    assert isinstance(found, All)
    assert (FORGET in found.of) is forgets


def test_expressions_are_somebody_elses() -> None:
    found = when("^ /b", "expr whatever")
    assert isinstance(found, All)
    assert found.of[1] == Never()
    assert keeps_groups(condition("expr whatever", SPAN, pytest.fail))
    assert not keeps_groups(condition("%{HTTPS} =on", SPAN, pytest.fail))
