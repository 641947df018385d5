"""What was written: every character of a file, as a tree of lines and sections.

Printing a document gives back its text. Knows lines, comments and sections. Must not know directives: whether a name exists,
what it takes and whether sections nest as they should is `reading`'s concern. Nothing is refused here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from perijove.config.apache.words import Logical, fold, logical, physical, word

if TYPE_CHECKING:
    from perijove.text.source import Source, Span


class Kind(Enum):
    """What a line is."""

    BLANK = "blank"
    COMMENT = "comment"
    DIRECTIVE = "directive"
    OPEN = "open"  # <Location /x>
    CLOSE = "close"  # </Location>


class Line(NamedTuple):
    """A line, with those that continue it: `raw` as written, `logical` as Apache takes it."""

    kind: Kind
    raw: str
    logical: Logical

    @property
    def span(self) -> Span:
        """Where it stands, without its indentation."""
        return self.logical.span()

    @property
    def name(self) -> str:
        """The first word without brackets, as it was written; empty for blank lines and comments."""
        if self.kind in (Kind.BLANK, Kind.COMMENT):
            return ""
        return word(self.logical.text, 0)[0].lstrip("<").removeprefix("/").rstrip(">")

    def __str__(self) -> str:
        return self.raw


@dataclass(frozen=True, slots=True)
class Block:
    """A section: the line that opens it, what stands in it, and the line that closes it, if there is one."""

    opening: Line
    children: tuple[Line | Block, ...]
    closing: Line | None

    def __str__(self) -> str:
        return _printed((self,))


@dataclass(frozen=True, slots=True)
class Document:
    """A file: its lines in order, and the same as a tree."""

    source: Source
    lines: tuple[Line, ...]
    nodes: tuple[Line | Block, ...]

    def __str__(self) -> str:
        return _printed(self.nodes)


def parse(source: Source) -> Document:
    """Cut a text into lines and sections. A line that closes a section which is not open stands as it is."""
    lines = tuple(Line(_kind(one.text), raw, one) for raw, one in _lines(source))
    levels: list[list[Line | Block]] = [[]]
    opened: list[Line] = []
    names: list[str] = []  # of those that are open
    depths: Counter[str] = Counter()  # how often each of them is
    for line in lines:
        if line.kind is Kind.OPEN:
            opened.append(line)
            levels.append([])
            names.append(fold(line.name))
            depths[names[-1]] += 1
        elif line.kind is Kind.CLOSE and depths[name := fold(line.name)]:
            while True:
                depths[names[-1]] -= 1
                ends = names.pop() == name
                _close(levels, opened, line if ends else None)
                if ends:
                    break
        else:
            levels[-1].append(line)
    while opened:
        _close(levels, opened, None)
    return Document(source, lines, tuple(levels[0]))


def _printed(nodes: tuple[Line | Block, ...]) -> str:
    """Return the text of nodes. Sections may nest deeper than Python may call."""
    parts: list[str] = []
    left: list[Line | Block] = list(reversed(nodes))
    while left:
        node = left.pop()
        if isinstance(node, Line):
            parts.append(node.raw)
            continue
        left += [node.closing] if node.closing else []
        left += reversed(node.children)
        left.append(node.opening)
    return "".join(parts)


def _lines(source: Source) -> list[tuple[str, Logical]]:
    return [(raw, logical(source, number, raw)) for number, raw in physical(source.text)]


def _close(levels: list[list[Line | Block]], opened: list[Line], closing: Line | None) -> None:
    children = tuple(levels.pop())
    levels[-1].append(Block(opened.pop(), children, closing))


def _kind(text: str) -> Kind:
    if not text:
        return Kind.BLANK
    if text[0] == "#":
        return Kind.COMMENT
    if text.startswith("</"):
        return Kind.CLOSE
    return Kind.OPEN if text[0] == "<" else Kind.DIRECTIVE
