"""A report for people: what was found, as compilers say it, and the checklist.

Knows reports and the checklist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.checks.checklist import marked
from perijove.text.diagnostic import Confidence, Severity, render

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perijove.checks.logs.reading import Log
    from perijove.checks.run import Report
    from perijove.text.diagnostic import Diagnostic

_MOST: Final = 12  # lines that are named
_MARKS: Final = {True: "[x]", False: "[!]", None: "[?]"}


def text(report: Report, *, colour: bool = False) -> str:
    """Return it."""
    parts = [_several(alike, colour) + "\n" for alike in _grouped(report.diagnostics)]
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


def _grouped(diagnostics: Iterable[Diagnostic]) -> list[list[Diagnostic]]:
    """Put what says the same of several lines of a file together, where the first of them is."""
    found: dict[object, list[Diagnostic]] = {}
    for number, one in enumerate(diagnostics):
        fix = None if one.fix is None else (one.fix.what, one.fix.safe)
        where = None if one.where is None else one.where.source.name
        alone = number if where is None or one.evidence else None
        found.setdefault((one.name, one.severity, one.message, one.sees, one.help, fix, where, alone), []).append(one)
    return list(found.values())


def _several(alike: list[Diagnostic], colour: bool) -> str:
    first, *others = alike
    shown = _one(first, colour)
    lines = dict.fromkeys(one.where.line for one in others if one.where is not None and first.where is not None)
    if first.where is not None:
        lines.pop(first.where.line, None)
    if lines:
        numbers = ", ".join(map(str, list(lines)[:_MOST]))
        more = f" and {len(lines) - _MOST:,} more" if len(lines) > _MOST else ""
        shown += f"\n  = also: the same in line{'s' if len(lines) > 1 else ''} {numbers}{more}"
    return shown


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
    if not said:
        return "nothing found"
    fixes = [one.fix for one in report.diagnostics if one.fix is not None]
    safe = sum(one.safe for one in fixes)
    lines = [", ".join(said)]
    if fixes:
        how = f"`--fix` mends {safe}" if safe else "`--fix --unsafe-fixes` mends " + str(len(fixes))
        how += f", with `--unsafe-fixes` {len(fixes)}" if 0 < safe < len(fixes) else ""
        lines.append(f"{how}; `--diff` shows it first")
    if any(one.severity is not Severity.ADVICE for one in report.diagnostics):
        lines.append("More of each: `perijove check --explain NAME`")
    return "\n".join(lines)
