"""Load and faults through perijove, with their bounds: the short run on one dialect, all on all with SECURITY=all."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.security import faults
from tests.security.conftest import ALL
from tests.security.faults import Stage
from tests.server.parts import LATE, Client, Conversation, Origin, eventually

from perijove.demo.processes import Process, free_port, is_free

NAMES = ("to", "toml", "apache-file", "chp") if ALL else ("toml",)


@pytest.fixture(scope="module", params=NAMES)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with faults.prepared(request.param, tmp_path_factory.mktemp(request.param), ALL) as made:
        yield made


@pytest.mark.parametrize("case", faults.CASES)
def test_faults(stage: Stage, case: str) -> None:
    if case not in faults.chosen(stage.name):
        pytest.skip("no option says how long an answer may take")
    try:
        print(case, faults.CASES[case](stage))
    finally:
        stage.leave()


def test_the_end(tmp_path: Path) -> None:
    """At the end a download is finished, and a WebSocket has its grace and then a FIN on both sides."""
    for name in NAMES:
        with faults.prepared(name, tmp_path, ALL) as stage, Client(stage.port) as download, Client(stage.port) as socket:
            socket.upgrade("/ws")
            download.send(b"GET /slow HTTP/1.1\r\nHost: hub.example\r\n\r\n")
            head = download.head()
            assert head is not None
            begun = time.monotonic()
            os.kill(stage.running.process.pid, signal.SIGTERM)
            assert download.exactly(10) == b"x" * 10
            assert socket.rest() == b""
            assert faults.GRACE - 1.0 < time.monotonic() - begun < faults.GRACE + LATE
            assert eventually(lambda stage=stage: b"/ws" in stage.upstream.closed)  # type: ignore[misc]
            assert eventually(lambda stage=stage: stage.running.process.exited() is not None)  # type: ignore[misc]
            assert time.monotonic() - begun < faults.GRACE + LATE


JUMPS = """
import time
_real = time.time
def _jumping():
    return _real() + (86400 * 400 if int(_real() * 2) % 2 else -86400 * 400)
time.time = _jumping
"""


def test_a_clock_that_jumps(tmp_path: Path) -> None:
    """A wall clock that jumps by a year, twice a second, moves no deadline."""
    (tmp_path / "sitecustomize.py").write_text(JUMPS)

    def handler(conversation: Conversation) -> None:
        while (head := conversation.head()) is not None:
            if head.target == b"/stall":
                conversation.rest()
                return
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    origin, port = Origin(handler), free_port()
    file = tmp_path / "p.toml"
    file.write_text(
        f'listen = "127.0.0.1:{port}"\nto = "{origin.url}"\n[timeouts]\nresponse = 1.0\nheader = 1.0\nkeepalive = 5\n'
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    process = Process("perijove", [sys.executable, "-m", "perijove", "serve", str(file)], tmp_path / "log", environment)
    try:
        assert eventually(lambda: not is_free(port), 15)
        with Client(port) as kept:
            for _ in range(8):
                assert kept.ask("/").status == 200  # on one connection: nothing has ended it
                time.sleep(0.25)
        with Client(port) as client, Client(port) as slow:
            slow.send(b"GET / HT")
            begun = time.monotonic()
            assert client.ask("/stall").status == 504
            assert 0.8 < time.monotonic() - begun < 1 + LATE
            assert slow.response().status == 408
            assert time.monotonic() - begun < 1 + LATE
    finally:
        process.stop(5)
        with contextlib.suppress(AssertionError):
            origin.stop()
    assert "Traceback" not in (tmp_path / "log").read_text()
