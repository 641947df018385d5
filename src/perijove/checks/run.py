"""All checks of a subject, and what they found, the most important first.

Knows checks and findings. Must not know how they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perijove.checks import ignore
from perijove.checks.catalogue import checks
from perijove.checks.logs.tied import told
from perijove.text.diagnostic import Confidence, Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from perijove.checks.logs.reading import Log
    from perijove.checks.subject import Subject

_SEVERITIES: Final = list(Severity)
_CONFIDENCES: Final = list(Confidence)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, and of what."""

    subject: Subject
    diagnostics: tuple[Diagnostic, ...]
    logs: tuple[Log, ...] = ()

    @property
    def clean(self) -> bool:
        """Tell whether there is nothing but advice."""
        return all(one.severity is Severity.ADVICE for one in self.diagnostics)


def check(
    subject: Subject,
    *,
    select: Collection[str] = (),
    ignored: Collection[str] = (),
    logs: Sequence[Log] = (),
    untied: bool = True,
) -> Report:
    """Run the checks.

    Args:
        subject: what they are given.
        select: names; if there are any, nothing else is told.
        ignored: names of what is not told.
        logs: what was read of logs.
        untied: tell also what logs say of no line of this configuration.
    """
    found: list[Diagnostic] = []
    unsure: set[Diagnostic] = set()  # what is told only where a log shows it
    said: set[tuple[str, str, int]] = set()  # what a dialect need not say: a check knows more of it
    for one in checks().values():
        if (select and one.name not in select) or one.name in ignored:
            continue
        for its, only_seen in one.run(subject):
            found.append(its)
            if only_seen:
                unsure.add(its)
            said |= {(name, *_line(its)) for name in one.explains}
    found += [one for one in subject.diagnostics if (one.name, *_line(one)) not in said]
    if logs:
        found = told(subject, found, logs, untied=untied)
    found = [one for one in found if one not in unsure]  # with evidence, it is another
    left = ignore.apply(found, subject.sources.values())
    kept = [one for one in left if (not select or one.name in select) and one.name not in ignored]
    return Report(subject, tuple(sorted(dict.fromkeys(kept), key=_importance)), tuple(logs))


def _line(one: Diagnostic) -> tuple[str, int]:
    return ("", 0) if one.where is None else (one.where.source.name, one.where.line)


def _importance(one: Diagnostic) -> tuple[int, int, int, int, str, int, str]:
    known = checks().get(one.name)
    # A dialect's own error is one that Apache does not start with; what a log tells comes of one that runs.
    stops = known.stops if known is not None else 2 if one.evidence else 0
    # What logs show comes first of what is as bad, the more often the earlier.
    seen = -sum(each.times for each in one.evidence)
    return _SEVERITIES.index(one.severity), stops, _CONFIDENCES.index(one.confidence), seen, *_line(one), one.name
