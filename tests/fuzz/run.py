"""Give a target its inputs, tell of what it finds, and cut that down.

Must not know what targets do.
"""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from tests.fuzz.mutate import inputs, smaller
from tests.fuzz.target import Outcome, Target
from tests.fuzz.targets import api, chunks, configuration, edits, exchanges, patterns, requests, responses, routes

TARGETS: Final = (
    requests.TARGET,
    chunks.TARGET,
    responses.TARGET,
    routes.TARGET,
    edits.TARGET,
    exchanges.TARGET,
    configuration.APACHE,
    configuration.TOML,
    patterns.TARGET,
    api.TARGET,
)
_ATTEMPTS: Final = 2000  # to make what was found smaller


@dataclass
class Finding:
    """An input that a target does not stand."""

    octets: bytes
    where: tuple[str, str, int]  # the exception, and the place that it comes from
    text: str


@dataclass
class Told:
    """What came of a run."""

    count: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    findings: dict[tuple[str, str, int], Finding] = field(default_factory=dict)


def tried(target: Target, octets: bytes) -> Outcome | Finding:
    """Give a target one input."""
    try:
        return target.check(octets)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = (type(error).__name__, Path(frame.filename).name, frame.lineno or 0)
        return Finding(octets, where, "".join(traceback.format_exception(error)))


def run(target: Target, octets: Iterable[bytes], seconds: float = float("inf"), most: int = 1 << 30) -> Told:
    """Give a target inputs, one after the other, for so many seconds of CPU, or until so much was found."""
    told, end = Told(), time.process_time() + seconds
    for one in octets:
        outcome = tried(target, one)
        told.count += 1
        if isinstance(outcome, Finding):
            told.findings.setdefault(outcome.where, outcome)
        else:
            told.kinds[outcome[0]] += 1
        if len(told.findings) >= most or (told.count % 16 == 0 and time.process_time() > end):
            break
    return told


def short(target: Target, seed: int) -> Told:
    """Run a target on the inputs that a seed gives, and no more of them than a test may take."""
    return run(target, islice(inputs(seed, target.corpus(), target.words), target.count))


def shrunk(target: Target, finding: Finding) -> Finding:
    """Return a smaller input that shows the same."""
    attempts = 0
    again = True
    while again:
        again = False
        for octets in smaller(finding.octets):
            attempts += 1
            if attempts > _ATTEMPTS:
                return finding
            outcome = tried(target, octets)
            if isinstance(outcome, Finding) and outcome.where == finding.where:
                finding, again = outcome, True
                break
    return finding
