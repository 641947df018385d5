"""What systemd is told, and what it hands over."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from perijove.gateway.model import TcpAddress, UnixAddress
from perijove.server import systemd


@pytest.fixture(params=["a path", "an abstract name"])
def heard(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify") if request.param == "a path" else f"@perijove-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(name if name[0] == "/" else "\0" + name[1:])
        sock.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield sock


def test_told(heard: socket.socket) -> None:
    systemd.notify("READY=1", "STATUS=serving")
    assert heard.recv(100) == b"READY=1\nSTATUS=serving"
    systemd.reloading()
    first, second = heard.recv(100).split(b"\n")
    assert first == b"RELOADING=1"
    assert second.removeprefix(b"MONOTONIC_USEC=").isdigit()


def test_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("", "relative", str(tmp_path / "none"), str(tmp_path)):
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        systemd.notify("READY=1")


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [("6000000", "", 3.0), ("6000000", "ours", 3.0), ("6000000", "1", 0.0), ("soon", "", 0.0), ("", "", 0.0)],
)
def test_the_watchdog(usec: str, pid: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if pid:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "ours" else pid)
    assert systemd.watchdog() == seconds


def test_what_is_for_another_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for pid, count in (("1", "1"), (str(os.getpid()), "some"), ("", "1")):
        monkeypatch.setenv("LISTEN_PID", pid)
        monkeypatch.setenv("LISTEN_FDS", count)
        assert systemd.handed_over() == []
        assert "LISTEN_FDS" not in os.environ  # whoever we start does not take it for its own


def test_sockets_are_found_by_their_addresses(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with (
        socket.socket(socket.AF_UNIX) as unix,
        socket.create_server(("127.0.0.1", 0)) as local,
        socket.create_server(("", 0)) as all_,
    ):
        unix.bind(path)
        here, everywhere = local.getsockname()[1], all_.getsockname()[1]
        wanted = [TcpAddress("127.0.0.1", here), TcpAddress("localhost", here), TcpAddress("", everywhere), UnixAddress(path)]
        strangers = [
            TcpAddress("", here),
            TcpAddress("127.0.0.2", here),
            TcpAddress("127.0.0.1", everywhere),
            UnixAddress("/s"),
        ]
        found = systemd.match([unix, local, all_], [*wanted, *strangers])
        assert found == {wanted[0]: [local], wanted[1]: [local], wanted[2]: [all_], wanted[3]: [unix]}
