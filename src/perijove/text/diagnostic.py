"""The one form in which faults and advice are told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perijove.text.source import Source, Span


class Severity(Enum):
    """How bad it is."""

    ERROR = "error"  # the configuration is not used
    WARNING = "warning"  # it is, and somebody will be surprised
    ADVICE = "advice"


class Confidence(Enum):
    """How sure it is, whatever it costs."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Edit:
    """A part of a text that is replaced: from one character up to another, which stays."""

    source: Source
    start: int
    end: int
    text: str

    def as_json(self) -> dict[str, object]:
        """Return what machines read: lines and columns, counted from 1."""
        (line, column), (end_line, end_column) = self.source.position(self.start), self.source.position(self.end)
        return {
            "path": self.source.name,
            "line": line,
            "column": column,
            "end_line": end_line,
            "end_column": end_column,
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that belong together; `safe`: they change nothing but what is wrong."""

    what: str
    edits: tuple[Edit, ...]
    safe: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a log says of it: where first and last, how many times, and the first line's text."""

    path: str
    line: int
    last_line: int
    times: int
    first: str  # when, as the log has it; empty if it does not say
    last: str
    text: str

    def __str__(self) -> str:
        often = "once" if self.times == 1 else f"{self.times:,} times"
        when = f" ({self.first})" if self.first else ""
        if self.last_line == self.line:
            return f"seen {often} in {self.path}:{self.line}{when}"
        last = f" ({self.last})" if self.last else ""
        return f"seen {often} in {self.path}, first in line {self.line}{when}, last in line {self.last_line}{last}"

    def as_json(self) -> dict[str, object]:
        """Return what machines read."""
        return {
            "path": self.path,
            "line": self.line,
            "last_line": self.last_line,
            "times": self.times,
            "first": self.first or None,
            "last": self.last or None,
            "text": self.text,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """Something to tell: `name` names the fault in a few words with hyphens, `help` says what to type instead.

    `sees` is what those see who use what is served; `evidence` is what logs say of it.
    """

    name: str
    severity: Severity
    message: str
    where: Span | None = None
    help: str = ""
    confidence: Confidence = Confidence.HIGH
    sees: str = ""
    fix: Fix | None = None
    evidence: tuple[Evidence, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return what machines read."""
        return {
            "name": self.name,
            "severity": self.severity.value,
            "confidence": self.confidence.value,
            "message": self.message,
            "path": self.where.source.name if self.where else None,
            "line": self.where.line if self.where else None,
            "column": self.where.column if self.where else None,
            "sees": self.sees or None,
            "help": self.help or None,
            "fix": None
            if self.fix is None
            else {"what": self.fix.what, "safe": self.fix.safe, "edits": [one.as_json() for one in self.fix.edits]},
            **({"evidence": [one.as_json() for one in self.evidence]} if self.evidence else {}),
        }


def shown(text: str) -> str:
    """Return a text from somebody's file so that it changes nothing of a terminal, as wide as it is."""
    return text if text.isprintable() else "".join(c if c.isprintable() or c in "\t\n" else "\ufffd" for c in text)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether one of them forbids the use of the configuration."""
    return any(one.severity is Severity.ERROR for one in diagnostics)


def render(diagnostic: Diagnostic, *, colour: bool = False) -> str:
    """Return it for a terminal: the message, the place with its line, and the help."""
    paint = _PAINT if colour else _PLAIN
    head = f"{paint[diagnostic.severity]}{diagnostic.severity.value}{paint['end']}: {shown(diagnostic.message)}"
    lines = [f"{head} [{diagnostic.name}]"]
    where = diagnostic.where
    if where is not None:
        lines.append(f"  --> {where}")
        text = where.source.line(where.line)
        if text.strip():
            margin = " " * len(str(where.line))
            indent = "".join("\t" if c == "\t" else " " for c in text[: where.column - 1])
            caret = "^" * max(1, min(where.size, len(text) - where.column + 1))
            lines.append(f" {margin} |")
            lines.append(f" {where.line} | {shown(text)}")
            lines.append(f" {margin} | {indent}{paint[diagnostic.severity]}{caret}{paint['end']}")
    for one in diagnostic.evidence:
        lines.append(f"  = log: {one}")
        lines.append(f"         {shown(one.text)}")
    if diagnostic.sees:
        lines.append(f"  = seen: {diagnostic.sees}")
    if diagnostic.help:
        lines.append(f"  = help: {diagnostic.help}")
    return "\n".join(lines)


_PLAIN: dict[object, str] = {Severity.ERROR: "", Severity.WARNING: "", Severity.ADVICE: "", "end": ""}
_PAINT: dict[object, str] = {
    Severity.ERROR: "\x1b[1;31m",
    Severity.WARNING: "\x1b[1;33m",
    Severity.ADVICE: "\x1b[1;36m",
    "end": "\x1b[0m",
}
