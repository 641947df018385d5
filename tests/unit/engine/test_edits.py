"""Fields that are edited one after the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.engine.states import state_of, text

from perijove.engine import edits, fields, texts
from perijove.engine.conditions import Constant, NotEmpty
from perijove.engine.edits import FieldOperation, clean, compacted, edit_request, edited, first_of, joined, kept
from perijove.engine.pattern import Pattern
from perijove.engine.texts import Part, Text

Lines = list[tuple[bytes, bytes]]


def operation(kind: int, name: bytes, *value: bytes | Part, pattern: bytes | None = None, old: bytes = b"") -> FieldOperation:
    return FieldOperation(kind, name, text(*value), None if pattern is None else Pattern(pattern), None, old=text(old))


def after(lines: Lines, *operations: FieldOperation) -> Lines:
    return edited(lines, operations, state_of())


# What Apache 2.4.71 was seen to make of these (RequestHeader, Header).
DONE: list[tuple[FieldOperation, Lines, Lines]] = [
    (operation(edits.SET, b"X-A", b"n"), [], [(b"X-A", b"n")]),
    (operation(edits.SET, b"X-A", b"n"), [(b"x-a", b"1"), (b"B", b"2"), (b"X-A", b"3")], [(b"X-A", b"n"), (b"B", b"2")]),
    (operation(edits.ADD, b"X-A", b"n"), [(b"X-A", b"1")], [(b"X-A", b"1"), (b"X-A", b"n")]),
    (operation(edits.DEFAULT, b"X-A", b"n"), [(b"x-a", b"")], [(b"x-a", b"")]),
    (operation(edits.DEFAULT, b"X-A", b"n"), [], [(b"X-A", b"n")]),
    (operation(edits.REMOVE, b"X-A"), [(b"x-a", b"1"), (b"B", b"2"), (b"X-A", b"3")], [(b"B", b"2")]),
    (operation(edits.APPEND, b"X-A", b"n"), [(b"X-A", b"1"), (b"B", b"2"), (b"x-a", b"3")], [(b"X-A", b"1, n"), (b"B", b"2"), (b"x-a", b"3")]),
    (operation(edits.APPEND, b"X-A", b"n"), [], [(b"X-A", b"n")]),
    (operation(edits.MERGE, b"X-A", b"n"), [(b"X-A", b"a,n , b")], [(b"X-A", b"a,n , b")]),
    (operation(edits.MERGE, b"X-A", b"n"), [(b"X-A", b"ann")], [(b"X-A", b"ann, n")]),
    (operation(edits.MERGE, b"X-A", b"n"), [], [(b"X-A", b"n")]),
    (operation(edits.EDIT, b"X-A", b"z", pattern=b"a"), [(b"X-A", b"banana"), (b"x-a", b"b")], [(b"X-A", b"bznana"), (b"x-a", b"b")]),
    (operation(edits.EDIT_ALL, b"X-A", b"z", pattern=b"a"), [(b"X-A", b"banana")], [(b"X-A", b"bznznz")]),
    (operation(edits.EDIT_ALL, b"X-A", b"-", pattern=b"x*"), [(b"X-A", b"ab")], [(b"X-A", b"-a-b")]),
    (operation(edits.EDIT, b"X-A", b"z", pattern=b"a"), [], []),
    (
        operation(edits.EDIT, b"X-A", texts.Capture(2), b"-", texts.Capture(1), texts.Capture(3), pattern=b"^(a+)(b*)(c)?$"),
        [(b"X-A", b"aab")],
        [(b"X-A", b"b-aa")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("one", "lines", "expected"), DONE)
def test_operations(one: FieldOperation, lines: Lines, expected: Lines) -> None:
    before = list(lines)
    assert after(lines, one) == expected
    assert lines == before  # what was given is not changed
    state = state_of()
    state.snapshot()
    state.lines = lines
    edit_request((one,), state)
    assert state.lines == expected


def test_a_pattern_leaves_the_rules_own_captures_alone() -> None:
    state = state_of()
    state.captures = (b"rule",)
    edited([(b"X-A", b"a")], (operation(edits.EDIT, b"X-A", texts.Capture(0), pattern=b"a"),), state)
    assert state.captures == (b"rule",)


def test_one_that_does_not_hold_is_not_done() -> None:
    one = FieldOperation(edits.SET, b"X-A", text(b"n"), None, Constant(False))
    assert after([], one) == []
    state = state_of()
    state.snapshot()
    edit_request((one,), state)
    assert state.field(b"x-a") == b""


def test_each_edit_of_a_request_sees_those_before() -> None:
    state = state_of(b"/", b"X-A: 1")
    state.snapshot()
    seen = texts.RequestField(b"X-A")
    edit_request(
        (
            operation(edits.SET, b"X-A", b"2"),
            operation(edits.SET, b"X-B", seen),
            FieldOperation(edits.SET, b"X-C", text(b"c"), None, NotEmpty(text(texts.RequestField(b"x-b")))),
            operation(edits.REMOVE, b"X-A"),
            operation(edits.SET, b"X-D", b"<", seen, b">"),
            operation(edits.SET, b"Host", b"new"),
            operation(edits.SET, b"X-E", texts.RequestField(b"host")),
        ),
        state,
    )
    assert state.lines == [
        (b"Host", b"new"), (b"X-B", b"2"), (b"X-C", b"c"), (b"X-D", b"<>"), (b"X-E", b"new"),
    ]  # fmt: skip


# ------------------------------------------------------------------ what a client's octets may do


def texts_with(octets: bytes) -> tuple[Text, ...]:
    return (text(texts.Note(b"n", octets)), text(b"a", texts.Note(b"n", octets)))


@pytest.mark.parametrize("kind", [edits.SET, edits.ADD, edits.DEFAULT, edits.APPEND, edits.MERGE, edits.EDIT, edits.EDIT_ALL])
@pytest.mark.parametrize("octets", [b"x\r\nX-Evil: 1", b"x\nX-Evil: 1", b"x\rX-Evil: 1", b"x\0y", b"\r\n\r\nGET / HTTP/1.1"])
def test_no_value_ends_its_line(kind: int, octets: bytes) -> None:
    for value in texts_with(octets):
        one = FieldOperation(kind, b"X-A", value, Pattern(b"^"), None)
        for lines in ([(b"X-A", b"1")], []):
            for line in edited(lines, (one,), state_of()):
                _whole(joined([line]))


@pytest.mark.parametrize("octets", [b"/\r\nX-Evil: 1", b"/\0"])
def test_no_prefix_or_attribute_ends_its_line(octets: bytes) -> None:
    for value in texts_with(octets):
        prefix = FieldOperation(edits.PREFIX, b"", value, None, None, old=text(b"http://up/"))
        _whole(joined(after([(b"Location", b"http://up/x")], prefix)))
        attribute = FieldOperation(edits.ATTRIBUTE, b"path", value, None, None, old=text(b"/"))
        _whole(joined(after([(b"Set-Cookie", b"a=b; Path=/")], attribute)))


def _whole(octets: bytes) -> None:
    """Fail unless octets are at most one line."""
    assert octets.count(b"\n") == octets.count(b"\r") == len(octets[:1])
    assert b"\0" not in octets
    assert octets == b"" or octets.endswith(b"\r\n")


@given(st.binary())
def test_clean_values_have_as_many_octets_and_one_line(value: bytes) -> None:
    cleaned = clean(value)
    assert len(cleaned) == len(value)
    assert not {octet for octet in cleaned if octet == 127 or (octet < 32 and octet != 9)}


# ------------------------------------------------------------------ ProxyPassReverse and its like


PREFIXED = [
    (b"http://up:80/", b"http://up:80/hub/", b"https://pub/hub/"),
    (b"http://up:80/", b"HTTP://UP:80/hub/", b"https://pub/hub/"),
    (b"http://up:80/A", b"http://up:80/a", b"https://pub/"),
    (b"http://up:80/", b"http://up:80", None),
    (b"http://up:80", b"http://up:80", b"https://pub/"),
    (b"http://up:80/", b"http://up:81/", None),
    (b"/internal/", b"/internal/x", b"https://pub/x"),
    (b"/internal/", b"/Internal/x", b"https://pub/x"),
]


@pytest.mark.parametrize("name", [b"Location", b"Content-Location", b"URI", b"destination", b"Link", b"Refresh"])
@pytest.mark.parametrize(("prefix", "value", "expected"), PREFIXED)
def test_prefixes_of_urls(name: bytes, prefix: bytes, value: bytes, expected: bytes | None) -> None:
    mapped = expected if expected is not None and name not in (b"Link", b"Refresh") else value
    assert after([(name, value)], operation(edits.PREFIX, b"", b"https://pub/", old=prefix)) == [(name, mapped)]


def test_the_first_prefix_that_fits_counts() -> None:
    one, two = operation(edits.PREFIX, b"", b"/b", old=b"/a"), operation(edits.PREFIX, b"", b"/c", old=b"/b")
    assert after([(b"Location", b"/a/x")], one, two) == [(b"Location", b"/b/x")]
    assert after([(b"Location", b"/b/x")], one, two) == [(b"Location", b"/c/x")]


@pytest.mark.parametrize(
    ("attribute", "old", "new", "value", "expected"),
    [
        (b"path", b"/", b"/mypath/", b"a=b; Path=/hub/", b"a=b; Path=/mypath/"),  # the whole of it, as Apache does
        (b"path", b"/x", b"/y", b"a=b; Path=/hub/", b"a=b; Path=/hub/"),
        (b"path", b"/", b"/y", b"Path=/; path=/; HttpOnly", b"Path=/; path=/y; HttpOnly"),  # a cookie may be called Path
        (b"domain", b"up", b"pub", b"a=b; DOMAIN=UP; Secure", b"a=b; DOMAIN=pub; Secure"),
        (b"domain", b"up", b"pub", b"a=b; Domain=upper", b"a=b; Domain=upper"),
    ],
)
def test_attributes_of_cookies(attribute: bytes, old: bytes, new: bytes, value: bytes, expected: bytes) -> None:
    one = operation(edits.ATTRIBUTE, attribute, new, old=old)
    lines = [(b"Set-Cookie", value), (b"X", value), (b"set-cookie", value)]
    assert after(lines, one) == [(b"Set-Cookie", expected), (b"X", value), (b"set-cookie", expected)]


# ------------------------------------------------------------------ lines


def test_lines_that_stay() -> None:
    lines = [(b"HOST", b"h"), (b"Transfer-Encoding", b"chunked"), (b"X-A", b"1"), (b"X-B", b"2")]
    drop = fields.mask(fields.HOST, fields.TRANSFER_ENCODING)
    assert kept(lines, drop, frozenset((b"x-b",))) == [(b"X-A", b"1")]
    assert kept(lines, 0, frozenset()) == lines


def test_lines_on_the_wire() -> None:
    assert joined([(b"A", b"1"), (b"B", b"")]) == b"A: 1\r\nB: \r\n"
    assert joined([]) == b""


def test_vary_is_one_list_without_white_space() -> None:
    lines = [(b"A", b"1"), (b"vary", b"Accept, Cookie"), (b"B", b"2"), (b"Vary", b" , Origin")]
    assert compacted(lines, b"vary") == [(b"A", b"1"), (b"vary", b"Accept,Cookie,Origin"), (b"B", b"2")]
    assert compacted([(b"A", b"1")], b"vary") == [(b"A", b"1")]


def test_the_first_of_a_name() -> None:
    assert first_of([(b"A", b"1"), (b"a", b"2")], b"a") == b"1"
    assert first_of([], b"a") == b""


def test_what_operations_see_of_those_before_them() -> None:
    state = state_of()
    a, b = operation(edits.SET, b"A", b"2"), operation(edits.SET, b"B", texts.ResponseField(b"a"))
    lines = [(b"A", b"1")]
    state.out = lines
    assert edited(lines, (b, a, b), state) == [(b"A", b"2"), (b"B", b"2")]
    assert edited([], (b,), state, [(b"A", b"before")]) == [(b"B", b"2")]  # nothing has changed yet
    assert edited([], (a, b), state, [(b"A", b"before")]) == [(b"A", b"2"), (b"B", b"before")]
    assert edited([], (operation(edits.SET, b"C"), b), state, [], [(b"A", b"behind")]) == [(b"C", b""), (b"B", b"behind")]
