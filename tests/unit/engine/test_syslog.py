"""Lines for a system's log: how they are framed, and what becomes of them when nobody is there."""

import os
import re
import socket
import time
from pathlib import Path

import pytest

from perijove.engine.syslog import Syslog


def local(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(str(path))
    made.settimeout(5)
    return made


def to(path: Path) -> Syslog:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.connect(str(path))
    return Syslog(sock, 16, str(path))


def test_the_local_daemon(tmp_path: Path) -> None:
    with local(tmp_path / "log") as daemon:
        sink = to(tmp_path / "log")
        assert sink.write([b"one\n", b"two\n"]) == 0
        for text in (b"one", b"two"):
            found = re.fullmatch(rb"<134>([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) perijove\[(\d+)\]: (.*)", daemon.recv(9000))
            assert found
            assert found[3] == text
            assert int(found[2]) == os.getpid()
            time.strptime(f"2024 {found[1].decode()}", "%Y %b %d %H:%M:%S")
        sink.close()


def test_elsewhere_rfc_5424() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(5)
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.connect(daemon.getsockname())
        sink = Syslog(sock, 3)
        assert sink.write([b"one\n"]) == 0
        found = re.fullmatch(
            rb"<30>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) ([!-~]{1,255}) perijove (\d+) - - one", daemon.recv(9000)
        )
        assert found
        assert abs(time.time() - time.mktime(time.strptime(found[1].decode(), "%Y-%m-%dT%H:%M:%SZ")) + time.timezone) < 5
        sink.close()


def test_a_daemon_that_reads_nothing_loses_lines_and_they_are_counted(tmp_path: Path) -> None:
    with local(tmp_path / "log") as daemon:
        sink = to(tmp_path / "log")
        begun = time.monotonic()
        lost = sink.write([b"%d\n" % number for number in range(5000)])
        assert lost
        assert sink.write([b"more\n"]) == 1
        assert time.monotonic() - begun < 5
        for number in range(5000 - lost):
            assert daemon.recv(9000).endswith(b"]: %d" % number)
        assert sink.write([b"end\n"]) == 0
        assert daemon.recv(9000).endswith(b"]: end")
        sink.close()


def test_a_daemon_that_is_started_anew(tmp_path: Path) -> None:
    daemon = local(tmp_path / "log")
    sink = to(tmp_path / "log")
    assert sink.write([b"one\n"]) == 0
    daemon.close()
    (tmp_path / "log").unlink()
    assert sink.write([b"two\n", b"three\n"]) == 2
    with local(tmp_path / "log") as daemon:
        assert sink.write([b"four\n"]) == 0
        assert daemon.recv(9000).endswith(b"]: four")
    sink.close()


def test_nobody_elsewhere() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        address = gone.getsockname()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.connect(address)
    sink = Syslog(sock, 3)
    for _ in range(5):
        assert sink.write([b"one\n"]) in (0, 1)  # ICMP tells of one before
        time.sleep(0.01)
    sink.close()


@pytest.mark.parametrize("size", [1000, Syslog.most])
def test_lines_that_are_long(tmp_path: Path, size: int) -> None:
    with local(tmp_path / "log") as daemon:
        sink = to(tmp_path / "log")
        assert sink.write([b"x" * (size - 1) + b"\n"]) == 0
        assert daemon.recv(9000).endswith(b"]: " + b"x" * (size - 1))
        sink.close()
