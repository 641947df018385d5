"""Comments that say a finding is meant: `# perijove: ignore[name, …] reason`, in a line above what it is about.

Above a section it is for all of the section. One without a reason is not heeded. Knows comments, in any dialect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perijove.text.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from perijove.text.diagnostic import Diagnostic
    from perijove.text.source import Source

_comment: Final = re.compile(r"[ \t]*#[ \t]*perijove:[ \t]*ignore\[([^\]]*)\][ \t]*(.*?)[ \t\r]*\Z").match
_opens: Final = re.compile(r"[ \t]*<([A-Za-z]+)").match


@dataclass(frozen=True, slots=True)
class Ignore:
    """A comment: what it is about, and which lines it is for."""

    names: tuple[str, ...]
    reason: str
    span: Span
    first: int
    last: int

    def covers(self, one: Diagnostic) -> bool:
        """Tell whether a finding is meant to be."""
        where = one.where
        return (
            bool(self.reason)
            and where is not None
            and where.source.name == self.span.source.name
            and self.first <= where.line <= self.last
            and one.name in self.names
        )


def comments(source: Source) -> Iterator[Ignore]:
    """Yield the comments of a text."""
    if "perijove:" not in source.text:
        return
    lines = [one.removesuffix("\r") for one in source.text.split("\n")]
    for number, line in enumerate(lines, 1):
        said = _comment(line)
        if not said:
            continue
        names = tuple(name.strip() for name in said[1].split(",") if name.strip())
        first = next(
            (at for at in range(number, len(lines)) if not lines[at].lstrip().startswith("#") and lines[at].strip()), number
        )
        start = len(line) - len(line.lstrip())
        span = Span(source, number, start + 1, len(line.strip()))
        yield Ignore(names, said[2], span, first + 1, _end(lines, first) + 1)


def _end(lines: list[str], first: int) -> int:
    """Return the last line of what begins in a line: of a section, its end."""
    opened = _opens(lines[first]) if first < len(lines) else None
    if opened is None:
        return first
    name = opened[1].lower()
    depth = 0
    for at in range(first, len(lines)):
        low = lines[at].strip().lower()
        depth += bool(re.match(rf"<{name}\b", low)) - low.startswith(f"</{name}")
        if not depth:
            return at
    return len(lines)


def apply(found: Iterable[Diagnostic], sources: Iterable[Source]) -> list[Diagnostic]:
    """Return what is left of the findings."""
    known = [one for source in sources for one in comments(source)]
    return [one for one in found if not any(comment.covers(one) for comment in known)]
