from __future__ import annotations

import re
import time

import pytest

from perijove.config.apache.glob import pattern_of

# What httpd says of more of them is in expressions.json.


def matches(glob: bytes, text: bytes, **how: bool) -> bool:
    return re.search(pattern_of(glob, **how), text) is not None


@pytest.mark.parametrize(
    ("glob", "text", "found"),
    [
        (b"*", b"", True),
        (b"a*b*c", b"axbxbxc", True),
        (b"a*b*c", b"axbxbx", False),
        (b"*ab", b"aab", True),
        (b"[a-c]", b"b", True),
        (b"[!a-c]", b"b", False),
        (b"a\\*", b"a*", True),
        (b"a\\*", b"ab", False),
        (b"[a", b"[a", True),
        (b"a.b", b"axb", False),
        (b"\xc3\xa9", b"\xc3\xa9", True),
        (b"a\n*", b"a\nb\nc", True),
    ],
)
def test_globs(glob: bytes, text: bytes, found: bool) -> None:
    assert matches(glob, text) is found


@pytest.mark.parametrize(
    ("glob", "text", "found"),
    [
        (b"/*/b", b"/a/b", True),
        (b"/*", b"/a/b", False),
        (b"*a*/c", b"xay/c", True),
        (b"?", b"/", False),
        (b"[!a]", b"/", False),
    ],
)
def test_slashes_are_matched_by_slashes(glob: bytes, text: bytes, found: bool) -> None:
    assert matches(glob, text, pathname=True) is found


def test_case_may_not_count() -> None:
    assert matches(b"A[B]*", b"abC", nocase=True)


def test_many_stars_are_no_attack() -> None:
    begun = time.monotonic()
    assert not matches(b"*a" * 25 + b"b", b"a" * 4000)
    assert time.monotonic() - begun < 1
