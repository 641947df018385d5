"""A line of the log as octets, and which URLs are looked at more closely."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perijove.engine.line import ALL, combined, may_hide, shortened
from perijove.engine.mask import NAMES, masked

SECRET = frozenset(name.encode() for name in NAMES)


def test_combined() -> None:
    made = combined(b"192.0.2.7", b"now", b"GET", b"/a?b", 1, 200, 1234567890123, b"http://x/", b"Mozilla", ALL)
    assert made == b'192.0.2.7 - - [now] "GET /a?b HTTP/1.1" 200 1234567890123 "http://x/" "Mozilla"\n'


def test_what_is_not_there() -> None:
    assert combined(b"::1", b"now", b"", b"", 1, 400, 0, b"", b"", ALL) == b'::1 - - [now] "-" 400 0 "-" "-"\n'


def test_what_would_break_a_line_is_escaped_and_shortened() -> None:
    made = combined(b"a", b"now", b"GE\xff", b'/"\\', 0, 200, 0, b"\n" * 9, b"\x7f~ ", 4)
    assert made == rb'a - - [now] "GE\xff /\x22\x5c HTTP/1.0" 200 0 "\x0a\x0a\x0a\x0a..." "\x7f~ "' + b"\n"


def test_shortened() -> None:
    assert (shortened(b"abc", 3), shortened(b"abcd", 3), shortened(b"", 0)) == (b"abc", b"abc...", b"")


@pytest.mark.parametrize(
    ("url", "may"),
    [
        (b"/a/b?c=d&e=f", False),
        (b"/a?tokens=1&xcode=2&code", False),
        (b"/token=1", False),
        (b"/a?TOKEN=1", True),
        (b"/a?b&;code=1", True),
        (b"/a#x-amz-signature=1", True),
        (b"/a?access_token=", True),
        (b"/a%20b", True),
        (b"/hub/api/authorizations/token/abc", True),
        (b"/authorizations", False),
        (b"/a?=1&=", False),
        (b"", False),
    ],
)
def test_which_urls_may_hide_something(url: bytes, may: bool) -> None:
    assert may_hide(url, SECRET) is may


pieces = st.sampled_from(
    [b"?", b"&", b";", b"#", b"=", b"%", b"%3f", b"/authorizations/", b"/", b"token/", b"x", b"Token", b"code", b"_xsrf"]
)


@given(st.lists(pieces, max_size=12).map(b"".join))
def test_no_secret_is_in_a_url_that_hides_nothing(url: bytes) -> None:
    if not may_hide(url, SECRET):
        assert masked(url) == url
