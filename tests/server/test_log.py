"""The access log of a perijove that runs: what it says, where it goes, and that nobody waits for it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.server.parts import LATE, WAIT, Application, Client, Conversation, Front, Origin, ask, eventually
from tests.server.test_lifecycle import perijove
from tests.server.test_status import Watched

from perijove.demo.processes import free_port

SECRET = "S3CRET"
MANY = 600  # lines of some 300 octets: more than a pipe holds


def whole(text: bytes) -> list[dict[str, Any]]:
    """The lines of a log, each of which must be a whole one."""
    lines = text.splitlines(keepends=True)
    assert all(one.startswith(b'{"time":') and one.endswith(b"}\n") for one in lines), lines
    return [json.loads(one) for one in lines]


class Log:
    """The access log of a perijove, a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def last(self, count: int = 1) -> dict[str, Any]:
        """The last of `count` lines, when they are there."""
        assert eventually(lambda: self.path.read_bytes().count(b"\n") >= count), self.path.read_bytes()
        lines = whole(self.path.read_bytes())
        assert len(lines) == count, lines
        return lines[-1]


def several(port: int, count: int, target: str = "/") -> float:
    """Ask so often, on several connections; return how long the slowest answer took."""
    slowest = 0.0
    for _ in range(4):
        with Client(port) as client:
            for _ in range(count // 4):
                begun = time.monotonic()
                assert client.ask(target).status == 200
                slowest = max(slowest, time.monotonic() - begun)
    return slowest


# ------------------------------------------------------------------ what it says


def test_what_a_line_says(fronts: Callable[..., Front], origin: Origin, application: Application, tmp_path: Path) -> None:
    log = Log(tmp_path / "access.log")
    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\naccess-log = "{log.path}"\naccess-log-format = "json"\n'
        f'[[route]]\nupstream = "hub"\nrequest-fields = {{set = {{X-Request-ID = "{{request-id}}"}}}}\n'
        f'[upstream.hub]\nurl = "{origin.url}"\n'
    )
    begun = time.time()
    with Client(front.port) as client:
        client.ask("/echo?a=b", method="POST", fields=b"Referer: http://r/\r\nUser-Agent: me\r\n", content=b"12345")
        said = log.last()
        assert client.ask("/bytes/1000", method="HEAD").status == 200
        assert log.last(2)["request_id"] != said["request_id"]
    assert {
        name: said[name] for name in ("client", "scheme", "host", "method", "target", "protocol", "referer", "user_agent")
    } == {
        "client": "127.0.0.1",
        "scheme": "http",
        "host": "hub.example:8443",
        "method": "POST",
        "target": "/echo?a=b",
        "protocol": "HTTP/1.1",
        "referer": "http://r/",
        "user_agent": "me",
    }
    assert (said["status"], said["received"], said["sent"], said["ended"], said["upstream"]) == (200, 5, 5, "done", "hub")
    assert 0 <= said["upstream_seconds"] <= said["seconds"] < 5
    assert application.heads[0].get(b"x-request-id") == said["request_id"].encode()
    assert said["time"][:10] in {time.strftime("%Y-%m-%d", time.gmtime(one)) for one in (begun, time.time())}
    assert "tls" not in said
    assert "tunnel_seconds" not in said


def test_a_tunnel(fronts: Callable[..., Front], origin: Origin, tmp_path: Path) -> None:
    log = Log(tmp_path / "access.log")
    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\naccess-log = "{log.path}"\naccess-log-format = "json"\n'
    )
    with Client(front.port) as client:
        assert client.upgrade().status == 101
        client.send(b"x" * 200_000)
        assert client.exactly(200_000) == b"x" * 200_000
        time.sleep(0.2)
        assert not log.path.read_bytes()
        client.sock.shutdown(socket.SHUT_WR)
        assert client.rest() == b"bye"
    said = log.last()
    assert (said["status"], said["received"], said["sent"], said["ended"]) == (101, 200_000, 200_003, "done")
    assert 0.2 <= said["tunnel_seconds"] <= said["seconds"] < 10


def test_tls(
    fronts: Callable[..., Front], origin: Origin, tmp_path: Path, certificate: dict[str, Path], client_tls: Any
) -> None:
    log = Log(tmp_path / "access.log")
    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\naccess-log = "{log.path}"\naccess-log-format = "json"\n'
        f'[tls]\ncert = "{certificate["pair"]}"\nkey = "{certificate["pair"]}"\n'
    )
    ask(front.port, tls=client_tls)
    assert (log.last()["tls"], log.last()["scheme"]) == ("TLSv1.3", "https")
    with Client(front.port) as plain:
        plain.send(b"GET /?token=S3CRET HTTP/1.1\r\nHost: a\r\n\r\n")
        assert plain.response().status == 400
    said = log.last(2)
    assert (said["status"], said["ended"], said["seconds"]) == (400, "refused", 0.0)
    assert "target" not in said


def test_why_it_ended(
    fronts: Callable[..., Front], origin: Origin, application: Application, origins: Callable[..., Origin], tmp_path: Path
) -> None:
    log = Log(tmp_path / "access.log")

    def babble(conversation: Conversation) -> None:
        if conversation.head() is not None:
            conversation.send(b"nonsense\r\n\r\n")

    def cut(conversation: Conversation) -> None:
        if conversation.head() is not None:
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\naccess-log = "{log.path}"\naccess-log-format = "json"\n'
        f'[[route]]\npath = "/gone/"\nto = "http://127.0.0.1:{free_port()}"\n'
        f'[[route]]\npath = "/babble/"\nto = "{origins(babble).url}"\n'
        f'[[route]]\npath = "/cut/"\nto = "{origins(cut).url}"\n'
        f'[[route]]\npath = "/none/"\nto = "http://nowhere.invalid"\n'
        f'[[route]]\nto = "{origin.url}"\n[timeouts]\nresponse = 2.5\nbody = 0.5\nheader = 0.5\ngrace = 0.5\n'
    )
    expected = []

    def ended(target: str, status: int, why: str, with_upstream: bool = True) -> None:
        expected.append(why)
        said = log.last(len(expected))
        assert (said.get("target", ""), said["status"], said["ended"], "upstream" in said) == (
            target,
            status,
            why,
            with_upstream,
        )

    page = ask(front.port, "/gone/")
    ended("/gone/", 503, "upstream-refused")
    assert log.last(len(expected))["request_id"].encode() in page.content  # what a user can tell the administrator
    ask(front.port, "/babble/")
    ended("/babble/", 502, "bad-response")
    with Client(front.port) as client:
        client.send(b"GET /cut/ HTTP/1.1\r\nHost: a\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            client.rest()
    ended("/cut/", 200, "upstream-lost")
    ask(front.port, "/hang")
    ended("/hang", 504, "upstream-timeout")
    with Client(front.port) as client:
        count = len(application.heads)
        client.send(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
        assert eventually(lambda: len(application.heads) > count)
    ended("/hang", 499, "client-gone")
    with Client(front.port) as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12")
        assert client.response().status == 408
    ended("/echo", 408, "client-timeout")
    with Client(front.port) as client:
        client.send(b"GET /a b c\r\n\r\n")
        assert client.response().status == 400
    ended("", 400, "refused", False)
    with Client(front.port) as client:
        client.send(b"GET /")
        assert client.response().status == 408
    ended("", 408, "client-timeout", False)
    with Client(front.port) as client:
        client.upgrade()
        front.signal(signal.SIGTERM)
        client.rest()
    ended("/ws", 101, "cut")
    assert front.exited()


# ------------------------------------------------------------------ what it keeps to itself


@pytest.mark.parametrize("style", ["combined", "json"])
def test_secrets(fronts: Callable[..., Front], origin: Origin, tmp_path: Path, style: str) -> None:
    """Of requests that are answered, of those that are refused, and of what is wrong in a configuration."""
    log = tmp_path / "access.log"
    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\naccess-log = "{log}"\naccess-log-format = "{style}"\n'
        f'[[route]]\npath = "/gone/"\nto = "http://127.0.0.1:{free_port()}"\n'
        f'[[route]]\npath = "/here/"\nto = "{origin.url}"\n[limits]\nrequest-line = "1KiB"\nheader = "4KiB"\n'
    )
    pages = b""
    targets = [
        f"/here/?token={SECRET}",
        f"/here/?%54oken={SECRET}&a=b",
        f"/here/login?next=%2Flab%3Ftoken%3D{SECRET}",
        f"/gone/?code={SECRET}&state={SECRET}",
        f"/nothing?a=b&STATE={SECRET}",
        f"/here/../../?token={SECRET}",
        f"/here/?token={SECRET}&x={'x' * 2000}",
    ]
    for target in targets:
        pages += ask(front.port, target, fields=f"Referer: http://hub{target}\r\nAccept: text/html\r\n".encode()[:2000]).content
    ask(front.port, f"/here/?token={SECRET}", fields=b"X: " + b"x" * 5000 + b"\r\n")
    for bad in (
        b"GET /?token=S3CRET HTTP/1.1\r\nA b: c\r\n\r\n",
        b"GET /?token=S3CRET\r\n\r\n",
        b"GET http://a/?token=S3CRET HTTP/9.9\r\n\r\n",
    ):
        with Client(front.port) as client:
            client.send(bad)
            pages += client.response().content
    assert eventually(lambda: log.read_bytes().count(b"\n") == len(targets) + 4)
    front.write(f'to = "http://hub.example/?token={SECRET}"\n')
    front.signal(signal.SIGHUP)
    assert eventually(lambda: "not reloaded" in front.log())
    checked = perijove("serve", "--check-config", str(front.file))
    as_json = perijove("serve", "--check-config", "--json", str(front.file))
    assert checked.returncode == as_json.returncode == 1
    assert json.loads(as_json.stdout)["diagnostics"]
    said = log.read_text() + front.log() + checked.stderr + checked.stdout + as_json.stdout + pages.decode()
    assert said.count("***") >= 10
    assert SECRET not in said


# ------------------------------------------------------------------ nobody waits for it


class Logged(Watched):
    """Two workers that write one log, in JSON, and whose numbers can be asked for."""

    def __init__(self, folder: Path, to: str, log: object, more: str = "") -> None:
        super().__init__(folder, to, f'access-log = "{log}"\naccess-log-format = "json"\n{more}')

    def dropped(self) -> float:
        return self.count("perijove_log_dropped_lines_total")

    def accounts_for(self, written: int, asked: int) -> bool:
        """Tell whether each line is written or counted as lost; the count may take a heartbeat."""
        return eventually(lambda: written + self.dropped() == asked)


@pytest.fixture
def logged(tmp_path: Path, origin: Origin) -> Iterator[Callable[..., Logged]]:
    made: list[Logged] = []

    def start(log: object, more: str = "") -> Logged:
        made.append(Logged(tmp_path, origin.url, log, more))
        return made[-1]

    yield start
    for one in made:
        one.stop()


class Limited:
    """A disk that becomes full for a perijove, by a limit on the size of its files (setrlimit(2))."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "access.log"

    def fill(self, front: Logged) -> None:
        self._bound(front, self.log.stat().st_size + 10_000)

    def clear(self, front: Logged) -> None:
        self._bound(front, resource.RLIM_INFINITY)

    def _bound(self, front: Logged, octets: int) -> None:
        for pid in front.workers:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (octets, resource.RLIM_INFINITY))

    def end(self) -> None:
        """Nothing is left of it."""


class Small(Limited):
    """A disk of a few pages, where mounting one is allowed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "small"
        self.folder.mkdir()
        self.mounted = self._mount("size=12k") == 0
        super().__init__(self.folder)

    def _mount(self, options: str) -> int:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        return subprocess.run(command, capture_output=True, check=False).returncode

    def fill(self, front: Logged) -> None:
        if not self.mounted:
            super().fill(front)

    def clear(self, front: Logged) -> None:
        if self.mounted:
            assert self._mount("remount,size=4m") == 0
        else:
            super().clear(front)

    def end(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)


@pytest.mark.parametrize("kind", [Limited, Small])
def test_a_disk_that_is_full_for_a_time(kind: type[Limited], logged: Callable[..., Logged], tmp_path: Path) -> None:
    disk = kind(tmp_path)
    try:
        front = logged(disk.log)
        disk.fill(front)
        assert several(front.port, 200) < LATE
        assert eventually(front.dropped)
        written = len(whole(disk.log.read_bytes()))
        assert 0 < written < 200
        assert front.accounts_for(written, 200)
        disk.clear(front)
        several(front.port, 40, "/seen?end")
        assert eventually(lambda: disk.log.read_bytes().count(b"?end") == 40)
        written = len(whole(disk.log.read_bytes()))
        assert front.accounts_for(written, 240)
    finally:
        front.stop()
        disk.end()


def test_a_pipe_that_nobody_reads_for_a_time(logged: Callable[..., Logged], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    front = logged(pipe)
    assert several(front.port, MANY) < LATE
    assert eventually(front.dropped)
    text = b""

    def accounted() -> bool:
        """Read on: what had no room comes when there is some."""
        nonlocal text
        with contextlib.suppress(BlockingIOError):
            text += os.read(reader, 1 << 20)
        return len(text) > 60_000 and text.endswith(b"\n") and len(whole(text)) + front.dropped() == MANY

    assert eventually(accounted), (len(whole(text)), front.dropped())
    several(front.port, 40, "/seen?end")
    later = b""
    while later.count(b"?end") < 40:
        with contextlib.suppress(BlockingIOError):
            later += os.read(reader, 1 << 20)
    assert len(whole(later)) == 40
    assert front.accounts_for(len(whole(text)) + 40, MANY + 40)
    os.close(reader)
    assert several(front.port, 40) < LATE  # who read it is gone


def test_a_device_that_is_full(logged: Callable[..., Logged]) -> None:
    front = logged("/dev/full")
    assert several(front.port, 40) < LATE
    assert front.accounts_for(0, 40)


class Ends:
    """What may be somebody's standard error: `theirs` is perijove's end."""

    def __init__(self, kind: str) -> None:
        if kind == "pipe":
            self.ours, self.theirs = os.pipe()
        elif kind == "terminal":
            self.ours, self.theirs = pty.openpty()
        else:
            one, two = socket.socketpair()
            self.ours, self.theirs = one.detach(), two.detach()
        os.set_blocking(self.ours, False)

    def read(self) -> bytes:
        data = b""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.ours, 1 << 20):
                data += piece
                time.sleep(0.001)  # a terminal takes as much again
        return data.replace(b"\r\n", b"\n")

    def close(self) -> None:
        os.close(self.ours)
        os.close(self.theirs)


@pytest.mark.parametrize("kind", ["pipe", "socket", "terminal"])
def test_standard_error_that_nobody_reads(kind: str, origin: Origin, tmp_path: Path) -> None:
    """Neither requests nor the supervisor wait for it, and whether others wait for it is left to them."""
    ends = Ends(kind)
    port, file = free_port(), tmp_path / "hub.toml"
    text = f'listen = "127.0.0.1:{port}"\nto = "{origin.url}"\naccess-log = "-"\naccess-log-format = "json"\ncontrol = "{tmp_path}/control"\n'
    file.write_text(text)
    process = subprocess.Popen(
        [sys.executable, "-m", "perijove", "serve", str(file)], stderr=ends.theirs, start_new_session=True
    )
    try:
        said = b""

        def says(what: bytes) -> bool:
            nonlocal said
            said += ends.read()
            return what in said

        assert eventually(lambda: says(b"listening on"), WAIT)
        assert several(port, 2000) < LATE
        for _ in range(3):
            file.write_text(text + f"[[route]]\npath = '/x'\nrespond = {{status = 299}}\n# {'x' * 500}\n[nonsense]\n")
            assert perijove("reload", "--control", f"{tmp_path}/control").returncode == 1
        file.write_text(text + "[[route]]\npath = '/x'\nrespond = {status = 299}\n")
        assert perijove("reload", "--control", f"{tmp_path}/control").returncode == 0
        assert ask(port, "/x").status == 299
        assert not fcntl.fcntl(ends.theirs, fcntl.F_GETFL) & os.O_NONBLOCK
        says(b"")
        ask(port, "/seen?later")
        assert eventually(lambda: says(b"?later"))
        lines = said.splitlines(keepends=True)
        assert len(lines) < 1990
        if kind != "terminal":  # which takes lines in parts, of several processes
            whole(b"".join(one for one in lines if one.startswith(b"{")))
            # A diagnostic has several lines; those behind the first begin with a space.
            assert all(one.startswith((b"{", b"perijove: ", b" ")) for one in lines), lines
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT) == 0
    finally:
        process.kill()
        process.wait()
        ends.close()


def test_standard_error_that_is_a_file(fronts: Callable[..., Front], origin: Origin) -> None:
    """`2>FILE`: what is said and what is logged stand there one after the other, and nothing is written over."""
    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\naccess-log = "-"\naccess-log-format = "json"\nworkers = 2\n'
    )
    for _ in range(3):
        before = front.log().count("perijove: reloaded")
        several(front.port, 40)
        front.signal(signal.SIGHUP)
        assert eventually(lambda before=before: front.log().count("perijove: reloaded") == before + 1)
    assert eventually(lambda: front.log().count('{"time"') == 120)
    lines = front.log().splitlines(keepends=True)
    assert len(whole("".join(one for one in lines if one.startswith("{")).encode())) == 120
    assert all(one.startswith(("{", "perijove: ")) for one in lines), lines


def test_tunnels_are_in_the_numbers(logged: Callable[..., Logged], tmp_path: Path) -> None:
    front = logged(tmp_path / "access.log")
    with Client(front.port) as client:
        client.upgrade()
        client.send(b"x" * 1000)
        client.exactly(1000)
        client.sock.shutdown(socket.SHUT_WR)
        client.rest()
    assert eventually(lambda: front.count("perijove_received_bytes_total", route="/") == 1000)
    assert front.count("perijove_sent_bytes_total", route="/") == 1003


# ------------------------------------------------------------------ syslog


@pytest.mark.parametrize("style", ["combined", "json"])
def test_the_local_syslog(logged: Callable[..., Logged], tmp_path: Path, style: str) -> None:
    place = tmp_path / "devlog"
    daemon = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    daemon.bind(str(place))
    daemon.settimeout(WAIT)
    front = logged(f"syslog:{place}?facility=local0")
    front.write(front.text.replace('"json"', f'"{style}"'))
    assert front.command("reload").returncode == 0
    ask(front.port, f"/seen?token={SECRET}")
    text = daemon.recv(9000)
    assert text.startswith(b"<134>")
    assert b"/seen?token=***" in text
    if style == "json":
        assert json.loads(text.split(b"]: ", 1)[1])["status"] == 200
    # Nobody reads it for a time.
    assert several(front.port, 4000) < LATE
    assert eventually(front.dropped)
    time.sleep(0.5)  # for which lines may gather
    daemon.setblocking(False)
    kept = 0

    def accounted() -> bool:
        """Read on: what had no room comes when there is some."""
        nonlocal kept
        with contextlib.suppress(BlockingIOError):
            while daemon.recv(9000):
                kept += 1
        return kept + front.dropped() == 4000

    assert eventually(accounted), (kept, front.dropped())
    daemon.close()
    place.unlink()
    assert several(front.port, 8) < LATE
    # It is started anew.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(place))
        daemon.settimeout(WAIT)
        ask(front.port, "/seen?again")
        while b"/seen?again" not in daemon.recv(9000):  # of those before, the last may come here, too
            pass


def test_syslog_elsewhere(logged: Callable[..., Logged]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(WAIT)
        front = logged(f"syslog://127.0.0.1:{daemon.getsockname()[1]}")
        ask(front.port, "/seen")
        text = daemon.recv(9000)
        assert text.startswith(b"<30>1 ")
        assert json.loads(text.split(b" - - ", 1)[1])["target"] == "/seen"


@pytest.mark.parametrize(
    ("log", "why"),
    [
        ("/nowhere/access.log", "access-log `/nowhere/access.log` cannot be written: No such file or directory"),
        ("syslog:/nowhere/log", "access-log: no syslog at unix:/nowhere/log: No such file or directory"),
        ("syslog://nowhere.invalid", "access-log: no syslog at nowhere.invalid:514"),
    ],
)
def test_what_cannot_be_opened(tmp_path: Path, log: str, why: str) -> None:
    file = tmp_path / "hub.toml"
    file.write_text(f'to = "http://127.0.0.1:1"\naccess-log = "{log}"\n')
    for more in (["--check-config"], []):
        done = perijove("serve", *more, str(file))
        assert done.returncode == 1
        assert why in " ".join(done.stderr.split())


def test_options(origin: Origin, tmp_path: Path) -> None:
    shown = perijove("show-config", "--to", origin.url, "--access-log", "syslog:", "--access-log-format", "json")
    assert 'access-log = "syslog:"' in shown.stdout
    assert 'access-log-format = "json"' in shown.stdout
