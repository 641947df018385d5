"""What systemd is told, and sockets that it hands over: perijove stops and starts again, and nobody notices."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.parts import WAIT, Client, Origin, ask, eventually, workers
from tests.server.test_workers import Load


class Unit:
    """A service as systemd runs it: NOTIFY_SOCKET, WATCHDOG_USEC, and a listening socket as descriptor 3."""

    def __init__(self, folder: Path, origin: Origin) -> None:
        self.folder = folder
        self.origin = origin
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.port: int = self.listening.getsockname()[1]
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(str(folder / "notify"))
        self.notified.setblocking(False)
        self.told = b""
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, workers: int) -> subprocess.Popen[bytes]:
        file = self.folder / "hub.toml"
        file.write_text(f'listen = "127.0.0.1:{self.port}"\nworkers = {workers}\nto = "{self.origin.url}"\n')
        env = {**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify"), "WATCHDOG_USEC": "400000", "LISTEN_FDS": "1"}
        command = f"LISTEN_PID=$$ exec {sys.executable} -m perijove serve {file}"
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                ["sh", "-c", command],
                env=env,
                pass_fds=(3,),
                preexec_fn=lambda: os.dup2(self.listening.fileno(), 3),  # noqa: PLW1509
                stderr=log,
            )
        self.running.append(process)
        return process

    def hears(self, what: bytes) -> bool:
        """Tell whether systemd is told this, now or soon."""

        def heard() -> bool:
            try:
                while True:
                    self.told += self.notified.recv(4096) + b"\n"
            except BlockingIOError:
                return what in self.told

        return eventually(heard, WAIT)

    def stop(self) -> None:
        for one in self.running:
            if one.poll() is None:
                one.terminate()
            one.wait(WAIT)
        self.listening.close()
        self.notified.close()
        assert "Traceback" not in (self.folder / "log").read_text()


@pytest.fixture
def unit(tmp_path: Path, origin: Origin) -> Iterator[Unit]:
    made = Unit(tmp_path, origin)
    yield made
    made.stop()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_systemd_is_told(unit: Unit, workers: int) -> None:
    process = unit.start(workers)
    assert unit.hears(b"READY=1")
    assert ask(unit.port).status == 200
    unit.told = b""
    assert unit.hears(b"WATCHDOG=1")
    unit.told = b""
    process.send_signal(signal.SIGHUP)
    assert unit.hears(b"RELOADING=1\nMONOTONIC_USEC=")
    assert unit.hears(b"READY=1")
    process.terminate()
    assert unit.hears(b"STOPPING=1")
    assert process.wait(WAIT) == 0


def test_the_watchdog_is_not_fed_while_a_worker_hangs(unit: Unit) -> None:
    process = unit.start(2)
    assert unit.hears(b"WATCHDOG=1")
    worker = workers(process.pid)[0]
    os.kill(worker, signal.SIGSTOP)
    log = unit.folder / "log"
    assert eventually(lambda: "hangs: it is killed" in log.read_text())
    unit.hears(b"READY=1")
    unit.told = b""
    assert unit.hears(b"WATCHDOG=1")  # and again when all is well


@pytest.mark.parametrize("workers", [1, 2])
def test_the_next_one_takes_over(unit: Unit, workers: int) -> None:
    """Stopped and started anew under load: what was asked is answered, by the one or by the other."""
    first = unit.start(workers)
    assert unit.hears(b"READY=1")
    load = Load(unit.port)
    assert eventually(lambda: load.statuses[200] > 50)
    for _ in range(3):
        unit.told = b""
        first.terminate()
        second = unit.start(workers)
        assert first.wait(WAIT) == 0
        assert unit.hears(b"READY=1")
        count = load.statuses[200]
        assert eventually(lambda count=count: load.statuses[200] > count + 50, WAIT)
        first = second
    assert set(load.stop()) == {200}


def test_the_queue_waits_for_the_next_one(unit: Unit) -> None:
    """Between two of them connections wait with systemd."""
    process = unit.start(1)
    assert unit.hears(b"READY=1")
    process.terminate()
    process.wait(WAIT)
    with Client(unit.port) as client:  # systemd's copy still listens
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        unit.told = b""
        unit.start(2)
        assert client.response().status == 200
