"""Escapes and classes."""

from __future__ import annotations

import pytest

from perijove.config.apache.regex_class import Invalid, Reader, Untranslatable, read_class
from perijove.config.apache.regex_tree import ALL, DIGIT, LOWER, UPPER, mask, span


def octets(written: str, nocase: bool = False, blanks: bool = False) -> int:
    """Read a class that begins behind `[`."""
    reader = Reader(written)
    found = read_class(reader, nocase, blanks)
    assert reader.position == len(written)
    return found


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("abc]", mask(b"abc")),
        ("a-c]", mask(b"abc")),
        ("^a]", ALL & ~mask(b"a")),
        ("]]", mask(b"]")),
        ("^]]", ALL & ~mask(b"]")),
        ("^^]", ALL & ~mask(b"^")),
        ("-a]", mask(b"-a")),
        ("a-]", mask(b"-a")),
        ("a-c-e]", mask(b"abc-e")),
        ("+--]", mask(b"+,-")),
        ("[:digit:]]", DIGIT),
        ("[:digit:]-]", DIGIT | mask(b"-")),
        ("[:^digit:]]", ALL & ~DIGIT),
        ("[:x]", mask(b"[:x")),
        ("\\]\\\\]", mask(b"]\\")),
        ("\\Q^]\\E]", mask(b"^]")),
        ("\\E^a]", ALL & ~mask(b"a")),
        ("a\\E-\\Ec]", mask(b"abc")),
        ("\\x41-\\103]", mask(b"ABC")),
        ("\\b\\g\\8]", mask(b"\x08g8")),
        ("\\D]", ALL & ~DIGIT),
    ],
)
def test_class(written: str, wanted: int) -> None:
    """Has these octets."""
    assert octets(written) == wanted


def test_case() -> None:
    """Letters and ranges have both cases; sets with names only if they are of one case."""
    assert octets("a-b]", nocase=True) == mask(b"aAbB")
    assert octets("[:lower:]]", nocase=True) == LOWER | UPPER
    assert octets("[:^lower:]]", nocase=True) == ALL & ~(LOWER | UPPER)


def test_blanks() -> None:
    """Do not count where that is set."""
    assert octets(" ^ a\tb ]", blanks=True) == ALL & ~mask(b"ab")


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("a", "missing terminating"),
        ("]", "missing terminating"),
        ("b-a]", "out of order"),
        ("a-\\d]", "invalid range"),
        ("\\d-a]", "invalid range"),
        ("a-[:digit:]]", "invalid range"),
        ("[:digit:]-a]", "invalid range"),
        ("[:no:]]", "unknown POSIX"),
        ("[=a=]]", "collating"),
        ("\\B]", "invalid in character class"),
        ("\\N]", r"\\N is not supported"),
        ("\\y]", "unrecognized"),
        ("\\400]", "octal"),
    ],
)
def test_refused(written: str, reason: str) -> None:
    """What PCRE2 refuses."""
    with pytest.raises(Invalid, match=reason):
        octets(written)


def test_properties() -> None:
    """Are refused by us."""
    with pytest.raises(Untranslatable, match="properties"):
        octets("\\pL]")


@pytest.mark.parametrize(
    ("written", "wanted"),
    [("n", 10), ("x4", 4), ("x{041}", 0x41), ("o{101}", 0x41), ("ca", 1), ("c?", 0x7F), ("/", 47), ("d", None), ("1", None)],
)
def test_number(written: str, wanted: int | None) -> None:
    """What stands for one octet."""
    assert Reader(written).number() == wanted


def test_posix_end() -> None:
    """A `[:` without its end is none."""
    assert Reader("[:a:]").posix_end(1) == 3
    assert Reader("[:a]:]").posix_end(1) == -1
    assert span(0, 1) == 3
