"""All checks: whatever file there is in `faults`, so that none can be forgotten in a list.

Knows what a check consists of. Must not know what any of them looks for.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from perijove.checks import faults
from perijove.text.diagnostic import Confidence, Diagnostic, Fix, Severity
from perijove.text.source import Span

if TYPE_CHECKING:
    from perijove.checks.subject import Subject


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check finds; what it leaves out is the check's own."""

    message: str
    where: Span | None
    sees: str = ""
    help: str = ""
    fix: Fix | None = None
    severity: Severity | None = None
    confidence: Confidence | None = None
    only_seen: bool = False  # few are hurt by it: it is told where a log shows that somebody is


@dataclass(frozen=True, slots=True)
class Check:
    """A check: `page` is its documentation, in Markdown, the first line its title.

    `stops`: 0, Apache's start; 1, every page; 2, less than that. `explains` are the names of what a dialect says of the same line, which the check says better.
    """

    name: str
    severity: Severity
    confidence: Confidence
    page: str
    find: Callable[[Subject], Iterator[Finding]]
    explains: frozenset[str]
    stops: int

    def run(self, subject: Subject) -> Iterator[tuple[Diagnostic, bool]]:
        """Yield what it finds, and whether that is told only where a log shows it."""
        for one in self.find(subject):
            yield (
                Diagnostic(
                    name=self.name,
                    severity=one.severity or self.severity,
                    confidence=one.confidence or self.confidence,
                    message=one.message,
                    where=one.where,
                    sees=one.sees,
                    help=one.help,
                    fix=one.fix,
                ),
                one.only_seen,
            )


@cache
def checks() -> Mapping[str, Check]:
    """Return all checks, by name."""
    found: dict[str, Check] = {}
    for info in sorted(pkgutil.iter_modules(faults.__path__), key=lambda one: one.name):
        module = importlib.import_module(f"{faults.__name__}.{info.name}")
        name = info.name.replace("_", "-")
        explains = frozenset((name, *getattr(module, "EXPLAINS", ())))
        confidence = getattr(module, "CONFIDENCE", Confidence.HIGH)
        page, stops = (module.__doc__ or "").strip(), getattr(module, "STOPS", 2)
        found[name] = Check(name, module.SEVERITY, confidence, page, module.find, explains, stops)
    return found
