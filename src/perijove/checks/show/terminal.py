"""A report for people: what was found, as compilers say it, and the checklist.

Knows reports and the checklist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.checks.checklist import marked
from perijove.text.diagnostic import Confidence, Severity, render

if TYPE_CHECKING:
    from perijove.checks.logs.reading import Log
    from perijove.checks.run import Report
    from perijove.text.diagnostic import Diagnostic

_MARKS: Final = {True: "[x]", False: "[!]", None: "[?]"}


def text(report: Report, *, colour: bool = False) -> str:
    """Return it."""
    parts = [_one(one, colour) + "\n" for one in report.diagnostics]
    lines = [f"Checklist of {report.subject.source.name}:"]
    for one in marked(report):
        why = f" – could not be told, because {one.because}" if one.mark is None else f" – {one.because}" if one.because else ""
        lines.append(f"  {_MARKS[one.mark]} {one.text}{why}")
    if report.subject.nothing or report.subject.foreign:
        lines = []
    if report.logs:
        lines += (
            ["", "Logs:", *(f"  {_log(one)}" for one in report.logs)]
            if lines
            else ["Logs:", *(f"  {_log(one)}" for one in report.logs)]
        )
    return "\n".join([*parts, *([*lines, ""] if lines else []), _count(report)]) + "\n"


def _log(one: Log) -> str:
    said = f"{one.name}: {one.kind}, {_lines(one.lines)}, {one.explained:,} explained"
    if one.unknown:
        said += f", {one.unknown:,} of which nothing is known (the first is line {one.unknown_line})"
    return said


def _lines(number: int) -> str:
    return "1 line" if number == 1 else f"{number:,} lines"


def _one(one: Diagnostic, colour: bool) -> str:
    shown = render(one, colour=colour)
    if one.confidence is not Confidence.HIGH:
        shown += f"\n  = note: confidence is {one.confidence.value}"
    if one.fix is not None:
        shown += f"\n  = fix: `--fix`{'' if one.fix.safe else ' with `--unsafe-fixes`'} would {one.fix.what}"
    return shown


def _count(report: Report) -> str:
    counts = [(kind, sum(one.severity is kind for one in report.diagnostics)) for kind in Severity]
    words = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "piece of advice"}
    plural = {Severity.ADVICE: "pieces of advice"}
    said = [f"{n} {words[kind] if n == 1 else plural.get(kind, words[kind] + 's')}" for kind, n in counts if n]
    return ", ".join(said) if said else "nothing found"
