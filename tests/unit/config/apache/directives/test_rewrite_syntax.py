from __future__ import annotations

import pytest

from perijove.config.apache.directives.rewrite_syntax import (
    MOST_ROUNDS,
    Compared,
    Lookup,
    Wrong,
    arguments,
    condition,
    flagged,
    flags,
    rule,
)
from perijove.gateway.conditions import Comparison, Disk, Pattern
from perijove.text.source import Source, Span

SPAN = Span(Source("hub.conf", ""), 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("^/a /b", ("^/a", "/b", None)),
        ("  ^/a\t/b   [P,L]  ", ("^/a", "/b", "[P,L]")),
        ('"^/a b" \'/c d\' "[P, L]"', ("^/a b", "/c d", "[P, L]")),
        ("^/a\\ b /c", ("^/a\\ b", "/c", None)),
        ('^/a"b /c', ('^/a"b', "/c", None)),
        ("^/a /b [P, L]", ("^/a", "/b", "[P,")),
        ("^/a \\\\1", ("^/a", "\\\\1", None)),
    ],
)
def test_arguments(text: str, found: tuple[str, str, str | None]) -> None:
    assert arguments(text) == found


@pytest.mark.parametrize("text", ["", "^/a", '"^/a b'])
def test_two_arguments_are_needed(text: str) -> None:
    with pytest.raises(Wrong) as caught:
        arguments(text)
    assert caught.value.args == (f"bad argument line '{text}'", "two arguments are needed")


def test_flags_stand_in_brackets() -> None:
    assert flagged("[P, R=301 ,E=a:b=c]") == [("P", ""), ("R", "301"), ("E", "a:b=c")]
    assert flagged("[]") == [("", "")]  # which is no flag
    for text in ("P", "[P", "P]", "["):
        with pytest.raises(Wrong, match="bad flag delimiters"):
            flagged(text)


def test_flags() -> None:
    made = flags("[proxy,last,NC,QSA,E=a:1,env=b:2,B=?&,BNE=/,BNP,UnsafeAllow3F,C,S=3,DPI,NS]")
    assert made.proxy
    assert made.last
    assert made.nocase
    assert made.append
    assert made.environment == ("a:1", "b:2")
    assert (made.escape, made.escaped, made.unescaped, made.noplus) == (True, "?&", "/", True)
    assert made.unsafe_query
    assert made.chain
    assert made.skip == 3


@pytest.mark.parametrize(
    ("text", "redirect", "refuse", "status"),
    [
        ("[R]", True, False, 302),
        ("[R=permanent]", True, False, 301),
        ("[R=seeother]", True, False, 303),
        ("[redirect=308]", True, False, 308),
        ("[R=404]", True, True, 404),
        ("[F]", False, True, 403),
        ("[gone]", False, True, 410),
    ],
)
def test_statuses(text: str, redirect: bool, refuse: bool, status: int) -> None:
    made = flags(text)
    assert (made.redirect, made.refuse, made.status) == (redirect, refuse, status)


def test_rounds() -> None:
    assert flags("[L]").rounds == 0
    assert flags("[N]").rounds == MOST_ROUNDS
    assert flags("[N=3]").rounds == 3


def test_what_is_known_and_not_done_is_told() -> None:
    assert flags("[CO=a:b:c,T=text/plain,H=x]").unknown == ("T", "H")


@pytest.mark.parametrize(
    ("text", "kind", "argument"),
    [
        ("%{X} -f", Disk.FILE, "-f"),
        ("%{X} -L", Disk.LINK, "-L"),
        ("%{X} -U", Lookup.URL, "-U"),
        ("%{X} =a", Compared(Comparison.SAME), "a"),
        ('%{X} =""', Compared(Comparison.SAME), ""),
        ("%{X} <=a", Compared(Comparison.LONGER, inverse=True), "a"),
        ("%{X} >a", Compared(Comparison.LONGER), "a"),
        ("%{X} -ge5", Compared(Comparison.NUMBERS_LESS, inverse=True), "5"),
        ("expr true", None, "true"),
    ],
)
def test_kinds_of_conditions(text: str, kind: object, argument: str) -> None:
    made = condition(text, SPAN, pytest.fail)
    assert (made.kind, made.argument, made.negated) == (kind, argument, False)
    words = text.split()
    assert condition(f"{words[0]} !{words[1]}", SPAN, pytest.fail).negated


@pytest.mark.parametrize("text", ["%{X} -g", "%{X} =", "%{X} -eq", "%{X} -", "%{X} <"])
def test_what_only_looks_like_an_operator_is_a_pattern(text: str) -> None:
    assert isinstance(condition(text, SPAN, pytest.fail).kind, Pattern)


def test_nocase_that_does_nothing_is_told() -> None:
    told: list[str] = []
    assert not condition("%{X} -f [NC]", SPAN, told.append).nocase
    assert told == ["NoCase option for non-regex pattern '-f' is not supported and will be ignored."]
    assert condition("%{X} =a [NC]", SPAN, pytest.fail).nocase


def test_rules() -> None:
    made = rule("!^/a - [L]", SPAN, ())
    assert made.negated
    assert made.nothing
    assert made.pattern.source == "^/a"
    assert rule("^/a /b [F]", SPAN, ()).nothing
    with pytest.raises(Wrong, match=r"cannot compile regular expression '\(a'"):
        rule("(a /b", SPAN, ())
