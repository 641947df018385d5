"""Trees, and what is known of them."""

from __future__ import annotations

import pytest

from perijove.config.apache.regex_parser import parse
from perijove.config.apache.regex_tree import LOWER, UPPER, anchored, children, folded, mask, nullable, width


def test_sets() -> None:
    """Bit n is octet n; only ASCII has cases."""
    assert mask(b"\x00\x02") == 5
    assert folded(LOWER) == folded(UPPER) == LOWER | UPPER
    assert folded(mask(b"@[`{\xe4")) == mask(b"@[`{\xe4")


@pytest.mark.parametrize(
    ("written", "wanted"),
    [("a", False), ("a?", True), ("a|b*", True), ("ab?", False), ("(a{0})", True), ("^", True), ("(?>a)", False)],
)
def test_nullable(written: str, wanted: bool) -> None:
    """What can be found in nothing."""
    assert nullable(parse(written, False).tree) is wanted


@pytest.mark.parametrize(
    ("written", "wanted"),
    [("ab", 2), ("a|b", 1), ("a|bc", None), ("(a){3}", 3), ("a?", None), ("^(?=abc)", 0), (r"(a)\1", None)],
)
def test_width(written: str, wanted: int | None) -> None:
    """How many octets are taken."""
    assert width(parse(written, False).tree) == wanted


@pytest.mark.parametrize(
    ("written", "wanted"), [("^a", True), ("a^", False), ("^a|b", False), ("(^a|^b)", True), ("(?=a)^", True), ("(^)?a", False)]
)
def test_anchored(written: str, wanted: bool) -> None:
    """What is found at the start only."""
    assert anchored(parse(written, False).tree) is wanted


def test_children() -> None:
    """What a node is made of."""
    tree = parse("a(b|c)*", False).tree
    assert len(children(tree)) == 2
    assert children(children(tree)[0]) == ()
