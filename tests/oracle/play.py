"""Play a case: start a server with the case's configuration, send the requests, return the record.

Knows processes and what a record looks like. A candidate is Apache itself or anybody who says to do what Apache does.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

from tests.oracle import client, normal
from tests.oracle.case import Case, Request
from tests.oracle.stage import Certificates, Stage
from tests.oracle.upstream import Desk, Upstream, secured

from perijove.demo.processes import Process

APACHE: Final = os.environ.get("APACHE", "/usr/sbin/apache2")
_WAIT: Final = 20.0  # seconds for a start, on a machine that has other things to do
_CODE: Final = re.compile(r"AH(?!00094)\d{5}")  # all but the last of a start


@dataclass(frozen=True)
class Candidate:
    """How a server is started, and asked whether it would start: command lines in which {CONF}, {DIR}, {DEFINES} and {PYTHON} stand."""

    serve: str
    check: str
    ready: str  # what it says when it serves: some listen before they know whether they can

    def command(self, template: str, stage: Stage) -> list[str]:
        """Return a command line for a case."""
        defines = " ".join(f"-D {name}" for name in stage.case.defines)
        values = {"CONF": stage.conf, "DIR": stage.folder, "PYTHON": sys.executable, "DEFINES": defines}
        for name, value in values.items():
            template = template.replace(f"{{{name}}}", str(value))
        return shlex.split(template)


REAL: Final = Candidate(
    serve=f"{APACHE} -d {{DIR}} -f {{CONF}} {{DEFINES}} -DFOREGROUND",
    check=f"{APACHE} -d {{DIR}} -f {{CONF}} {{DEFINES}} -t",
    ready="resuming normal operations",
)
OURS: Final = Candidate(
    serve="{PYTHON} -m perijove serve --apache {CONF} {DEFINES}",
    check="{PYTHON} -m perijove serve --check-config --apache {CONF} {DEFINES}",
    ready="listening on",
)


def play(case: Case, certificates: Certificates, candidate: Candidate, check: bool = True) -> dict[str, Any]:
    """Return the record of a case; `check` asks for the verdict over the configuration, too."""
    stage = Stage(case, certificates)
    record: dict[str, Any] = {"name": case.name}
    try:
        stage.set()
        if check:
            record["configtest"] = _check(stage, candidate)
        return record | _serve(stage, certificates, candidate)
    finally:
        stage.strike()


def _check(stage: Stage, candidate: Candidate) -> dict[str, Any]:
    command = candidate.command(candidate.check, stage)
    done = subprocess.run(command, capture_output=True, text=True, cwd=stage.folder, timeout=_WAIT, check=False)
    return {"rc": done.returncode, "message": normal.said(done.stdout + done.stderr, stage.named)}


def _serve(stage: Stage, certificates: Certificates, candidate: Candidate) -> dict[str, Any]:
    desk = Desk()
    upstreams = [
        Upstream("UPSTREAM", stage.listener("UPSTREAM"), desk),
        Upstream("UPSTREAM2", stage.listener("UPSTREAM2"), desk),
        Upstream("UPSTREAM_TLS", stage.listener("UPSTREAM_TLS"), desk, secured(certificates.folder / "up.pem")),
        Upstream("UPSTREAM_EXPIRED", stage.listener("UPSTREAM_EXPIRED"), desk, secured(certificates.folder / "expired.pem")),
        Upstream("SOCKET", stage.unix_listener(), desk),
    ]
    process = Process("candidate", candidate.command(candidate.serve, stage), stage.folder / "output.log", cwd=stage.folder)
    try:
        results: list[dict[str, Any]] = []
        if serving(stage, process, candidate.ready):
            log = _Log(stage)
            results = [_ask(stage, desk, log, request) for request in stage.case.requests]
        if process.exited() is not None:
            said = normal.said(_said(stage, process), stage.named)
            return {"started": False, "exit": process.exited(), "start_message": said, "results": []}
        record: dict[str, Any] = {"started": True, "results": results}
        if lines := broken(process):
            record["broken"] = lines
        return record
    finally:
        process.stop()
        for one in upstreams:
            one.close()


def serving(stage: Stage, process: Process, ready: str) -> bool:
    """Wait for the server; tell whether it serves, or has ended."""
    end = time.monotonic() + _WAIT
    while process.exited() is None and time.monotonic() < end:
        if ready in _said(stage, process):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", stage.ports["LISTEN"]), 1).close()
                return True
        time.sleep(0.01)
    if process.exited() is None:
        raise TimeoutError(f"{stage.case.name}: neither serves nor ends: {_said(stage, process)[-1000:]}")
    return False


def broken(process: Process) -> list[str]:
    """Return what a server said that none should say."""
    return re.findall(r"(?:Traceback|internal error|ended with signal).*", process.log.read_text(errors="replace"))


def _said(stage: Stage, process: Process) -> str:
    return process.log.read_text(errors="replace") + stage.error_log.read_text(errors="replace")


class _Log:
    """Apache's error log, read on from where it was."""

    def __init__(self, stage: Stage) -> None:
        self._path = stage.error_log
        self._read = self._path.stat().st_size

    def codes(self) -> list[str]:
        """Return the numbers of the messages that are new."""
        with self._path.open(errors="replace") as file:
            file.seek(self._read)
            text = file.read()
            self._read = file.tell()
        return sorted(set(_CODE.findall(text)))


def _ask(stage: Stage, desk: Desk, log: _Log, request: Request) -> dict[str, Any]:
    expanded: Request = stage.expand(request)
    desk.expect(expanded.get("upstream"))
    found = client.send(expanded, stage.ports)
    record: dict[str, Any] = {
        "request": request.get("name") or f"{request.get('method', 'GET')} {request.get('target', 'raw')}",
        "client": normal.message(found, stage.named),
        "upstream": [normal.message(one, stage.named) for one in desk.records],
    }
    if codes := log.codes():
        record["log_codes"] = codes
    return record
