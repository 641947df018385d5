"""What rules see of a request: its path as Apache reads it, its fields, and nothing of anybody else's."""

import re

import pytest
from hypothesis import example, given
from hypothesis import settings as run
from hypothesis import strategies as st
from tests.unit.engine.states import head_of, peer, request, state_of

from perijove.engine import state
from perijove.engine.buffer import Buffer
from perijove.engine.changes import Set
from perijove.engine.const import FOUND
from perijove.engine.head import Limits, RequestHead
from perijove.engine.state import (
    DECODED,
    KEPT,
    REFUSED,
    State,
    combined,
    decoded,
    encoded,
    encoded_but_slashes,
    refused,
    undotted,
)

# ------------------------------------------------------------------ paths: what Apache 2.4.71 was seen to send upstream

SEEN = [
    (b"/a%+1", REFUSED, 400),
    (b"/%zz/../b", REFUSED, 400),
    (b"/a%", REFUSED, 400),
    (b"/a%2", REFUSED, 400),
    (b"/a%\xe9\xe9", REFUSED, 400),
    (b"/%2F/../b", REFUSED, b"/b"),
    (b"/%00/../b", REFUSED, b"/b"),
    (b"/a%00", REFUSED, 404),
    (b"/a%2Fb", REFUSED, 404),
    (b"/a%2fb", REFUSED, 404),
    (b"/a/./b", REFUSED, b"/a/b"),
    (b"/a/.%2e/b", REFUSED, b"/b"),
    (b"/a/%2e./b", REFUSED, b"/b"),
    (b"/a//b", REFUSED, b"/a/b"),
    (b"/a/..", REFUSED, b"/"),
    (b"/a/.", REFUSED, b"/a/"),
    (b"/.", REFUSED, b"/"),
    (b"/..", REFUSED, 400),
    (b"/a/../../b", REFUSED, 400),
    (b"/a/...", REFUSED, b"/a/..."),
    (b"/a/..b/c", REFUSED, b"/a/..b/c"),
    (b"/a/.;x/b", REFUSED, b"/a/.;x/b"),
    (b"/a%20b", REFUSED, b"/a b"),
    (b"/a%0d%0ab", REFUSED, b"/a\r\nb"),
    (b"/a%ff", REFUSED, b"/a\xff"),
    (b"/a%2541", REFUSED, b"/a%41"),
    (b"*", REFUSED, b"*"),
    (b"a", REFUSED, 400),
    (b"/a%2Fb", DECODED, b"/a/b"),
    (b"/a%2F../b", DECODED, b"/b"),
    (b"/x/a%2F..%2F..%2Fb", DECODED, b"/b"),
    (b"/a%2F%2Fb", DECODED, b"/a/b"),
    (b"/..%2Fb", DECODED, b"/b"),
    (b"/%2e%2e%2Fb", DECODED, b"/b"),
    (b"/a%2F%2e%2e/b", DECODED, b"/b"),
    (b"/a%252e%252e/b", DECODED, b"/a%2e%2e/b"),
    (b"/a%2Fb", KEPT, b"/a%2Fb"),
    (b"/a%2fb", KEPT, b"/a%2fb"),
    (b"/a%252Fb", KEPT, b"/a%2Fb"),
    (b"/a%20b%2F..%2Fc", KEPT, b"/a b%2F..%2Fc"),
]


@pytest.mark.parametrize(("path", "slashes", "expected"), SEEN)
def test_paths_are_read_as_apache_reads_them(path: bytes, slashes: int, expected: bytes | int) -> None:
    assert decoded(path, slashes, True) == expected


def test_double_slashes_stay_where_they_are_not_merged() -> None:
    assert decoded(b"/a//b", REFUSED, False) == b"/a//b"
    assert decoded(b"/a//../b", REFUSED, False) == b"/a/b"
    assert decoded(b"//../b", REFUSED, False) == b"/b"


HEX = b"0123456789abcdefABCDEF"


def normalized(path: bytes, merge: bool, unreserved: bool) -> tuple[bytes, bool]:
    """ap_normalize_path (server/util.c), octet for octet; the second says whether it is content."""
    text = bytearray(path + b"\0\0\0\0")
    right = True
    read = write = 1
    while text[read]:
        if unreserved and text[read] == ord("%"):
            if text[read + 1] in HEX and text[read + 2] in HEX:
                octet = int(text[read + 1 : read + 3], 16)
                if re.match(rb"[A-Za-z0-9._~-]", bytes((octet,))):
                    read += 2
                    text[read] = octet
            else:
                right = False
        if text[write - 1] == ord("/"):
            if merge and text[read] == ord("/"):
                while text[read] == ord("/"):
                    read += 1
                continue
            if text[read] == ord("."):
                if text[read + 1] in b"/\0":
                    read += 2 if text[read + 1] else 1
                    continue
                at = read + 1
                dot = text[at] == ord(".")
                if not dot and unreserved and bytes(text[at : at + 3]).lower() == b"%2e":
                    at += 2
                    dot = True
                if dot and text[at + 1] in b"/\0":
                    if write > 1:
                        write -= 1
                        while write and text[write - 1] != ord("/"):
                            write -= 1
                    else:
                        right = False
                    read = at + 2 if text[at + 1] else at + 1
                    continue
        text[write] = text[read]
        read += 1
        write += 1
    return bytes(text[:write]), right


def straightforward(path: bytes, slashes: int, merge: bool) -> bytes | int:
    """ap_process_request_internal (server/request.c), as it stands there."""
    path, right = normalized(path, merge, True)
    if not right:
        return 400
    out = b""
    at = 0
    bad = False
    while at < len(path):
        if path[at] != ord("%"):
            out += path[at : at + 1]
            at += 1
            continue
        octet = int(path[at + 1 : at + 3], 16)
        if octet == 0 or (octet == ord("/") and slashes == REFUSED):
            bad = True
        out += path[at : at + 3] if octet == ord("/") and slashes == KEPT else bytes((octet,))
        at += 3
    if bad:
        return 404
    return normalized(out, merge, False)[0] if slashes == DECODED else out


PIECES = [b"/", b"//", b".", b"..", b"%2e", b"%2E", b"%2F", b"%2f", b"%00", b"%41", b"%7e", b"%20", b"%25", b"2F", b"a", b"b;", b"\xe9", b"%", b"%f", b"%+1"]  # fmt: skip


@run(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=9), st.sampled_from((REFUSED, DECODED, KEPT)), st.booleans())
@example([b"a", b"/", b"%", b"/", b".."], REFUSED, True)
def test_any_path_is_read_as_apaches_source_reads_it(pieces: list[bytes], slashes: int, merge: bool) -> None:
    path = b"/" + b"".join(pieces)
    assert decoded(path, slashes, merge) == straightforward(path, slashes, merge)


def test_climbing() -> None:
    assert undotted(b"/a/../..", True, False) is None
    assert undotted(b"/a/../..", True, True) == b"/"
    assert undotted(b"/../b", True, True) == b"/b"


def test_encoding_is_that_of_mod_proxy() -> None:
    assert encoded(b'/a b~:@;[|]%"#?\\') == b"/a%20b~:@;%5B%7C%5D%25%22%23%3F%5C"
    assert encoded(b"/a\r\n\0\xff") == b"/a%0D%0A%00%FF"
    assert encoded(b"/plain/path.html") == b"/plain/path.html"


def test_encoding_leaves_slashes_that_were_kept() -> None:
    assert encoded_but_slashes(b"/a%2Fb%2fc d%41") == b"/a%2Fb%2fc%20d%2541"
    assert encoded_but_slashes(b"/a%zz") is None
    assert encoded_but_slashes(b"/a") == b"/a"


@given(st.binary(max_size=20))
def test_whatever_is_encoded_fits_into_a_request_line(path: bytes) -> None:
    assert re.fullmatch(rb"[!-~]*", encoded(path))


# ------------------------------------------------------------------ requests


def test_it_begins_with_what_was_sent() -> None:
    state = state_of(b"/a%20b?c=%20", settings=(1, 2))
    assert (state.raw, state.path, state.query) == (b"/a%20b", b"/a%20b", b"c=%20")
    assert (state.method, state.wanted, state.whole, state.minor) == (b"GET", b"/a%20b?c=%20", b"/a%20b?c=%20", 1)
    assert (state.address, state.scheme, state.host) == (b"192.0.2.1", b"http", b"hub.example:8000")
    assert state.settings == (1, 2)
    assert state_of(b"/a?").query == b""
    assert state_of(b"/a").query is None


def test_what_is_set_for_one_is_not_set_for_another() -> None:
    settings: tuple[object, ...] = (1,)
    one, two = (State(head_of(request()), peer(), settings) for _ in range(2))
    for _ in range(2):
        Set(0, 2).act(one)
    one.note(b"a", b"b")
    assert (one.settings, two.settings, two.notes, settings) == ((2,), (1,), {}, (1,))


def test_fields_are_joined_and_found_without_case() -> None:
    state = state_of(b"/", b"X-A: 1", b"x-a: 2", b"Cookie: a=1", b"COOKIE: b=2")
    for _ in range(2):
        assert state.field(b"x-a") == b"1, 2"
        assert state.field(b"cookie") == b"a=1, b=2"
        assert state.field(b"host") == b"hub.example:8000"
        assert state.field(b"x-none") == b""
        state.snapshot()
    assert state.lines == [(b"Host", b"hub.example:8000"), (b"X-A", b"1, 2"), (b"Cookie", b"a=1, b=2")]


def test_what_was_kept_is_this_requests_when_the_head_has_become_anothers() -> None:
    buffer, head = Buffer(), RequestHead()
    buffer.append(request(b"/mine?a", b"X-A: mine"))
    assert head.scan(buffer, Limits()) == FOUND
    state = State(head, peer(), ())
    state.snapshot()
    buffer.drop(buffer.size())
    buffer.append(request(b"/others", b"X-A: others", method=b"POST", host=b"other.example"))
    assert head.scan(buffer, Limits()) == FOUND
    assert (state.method, state.wanted, state.host, state.minor) == (b"GET", b"/mine?a", b"hub.example:8000", 1)
    assert state.field(b"x-a") == b"mine"
    state.snapshot()
    assert state.field(b"x-a") == b"mine"


def test_a_target_that_names_a_host_is_the_host() -> None:
    state = State(head_of(b"GET http://named.example/x HTTP/1.1\r\nHost: named.example\r\nA: b\r\n\r\n"), peer(), ())
    state.snapshot()
    assert state.field(b"host") == b"named.example"
    assert state.wanted == b"/x"


@pytest.mark.parametrize(
    ("host", "name"),
    [(b"h", b"h"), (b"h:80", b"h"), (b"[::1]", b"[::1]"), (b"[::1]:80", b"[::1]"), (b"192.0.2.1:8", b"192.0.2.1")],
)
def test_the_host_without_its_port(host: bytes, name: bytes) -> None:
    state = State(head_of(request(host=host)), peer(), ())
    assert state.hostname() == name


def test_lines_of_one_name_are_one() -> None:
    lines = [(b"A", b"1"), (b"B", b"2"), (b"a", b"3"), (b"A", b"")]
    assert combined(lines) == [(b"A", b"1, 3, "), (b"B", b"2")]
    assert combined([]) == []


@pytest.mark.parametrize(
    ("path", "known"),
    [
        (b"/../x", b"/x"),
        (b"/p/%2e%2e/%2e%2e/y%20", b"/y%20"),
        (b"/p/%zz", b"/p/%zz"),
        (b"/p/a%2Fb", b"/p/a/b"),
        (b"/p/%00x", b"/p/"),
        (b"*", b"*"),
    ],
)
def test_what_a_refused_path_is_known_by(path: bytes, known: bytes) -> None:
    assert refused(path, True) == known


@pytest.mark.parametrize(
    ("path", "made"), [(b"/a%2fb/%41//c", b"/a%2fb/A/c"), (b"/a/../%20", b"/%20"), (b"/../a", b""), (b"/%z", b""), (b"*", b"")]
)
def test_paths_that_stay_encoded(path: bytes, made: bytes) -> None:
    assert state.normalized(path, True) == made
