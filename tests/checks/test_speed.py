"""What is done grows as the configuration does. Calls are counted, not seconds: those are another machine's every time."""

import gc
import sys
from collections.abc import Callable
from types import FrameType

import pytest
from tests.checks import speed

from perijove.checks.opened import of_source
from perijove.checks.run import check
from perijove.text.source import Source


def calls(text: str) -> int:
    """Return how many functions are called for the checks of a text, C's included."""
    count = 0

    def note(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    gc.collect()
    sys.setprofile(note)
    try:
        check(of_source(Source("hub.conf", text)))
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("shape", speed.SHAPES.values(), ids=speed.SHAPES)
def test_four_times_as_many_lines_take_four_times_as_much(shape: Callable[[int], str]) -> None:
    check(of_source(Source("hub.conf", shape(64))))  # what is loaded and remembered once
    few, many = calls(shape(640)), calls(shape(2560))
    assert many < 4.6 * few, (few, many)
