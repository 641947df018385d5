"""Patterns, as they are searched for in what a request has.

Knows who runs which pattern: `re`, or `machine` if `re` must not. Must not know where a pattern came from, nor why it is
guarded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, cast

from perijove.engine.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable


class Match(Protocol):
    """What was found: `re.Match`, as far as it is used."""

    def group(self, number: int = 0, /) -> bytes | None:
        """Return what a group has; None if it took no part."""

    def start(self, number: int = 0, /) -> int:
        """Return where a group begins; -1 if it took no part."""

    def end(self, number: int = 0, /) -> int:
        """Return where a group ends; -1 if it took no part."""

    def span(self, number: int = 0, /) -> tuple[int, int]:
        """Return where a group begins and ends."""


class Pattern:
    """A regular expression that is ready to be searched for."""

    __slots__ = ("groups", "guarded", "machine", "pattern", "search")

    #: Finds the first, or nothing. It is the runner's own: nothing stands between a request and `re`.
    search: Callable[[bytes], Match | None]

    def __init__(self, pattern: bytes, guarded: bool = False) -> None:
        """Make it ready.

        Args:
            pattern: in the spelling of Python's `re`; if it is guarded, as far as `pattern_code` knows that.
            guarded: whether it must be run by `machine`.
        """
        self.pattern = pattern
        self.guarded = guarded
        self.machine: Machine | None = None
        if guarded:
            self.machine = Machine(pattern)
            self.groups = self.machine.groups
            self.search = self.machine.search
        else:
            made = re.compile(pattern)
            self.groups = made.groups
            self.search = cast("Callable[[bytes], Match | None]", made.search)
