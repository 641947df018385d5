"""What is done grows as the configuration does. Calls are counted, not seconds: those are another machine's every time."""

import gc
import sys
from collections.abc import Callable
from types import FrameType

import pytest
from tests.checks import hostile, speed

from perijove.checks.opened import of_source
from perijove.checks.run import check
from perijove.config.apache import load
from perijove.text.source import Source


def calls(do: Callable[[Source], object], text: str) -> int:
    """Return how many functions are called for a text, C's included."""
    count = 0

    def note(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    gc.collect()
    sys.setprofile(note)
    try:
        do(Source("hub.conf", text))
    finally:
        sys.setprofile(None)
    return count


def checked(source: Source) -> None:
    check(of_source(source))


@pytest.mark.parametrize("shape", speed.SHAPES.values(), ids=speed.SHAPES)
def test_four_times_as_many_lines_take_four_times_as_much(shape: Callable[[int], str]) -> None:
    checked(Source("hub.conf", shape(64)))  # what is loaded and remembered once
    few, many = calls(checked, shape(640)), calls(checked, shape(2560))
    assert many < 4.6 * few, (few, many)


@pytest.mark.parametrize("shape", hostile.SHAPES.values(), ids=hostile.SHAPES)
def test_what_nobody_means_well_with_is_read_in_proportion(shape: Callable[[int], str]) -> None:
    load(Source("hub.conf", shape(256)))
    few, many = calls(load, shape(1024)), calls(load, shape(4096))
    assert many < 4.8 * few + 500, (few, many)
