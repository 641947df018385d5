"""A text that somebody wrote, and places in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Source:
    """A text and where it came from: a file's name as it was given, or `<options>`, `<stdin>`."""

    name: str
    text: str

    def line(self, number: int) -> str:
        """Return a line, counted from 1, without its end; empty if there is none."""
        lines = _lines(self.text)
        return lines[number - 1].removesuffix("\r") if 0 < number <= len(lines) else ""

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column of a character, both counted from 1."""
        return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)

    def offset(self, line: int, column: int = 1) -> int:
        """Return where a line and column is; of a line that is not there, where the text ends."""
        starts = _starts(self.text)
        if line > len(starts):
            return len(self.text)
        return min(starts[max(0, line - 1)] + column - 1, len(self.text))


class Span(NamedTuple):
    """A place in a source: line and column, both counted from 1, and how many characters it covers."""

    source: Source
    line: int
    column: int = 1
    size: int = 1

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"


@lru_cache(maxsize=16)
def _lines(text: str) -> tuple[str, ...]:
    """Cut a text into lines, once for all that is told of it."""
    # Not splitlines(): it ends a line at a form feed as well, and no dialect counts so.
    return tuple(text.split("\n"))


@lru_cache(maxsize=16)
def _starts(text: str) -> tuple[int, ...]:
    """Return where the lines of a text begin."""
    return tuple(accumulate((len(line) + 1 for line in _lines(text)[:-1]), initial=0))
