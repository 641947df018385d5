from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.unit.config.apache.expressions import RECORD, scope, span, state, states

from perijove.config.apache import expression
from perijove.config.apache.expression import ExpressionError, condition, condition_of, subnet, template, unquoted
from perijove.gateway.conditions import Condition, Groups
from perijove.gateway.templates import Template
from perijove.routing import conditions, texts
from perijove.text.diagnostic import Diagnostic

# Known, and refused with a diagnostic of that name: Apache would do it.
REFUSED = {
    "%{LAST_MODIFIED} == ''", "%{SERVER_SOFTWARE} =~ /Apache/", "%{req:X-%{REQUEST_METHOD}} == ''",
    "'a' -strmatch %{HTTP_HOST}", "%{CONN_LOG_ID}|%{REQUEST_LOG_ID}", "%{req:X-%{REQUEST_METHOD}}",
    "-R '1.2.3.4/255.0.255.0'",
}  # fmt: skip


def words(error: str) -> str:
    """What Apache says is wrong with the expression, without the words of the directive, and bison's guesses."""
    said = re.sub(r"^.*?(Can't parse envclause/expression|Can't parse value expression ): ", "", error)
    said = re.sub(r", expecting [^:]*(':')?(?=$|: )", "", said)
    # Names are looked up while the rest is read: Apache tells of both.
    return re.sub(r"^(syntax error, unexpected \S+): (?=Variable|Function|Binary)", r"\1", said)


@pytest.mark.parametrize("case", RECORD["conditions"], ids=lambda case: case["expression"][:60])
def test_a_condition_is_what_apache_says_it_is(case: dict[str, Any]) -> None:
    text = case["expression"]
    try:
        found = condition_of(text, scope())
    except ExpressionError as error:
        if error.name == "not-emulated-expression":
            assert text in REFUSED or ("Recursion limit" in error.message and case["says"] == [True] * 3)
            return
        assert "error" in case, error.message
        assert words(case["error"]).startswith(error.message.partition(" regular expression: ")[0])
        assert 0 <= error.offset <= len(text)
        return
    assert text not in REFUSED
    assert "error" not in case, case["error"]
    test = conditions.test(found)
    assert [test is None or test.holds(one) for one in states()] == case["says"]


@pytest.mark.parametrize("case", RECORD["texts"], ids=lambda case: case["expression"][:60])
def test_a_text_is_what_apache_says_it_is(case: dict[str, Any]) -> None:
    text = case["expression"]
    told: list[Diagnostic] = []
    found = template(text, span(text), scope(told=told))
    if found is None:
        if told[0].name == "not-emulated-expression":
            assert text in REFUSED
            return
        said = told[0].message.removeprefix("Can't parse value expression : ").partition(" (at character")[0]
        assert words(case["error"]) == said
        return
    if text in REFUSED or text in ("%{TIME_WDAY}x", "%{REQUEST_FILENAME}"):  # another day, another upstream
        return
    assert "error" not in case, case["error"]
    # A value loses the white space at its end on its way through Apache, and this record.
    assert [texts.text(found).text(one).decode("latin-1").strip(" ") for one in states()] == [
        one.strip(" ") for one in case["says"]
    ]


def holds(text: str, request: str | None = None, **modules: Any) -> bool:
    test = conditions.test(condition_of(text, scope()))
    return test is None or test.holds(state() if request is None else state(request))


def test_the_record_is_large() -> None:
    assert len(RECORD["conditions"]) > 250
    assert len(RECORD["texts"]) > 60


def test_a_complaint_has_apaches_words_and_a_place() -> None:
    line = "<If \"%{REQUEST_METHOD} == 'GET' && %{NOPE} == 1\">"
    told: list[Diagnostic] = []
    assert condition(line[5:-2], span(line), scope(told=told)) is None
    (one,) = told
    assert one.message.startswith("Cannot parse condition clause: Variable 'NOPE' does not exist")
    assert one.where is not None
    assert line[one.where.column - 1 :].startswith("NOPE")


@pytest.mark.parametrize("text", ["-U '/x'", "-F '/x'", "-A '/x'", "%{req:%{HTTP_HOST}} == ''", "'a' =~ /(?C1)a/"])
def test_what_is_not_emulated_is_told(text: str) -> None:
    told: list[Diagnostic] = []
    assert condition(text, span(text), scope(told=told)) is None
    assert told[0].name == "not-emulated-expression" or "regular expression" in told[0].message


def test_apache_evaluates_twenty_levels_only() -> None:
    condition_of("tolower(" * 18 + "'a'" + ")" * 18 + " == 'b'", scope())
    with pytest.raises(ExpressionError, match="Recursion limit"):
        condition_of("tolower(" * 19 + "'a'" + ")" * 19 + " == 'b'", scope())
    condition_of("(" * 19 + "false" + " || false)" * 19, scope())
    with pytest.raises(ExpressionError, match="Recursion limit"):
        condition_of("(" * 20 + "false" + " || false)" * 20, scope())
    condition_of(" || ".join(["'a' == 'b'"] * 200), scope())


@pytest.mark.parametrize(
    "text", ["(" * 5000 + "true", "tolower(" * 5000, "!" * 5000 + "true", " || ".join(["true"] * 5000), "%{req:" * 5000]
)
def test_depth_is_bounded(text: str) -> None:
    try:
        condition_of(text, scope())
    except ExpressionError:
        return


def test_groups_are_the_expressions_own() -> None:
    one = state("GET /hub/x HTTP/1.1\r\nHost: h\r\n\r\n")
    one.captures = (b"before", b"too")
    test = conditions.test(condition_of("$1 == '' && %{REQUEST_URI} =~ m#^/(hub)# && $1 == 'hub'", scope()))
    assert test is not None
    assert test.holds(one)
    assert one.captures == (b"before", b"too")


def test_groups_may_be_the_rules() -> None:
    one = state("GET /hub/x HTTP/1.1\r\nHost: h\r\n\r\n")
    found = condition("%{REQUEST_URI} =~ m#^/(hub)#", span(), scope(), groups=Groups.CAPTURES)
    assert found is not None
    test = conditions.test(found)
    assert test is not None
    assert test.holds(one)
    assert one.captures == (b"/hub", b"hub")


def test_groups_may_be_kept() -> None:
    one = state("GET /hub/x HTTP/1.1\r\nHost: h\r\n\r\n")
    one.captures = (b"the pattern's",)
    found = condition("%{REQUEST_URI} =~ m#^/(hub)#", span(), scope(), groups=Groups.KEPT)
    assert found is not None
    test = conditions.test(found)
    assert test is not None
    assert test.holds(one)
    assert one.kept == (b"/hub", b"hub")
    assert one.captures == (b"the pattern's",)


def test_the_connection_may_be_of_somebody_else() -> None:
    one = state(address=b"10.0.0.1")
    one.address = b"192.0.2.7"
    found = template("%{REMOTE_ADDR} %{CONN_REMOTE_ADDR}", span(), scope())
    assert found is not None
    assert texts.text(found).text(one) == b"192.0.2.7 10.0.0.1"


@pytest.mark.parametrize(
    ("text", "scheme", "value"),
    [
        ("%{HTTPS} %{REQUEST_SCHEME} %{SERVER_PORT}", b"https", b"on https 443"),
        ("%{SSL_CLIENT_S_DN}|%{SSL_CLIENT_VERIFY}", b"https", b"|NONE"),
        ("%{SSL_CLIENT_S_DN}|%{SSL_CLIENT_VERIFY}", b"http", b"|"),
    ],
)
def test_tls_is_known(text: str, scheme: bytes, value: bytes) -> None:
    found = template(text, span(), scope("ssl"))
    assert found is not None
    assert texts.text(found).text(state(scheme=scheme)) == value


def test_the_name_may_be_the_servers_own() -> None:
    place = scope()
    place.said.update({"canonical-name": "on", "server-name": "https://hub.example.org:8443"})
    found = template("%{SERVER_NAME}", span(), place)
    assert found is not None
    assert texts.text(found).text(state("GET / HTTP/1.1\r\nHost: other\r\n\r\n")) == b"hub.example.org"


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("\"'a' == 'a'\"", "'a' == 'a'"),
        ("'a' == 'a'", "'a' == 'a'"),
        ("  true ", "true"),
        ('"a \\"b\\" == c"', 'a "b" == c'),
        ('"true" x', '"true" x'),
        ('"', '"'),
    ],
)
def test_quotes_around_all_of_it_are_not_of_it(text: str, inside: str) -> None:
    assert unquoted(text) == inside


@pytest.mark.parametrize(
    ("text", "network"), [("10.1", "10.1.0.0/16"), ("10.", "10.0.0.0/8"), ("::1", "::1/128"), ("10.1.2.3/8", "10.0.0.0/8")]
)
def test_networks_may_be_parts(text: str, network: str) -> None:
    assert str(subnet(text)) == network


@pytest.mark.parametrize("text", ["", "x", "10.1/16", "10.0.0.0/0", "::ffff:0:0/96", "300.1", "1.2.3.4.5", "1.2.3.4/33", "٣.1"])
def test_networks_may_be_none(text: str) -> None:
    assert subnet(text) is None


_PIECES = some.sampled_from(
    ["'", '"', "%{", "}", ":", "$1", "(", ")", "{", "}", ",", "=~", "!~", "==", "=", "!", "&&", "||", " ", "\\", "/", "m#", "#", "-in", "-f",
     "-R", "-ipmatch", "true", "false", "and", "not", "tolower", "req", "REQUEST_URI", "env", "a", "1", "-1", ".", "\n", "\0", "é", "*", "["]
)  # fmt: skip


@given(some.one_of(some.text(), some.lists(_PIECES).map("".join)))
def test_no_text_raises_anything_else(text: str) -> None:
    for meaning in (condition, template):
        told: list[Diagnostic] = []
        found: Condition | Template | None = meaning(text, span(text), scope("ssl", told=told))
        assert (found is None) == bool(told)
        if meaning is condition and found is not None:
            conditions.test(found)  # type: ignore[arg-type]
        elif found is not None:
            texts.text(found).text(state())  # type: ignore[arg-type]


def test_a_pattern_that_cannot_be_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from perijove.config.apache import regex

    def refuse(pattern: str, nocase: bool) -> None:
        raise regex.Untranslatable("not this one", 0)

    monkeypatch.setattr(regex, "translate", refuse)
    with pytest.raises(ExpressionError, match="not this one"):
        expression.translated("a", False, 0)
