"""Functions of octets, as httpd's and APR's have them."""

from pathlib import Path

import pytest

from perijove.engine.functions import FUNCTIONS


@pytest.mark.parametrize(
    ("function", "given", "expected"),
    [
        ("lower", b"aB\xc4", b"ab\xc4"),
        ("upper", b"aB", b"AB"),
        ("escape", b"/a b?\r\n%", b"/a%20b%3f%0d%0a%25"),
        ("unescape", b"/a%20b%2F", b"/a b%2F"),
        ("unescape", b"/a%20b%zz%", b""),
        ("base64", b"a:b", b"YTpi"),
        ("unbase64", b"YTpi", b"a:b"),
        ("unbase64", b"YTp", b"a:"),
        ("unbase64", b"YTpi?", b"a:b"),
        ("md5", b"", b"d41d8cd98f00b204e9800998ecf8427e"),
        ("sha1", b"", b"da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ],
)
def test_functions(function: str, given: bytes, expected: bytes) -> None:
    assert FUNCTIONS[function](given) == expected


def test_files_in_texts(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"word")
    (tmp_path / "large").write_bytes(b"x" * 65537)
    path = bytes(tmp_path)
    call = FUNCTIONS
    assert call["content"](path + b"/a.txt") == b"word"
    for nothing in (b"/none", b"/large", b"", b"/a\0b"):
        assert call["content"](path + nothing) == b""
    assert (call["size"](path + b"/a.txt"), call["size"](path + b"/none")) == (b"4", b"0")
    assert call["changed"](path + b"/none") == b"0"
    assert int(call["changed"](path + b"/a.txt")) > 1_000_000


def test_a_path_as_far_as_the_disk_has_it(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/f").write_bytes(b"")
    path = bytes(tmp_path)
    for rest, found in [(b"/d", b"/d"), (b"/d/", b"/d/"), (b"/d/f", b"/d/f"), (b"/d/f/x/y", b"/d/f"), (b"/n/x/y", b"/n")]:
        assert FUNCTIONS["found"](path + rest) == path + found
        assert FUNCTIONS["behind"](path + rest) == rest[len(found) :]
    assert FUNCTIONS["found"](b"proxy:http://a/b/c") == b"proxy:http://a/b/c"


def test_filters_of_a_directory_are_escaped() -> None:
    assert FUNCTIONS["ldap"](b"a=(b*)\\\xe9") == b"a=\\28b\\2a\\29\\5c\\e9"
