"""Lines of files while they are read: each becomes a node, unless it is carried out.

Knows lines and words, and that macros bring lines of their own. Must not know what directives mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perijove.config.apache.directive import Word
from perijove.config.apache.words import word

if TYPE_CHECKING:
    from perijove.config.apache.document import Document
    from perijove.config.apache.words import Logical
    from perijove.text.source import Span


@dataclass(slots=True)
class Node:
    """A directive or a section that is left when all files were read: `at` is where its arguments begin in its line."""

    name: str
    line: Logical
    at: int
    via: tuple[Span, ...]
    children: list[Node] = field(default_factory=list)

    @property
    def args(self) -> str:
        """What follows the name; for a section without arguments, its bracket."""
        return self.line.text[self.at :] or (">" if self.name.startswith("<") else "")


class Lines:
    """The lines of a file, with those of macros in place of their uses."""

    def __init__(self, document: Document, via: tuple[Span, ...]) -> None:
        self._stack = [(iter([one.logical for one in document.lines]), via, "")]
        self.via = via
        self.using: frozenset[str] = frozenset()
        # Sections that a closing line was meant for, but stands too deep: their end is not missed again.
        self.strays: set[str] = set()

    def next(self) -> Logical | None:
        """Return the next line; None at the end of the file."""
        while self._stack:
            lines, via, _ = self._stack[-1]
            line = next(lines, None)
            if line is not None:
                self.via = via
                return line
            self._stack.pop()
            self.using = frozenset(name for _, _, name in self._stack if name)
        return None

    def push(self, lines: list[Logical], via: tuple[Span, ...], name: str) -> None:
        """Let the lines of a macro come next."""
        self._stack.append((iter(lines), via, name))
        self.using |= {name}


def words_of(line: Logical, at: int, end: int) -> tuple[Word, ...]:
    """Cut a part of a line into words."""
    words = []
    text = line.text[:end]
    while at < end:
        said, begin, stop, at = word(text, at)
        if begin < end:
            words.append(Word(said, line.span(begin, stop)))
    return tuple(words)
