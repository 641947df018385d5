"""Which patterns can take very long."""

from __future__ import annotations

import pytest

from perijove.config.apache.regex_cost import size, slow
from perijove.config.apache.regex_parser import parse

SLOW = [
    # exponential
    "^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^([a-z]+)*$", "(user/([^/]+)*)*$", "^(a|b|ab)*$", "^(.*a){20}$", "(x+x+)+y", r"^(\w+\s?)*$",
    "^([0-9]+)*,$", r"^(([a-z])+.)+[A-Z]([a-z])+$", "^(a?){30}a{30}$", "^" + "a?" * 30 + "a" * 30,
    # polynomial
    "a+$", r"\s+$", "^a*a*b", "^.*foo.*bar$", "foo.*bar", "^[^:]+:?[0-9]*$", "^(.*?,){11}P", "^.*.*x", "[a-z]{1,2000}x",
    # what is looked for ahead is run again and again
    "^(a(?=.*x))*b", "(?=.*x)b",
    # nobody knows
    r"(a+)\1b",
]  # fmt: skip
FAST = [
    "", "a", "^a+$", "^a+", "a+", "/(.*)", "^/(.*)/$", "^.*foo$", "^[^/]+/[^/]+/[^/]+$", "^(/[^/]+)*$", "^(ab*c)*$", "^(a|b)*$",
    "^(foo|bar|baz)+$", "^/user/([^/]+)/?(.*)$", "/[^/]*/x", "^(?!.*x)b", "^a{2,5}b", "[0-9]{8}-[0-9]{4}", "^([a-z]+,)*[a-z]+$",
    "(a|b|c)(a|b|d)", "^(?:(?:[0-9]+\\.)+[a-z]+)$",
]  # fmt: skip


@pytest.mark.parametrize("written", SLOW)
def test_slow(written: str) -> None:
    """Is seen to be slow."""
    assert slow(parse(written, False).tree)


@pytest.mark.parametrize("written", FAST)
def test_fast(written: str) -> None:
    """Is not called slow."""
    assert not slow(parse(written, False).tree)


def test_large() -> None:
    """What is too large to be looked at is taken for slow, at once."""
    assert slow(parse("|".join(f"word{number}x*y" for number in range(300)), False).tree)
    assert slow(parse("(" + "|".join("abcdefghijklmnopqrstuvwxyz" * 10) + ")*$", False).tree)


def test_size() -> None:
    """Repeats count as often as they may be."""
    assert size(parse("(a{10}){10}", False).tree) > 100
    assert size(parse("a*", False).tree) < 10
