"""The one form in which faults and advice are told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perijove.text.source import Span


class Severity(Enum):
    """How bad it is."""

    ERROR = "error"  # the configuration is not used
    WARNING = "warning"  # it is, and somebody will be surprised
    ADVICE = "advice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """Something to tell: `name` names the fault in a few words with hyphens, `help` says what to type instead."""

    name: str
    severity: Severity
    message: str
    where: Span | None = None
    help: str = ""

    def as_json(self) -> dict[str, object]:
        """Return what machines read."""
        return {
            "name": self.name,
            "severity": self.severity.value,
            "message": self.message,
            "path": self.where.source.name if self.where else None,
            "line": self.where.line if self.where else None,
            "column": self.where.column if self.where else None,
            "help": self.help or None,
        }


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether one of them forbids the use of the configuration."""
    return any(one.severity is Severity.ERROR for one in diagnostics)


def render(diagnostic: Diagnostic, *, colour: bool = False) -> str:
    """Return it for a terminal: the message, the place with its line, and the help."""
    paint = _PAINT if colour else _PLAIN
    head = f"{paint[diagnostic.severity]}{diagnostic.severity.value}{paint['end']}: {diagnostic.message}"
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
            lines.append(f" {where.line} | {text}")
            lines.append(f" {margin} | {indent}{paint[diagnostic.severity]}{caret}{paint['end']}")
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
