"""What RewriteRules leave on answers: cookies and Vary."""

from __future__ import annotations

from perijove.config.apache.directives.rewrite_answers import cookie, edits
from perijove.config.apache.directives.rewrite_syntax import condition, rule
from perijove.config.apache.directives.rewrite_text import Around
from perijove.config.apache.own_names import own_names
from perijove.gateway.actions import EditField
from perijove.gateway.templates import Capture, Time
from perijove.text.source import Source, Span

AROUND = Around(own_names("front.test", 0, False))
SPAN = Span(Source("x.conf", "x"), 1)


def test_a_cookie_needs_a_domain() -> None:
    assert cookie("a:b", AROUND) is None
    assert cookie("a:b:.example.org", AROUND) == (b"\0cookie a", (b"a=b; path=/; domain=.example.org",))


def test_what_a_cookie_says() -> None:
    made = cookie("a:$1:.example.org:2:/p:1:true:Strict", AROUND)
    assert made is not None
    text = made[1]
    assert text[:3] == (b"a=", Capture(1), b"; path=/p; domain=.example.org; expires=")
    assert isinstance(text[3], Time)
    assert text[3].ahead == 120
    assert text[4:] == (b"; secure; HttpOnly; SameSite=Strict",)


def test_semicolons_are_marks_if_one_is_first() -> None:
    assert cookie(";a;b:c;.example.org", AROUND) == (b"\0cookie a", (b"a=b:c; path=/; domain=.example.org",))


def test_colons_in_variables_are_no_marks() -> None:
    made = cookie("a:%{HTTP:X-A}:.example.org", AROUND)
    assert made is not None
    assert len(made[1]) == 3


def test_edits_of_answers() -> None:
    looked = condition("%{HTTP:X-A} a", SPAN, lambda _: None)
    lines = [rule("^/a - [CO=n:1:.example.org,CO=n:2:.example.org]", SPAN, ()), rule("^/b - ", SPAN, (looked,))]
    found = [one.do for one in edits(lines)]
    assert [one.name for one in found if isinstance(one, EditField)] == [b"Set-Cookie", b"Vary"]


def test_vary_is_for_what_is_answered_here() -> None:
    looked = condition("%{HTTP:X-A} a", SPAN, lambda _: None)
    unvaried = condition("%{HTTP:X-A} a [NV]", SPAN, lambda _: None)
    host = condition("%{HTTP_HOST} a", SPAN, lambda _: None)
    assert not edits([rule("^/a http://h/ [P]", SPAN, (looked,)), rule("^/b - ", SPAN, (unvaried, host))])
