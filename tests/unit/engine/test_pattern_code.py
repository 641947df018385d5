"""From the spelling of guarded patterns to instructions."""

from __future__ import annotations

import pytest

from perijove.engine import pattern_code as code
from perijove.engine.pattern_code import Code


def ops(spelling: bytes) -> list[int]:
    """Return the instructions without operands."""
    return list(Code(spelling).ops)


@pytest.mark.parametrize(
    ("spelling", "wanted"),
    [
        (b"", []),
        (b"(?s)ab", [code.OCTET, code.OCTET]),
        (b"a|b", [code.SPLIT, code.OCTET, code.JUMP, code.OCTET]),
        (b"a+", [code.OCTET, code.SPLIT]),
        (b"a*", [code.SPLIT, code.OCTET, code.SPLIT]),
        (b"a{2,}", [code.OCTET, code.OCTET, code.SPLIT]),
        (b"a{1,3}", [code.OCTET, code.SPLIT, code.OCTET, code.SPLIT, code.OCTET]),
        (b"a{0}", []),
        (b"(?:a?)*", [code.SPLIT, code.ENTER, code.SPLIT, code.OCTET, code.AGAIN]),
        (b"(?:a?)*?", [code.SPLIT, code.ENTER, code.SPLIT, code.OCTET, code.AGAIN_LAZY]),
        (b"(a)", [code.OPEN, code.OCTET, code.CLOSE]),
        (b"a++", [code.MARK, code.OCTET, code.SPLIT, code.CUT]),
        (b"(?>a)", [code.MARK, code.OCTET, code.CUT]),
        (b"(?=a)", [code.MARK, code.OCTET, code.RETURN]),
        (b"(?!a)", [code.NOT, code.OCTET, code.FAIL_TO]),
        (b"(?<=ab)", [code.MARK, code.STEP_BACK, code.OCTET, code.OCTET, code.RETURN]),
        (rb"\A\Z\b\K", [code.START, code.END, code.BOUNDARY, code.KEEP]),
        (rb"(a)(?:\1)(?i:\1)", [code.OPEN, code.OCTET, code.CLOSE, code.BACK, code.BACK_NOCASE]),
    ],
)
def test_instructions(spelling: bytes, wanted: list[int]) -> None:
    """Are these."""
    assert ops(spelling) == [*wanted, code.FOUND]


@pytest.mark.parametrize(
    ("spelling", "octets"),
    [
        (rb"[a-c]", b"abc"), (rb"[\x00-\x02\]]", b"\0\1\2]"), (rb"\x0a", b"\n"), (rb"\n", b"\n"), (rb"\.", b"."), (rb"[\-a]", b"-a"),
        (rb"[^\x00-\x60\x62-\xff]", b"a"), (b".", bytes(range(256))), (rb"[^\x00-\xff]", b""),
    ],
)  # fmt: skip
def test_sets(spelling: bytes, octets: bytes) -> None:
    """Have these octets."""
    assert bytes(octet for octet in range(256) if Code(spelling).sets[octet]) == octets


def test_groups() -> None:
    """Are counted, or say their number."""
    assert Code(b"(a)(b)").groups == 2
    made = Code(b"(?P<g1>a)|(?P<g1>b)")
    assert made.groups == 1
    assert [x for op, x in zip(made.ops, made.x, strict=True) if op == code.OPEN] == [1, 1]


@pytest.mark.parametrize(
    ("spelling", "anchored", "first"),
    [
        (rb"\Aa", True, b"a"), (b"ab", False, b"a"), (b"a?b", False, b"ab"), (b"(?:a|b)c", False, b"ab"), (b"a?", False, None),
        (rb"\A(?:\Aa|\Ab)", True, b"ab"), (rb"\bab", False, b"a"), (rb"(?=x)a", False, b"a"), (b"a{2,}", False, b"a"),
    ],
)  # fmt: skip
def test_where_to_search(spelling: bytes, anchored: bool, first: bytes | None) -> None:
    """At the start only, or where one of some octets is."""
    made = Code(spelling)
    assert made.anchored is anchored
    assert (None if made.first is None else bytes(octet for octet in range(256) if made.first[octet])) == first


def test_what_is_remembered() -> None:
    """Nothing with references, nor in what is looked for; twice as much in a loop whose rounds may be nothing."""
    assert Code(b"a*b*").rows == 4
    assert Code(b"(?=a*)b*").rows == 2
    assert Code(rb"(a*)(?:\1)").rows == 0
    assert Code(b"(?:a?)*").rows == 4


@pytest.mark.parametrize("spelling", [b"(", b"a)", b"[a", b"*", b"(?#a)", rb"\d", b"(?P<n>a)"])
def test_refused(spelling: bytes) -> None:
    """What is not of the spelling."""
    with pytest.raises(ValueError, match="not understood"):
        Code(spelling)


def test_too_many_instructions() -> None:
    """Repeats that would become too many are refused."""
    with pytest.raises(ValueError, match="too often"):
        Code(b"(?:a{200}){200}")
