"""The table of differences: nothing in it that is none, nothing in it that no test shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.contract.differences import DIFFERENCES

USED = {
    name
    for file in Path(__file__).parent.glob("test_*.py")
    for name in re.findall(r'expected\([^")]*"([a-z0-9-]+)"', file.read_text())
}


def test_each_is_shown() -> None:
    assert set(DIFFERENCES) == USED


def test_the_documentation_has_each() -> None:
    """What to paste: python -m tests.contract.differences."""
    text = (Path(__file__).parents[2] / "docs" / "reference" / "chp.md").read_text()
    assert [one.line() for one in DIFFERENCES.values() if one.line() not in text] == []


@pytest.mark.parametrize("name", DIFFERENCES)
def test_each_is_one(name: str) -> None:
    one = DIFFERENCES[name]
    assert one.chp != one.perijove
    assert len(one.why) > 10
