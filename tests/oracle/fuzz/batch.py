"""Many small configurations in one server: each in virtual hosts on a port of its own, and all behind one start.

What a configuration means does not depend on its neighbours, for virtual hosts of other ports are never asked; what all of them
share stands in the main server. Knows processes and records. Knows nothing of how configurations are made.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.oracle import client, normal
from tests.oracle.case import Case, Request
from tests.oracle.compare import differences
from tests.oracle.fuzz.grammar import drawn
from tests.oracle.fuzz.tree import FRONT, Small
from tests.oracle.play import APACHE, OURS, REAL, Candidate, broken, serving
from tests.oracle.stage import Certificates, Stage
from tests.oracle.upstream import Desk, Upstream

from perijove import config
from perijove.demo.processes import Process

Record = dict[str, Any]


@dataclass
class Outcome:
    """What came of a configuration."""

    small: Small
    apache: str = ""  # why Apache refuses it
    ours: str = ""  # why perijove does
    requests: int = 0  # that were sent to both
    different: dict[int, list[str]] = field(default_factory=dict)  # a request's number, and what differs
    broken: list[str] = field(default_factory=list)  # what no server should say

    @property
    def verdicts_differ(self) -> bool:
        return bool(self.apache) != bool(self.ours)

    @property
    def differs(self) -> bool:
        return self.verdicts_differ or bool(self.different) or bool(self.broken)


def compared(smalls: Sequence[Small], certificates: Certificates, ours: Candidate, judged: bool = True) -> list[Outcome]:
    """Play configurations that share the main server's lines on Apache and on perijove.

    Args:
        smalls: the configurations.
        certificates: for the stage.
        ours: how perijove is started.
        judged: ask both for their verdict on each, first. Without it, all of them must be right.
    """
    outcomes = [Outcome(one) for one in smalls]
    if judged:
        verdicts(outcomes, certificates)
    good = [one for one in outcomes if not one.apache and not one.ours]
    if not good:
        return outcomes
    stage = Stage(together([one.small for one in good]), certificates, len(good))
    desk = Desk()
    upstreams = [Upstream(name, stage.listener(name), desk) for name in ("UPSTREAM", "UPSTREAM2")]
    try:
        stage.set()
        golden = played(stage, desk, [one.small for one in good], REAL)
        found = played(stage, desk, [one.small for one in good], ours)
    finally:
        for upstream in upstreams:
            upstream.close()
        stage.strike()
    for one, expected, got in zip(good, golden["configurations"], found["configurations"], strict=True):
        judge(one, expected, got)
    good[0].broken = found.get("broken", [])
    return outcomes


def numbered(seed: int, number: int) -> list[Outcome]:
    """Draw a batch and play it."""
    certificates = Certificates.make()
    try:
        return compared(drawn(seed, number), certificates, OURS)
    finally:
        certificates.remove()


def judge(outcome: Outcome, golden: list[Record], found: list[Record]) -> None:
    """Keep what differs between the records of a configuration's requests."""
    outcome.requests = len(golden)
    for number, pair in enumerate(zip(golden, found, strict=True)):
        expected, got = ({"started": True, "results": [one]} for one in pair)
        if lines := differences(expected, got, strict=False):
            outcome.different[number] = lines


def verdicts(outcomes: Sequence[Outcome], certificates: Certificates) -> None:
    """Ask both whether they would start, for each configuration alone."""
    stage = Stage(Case("verdicts", "", [], list(outcomes[0].small.modules)), certificates)
    try:
        stage.set()
        for outcome in outcomes:
            stage.conf.write_text(stage.text(outcome.small.text()))
            command = [APACHE, "-d", str(stage.folder), "-f", str(stage.conf), "-t"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                outcome.apache = normal.said(done.stdout + done.stderr, stage.named) or "it does not say why"
            outcome.ours = _refusal(stage.conf)
    finally:
        stage.strike()


def _refusal(conf: Path) -> str:
    try:
        loaded = config.load(str(conf), apache=True)
    except Exception as error:
        return f"internal error: {error!r}"
    if loaded.gateway is not None:
        return ""
    return "; ".join(one.message for one in loaded.diagnostics if one.severity.name == "ERROR") or "it does not say why"


def together(smalls: Sequence[Small]) -> Case:
    """Return one case of many configurations."""
    listens = [f"Listen 127.0.0.1:{{FRONT{number}_PORT}}" for number in range(len(smalls))]
    main = [line for one in smalls[0].main for line in one.lines()]
    hosts = [one.text(main=False).replace(FRONT, f"{{FRONT{number}}}") for number, one in enumerate(smalls)]
    return Case(smalls[0].name, "\n".join([*listens, *main, *hosts]), [], list(smalls[0].modules))


def played(stage: Stage, desk: Desk, smalls: Sequence[Small], candidate: Candidate) -> Record:
    """Start a server, send all requests, return a record for each of each configuration."""
    stage.error_log.write_text("")
    process = Process("candidate", candidate.command(candidate.serve, stage), stage.folder / "output.log", cwd=stage.folder)
    try:
        if not serving(stage, process, candidate.ready):
            said = process.log.read_text(errors="replace") + stage.error_log.read_text(errors="replace")
            raise RuntimeError(
                f"refused together, though not one by one: {candidate.serve}\n{said[-3000:]}\n{stage.case.config}"
            )
        records = [[_asked(stage, desk, number, request) for request in one.requests] for number, one in enumerate(smalls)]
        return {"configurations": records, "broken": broken(process)}
    finally:
        process.stop()


def _asked(stage: Stage, desk: Desk, front: int, request: Request) -> Record:
    def named(text: str) -> str:
        return stage.named(text).replace(f"{{FRONT{front}_PORT}}", "{LISTEN_PORT}")

    expanded: Request = stage.expand(request)
    desk.expect(expanded.get("upstream"))
    found = client.send(expanded, {"LISTEN": stage.ports[f"FRONT{front}"]})
    return {
        "request": f"{request.get('method', 'GET')} {request.get('target', 'raw')}",
        "client": normal.message(found, named),
        "upstream": [normal.message(one, named) for one in desk.records],
    }
