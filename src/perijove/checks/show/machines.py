"""A report for machines: JSON, SARIF 2.1.0, and the annotations of GitHub's workflows.

Knows reports, and these formats.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import perijove
from perijove.checks.catalogue import checks
from perijove.checks.checklist import marked
from perijove.checks.logs.reference import families, page
from perijove.text.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.checks.run import Report
    from perijove.text.diagnostic import Diagnostic

_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}  # SARIF 2.1.0 §3.27.10
_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "notice"}


def as_json(reports: Sequence[Report]) -> str:
    """Return all findings, the most important of each file first, and the checklists."""
    found = {
        "diagnostics": [one.as_json() for report in reports for one in report.diagnostics],
        "checklists": [
            {
                "path": report.subject.source.name,
                "boxes": [{"text": one.text, "ticked": one.mark, "because": one.because or None} for one in marked(report)],
            }
            for report in reports
            if not report.subject.nothing
        ],
    }
    logs = {one.name: one for report in reports for one in report.logs}
    if logs:
        found["logs"] = [
            {"path": one.name, "kind": one.kind, "lines": one.lines, "explained": one.explained, "unknown": one.unknown}
            for one in logs.values()
        ]
    return json.dumps(found, indent=2)


def as_sarif(reports: Sequence[Report]) -> str:
    """Return SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0)."""
    all_of_them = [one for report in reports for one in report.diagnostics]
    pages = {name: one.page for name, one in checks().items()} | {name: page(one) for name, one in families().items()}
    rules = [
        {
            "id": name,
            "fullDescription": {"text": pages.get(name, name)},
            "shortDescription": {"text": _title(pages.get(name, name))},
        }
        for name in sorted({one.name for one in all_of_them})
    ]
    driver = {"name": "perijove", "version": perijove.__version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [_result(one) for one in all_of_them]}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def as_annotations(reports: Sequence[Report]) -> str:
    """Return commands of a GitHub workflow, one a line (docs.github.com, "Workflow commands")."""
    lines = []
    for one in (one for report in reports for one in report.diagnostics):
        place = f"file={_property(one.where.source.name)},line={one.where.line},col={one.where.column}," if one.where else ""
        said = "\n".join(part for part in (one.message, *map(str, one.evidence), one.sees, one.help) if part)
        lines.append(f"::{_COMMANDS[one.severity]} {place}title={_property(one.name)}::{_data(said)}")
    return "\n".join(lines)


def _title(page: str) -> str:
    return page.partition("\n")[0]


def _result(one: Diagnostic) -> dict[str, object]:
    said = " ".join(part for part in (one.message, one.sees and f"Seen: {one.sees}", one.help and f"Help: {one.help}") if part)
    found: dict[str, object] = {"ruleId": one.name, "level": _LEVELS[one.severity], "message": {"text": said}}
    if one.where is not None:
        region = {"startLine": one.where.line, "startColumn": one.where.column, "endColumn": one.where.column + one.where.size}
        found["locations"] = [{"physicalLocation": {"artifactLocation": {"uri": one.where.source.name}, "region": region}}]
    if one.evidence:
        found["relatedLocations"] = [
            {
                "physicalLocation": {"artifactLocation": {"uri": each.path}, "region": {"startLine": each.line}},
                "message": {"text": f"{each}: {each.text}"},
            }
            for each in one.evidence
        ]
    return found


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
