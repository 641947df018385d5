"""Starting, checking, reloading, stopping."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.server.parts import LATE, WAIT, Application, Client, Front, Origin, answer, ask, eventually

from perijove.demo.processes import Process, free_port


def perijove(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "perijove", *words], input=given, capture_output=True, text=True, timeout=2 * WAIT, check=False
    )


def refused(port: int) -> bool:
    """Tell whether nobody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def options(folder: Path, *words: str) -> Process:
    """Start `perijove serve` with options."""
    return Process("perijove", [sys.executable, "-m", "perijove", "serve", *words], folder / "options.log")


# ------------------------------------------------------------------ options


def test_nothing_but_where(tmp_path: Path, origin: Origin, application: Application) -> None:
    port = free_port()
    process = options(
        tmp_path, "--to", origin.url, "--listen", f":{port}", "--mount", "/hub", "--access-log", f"{tmp_path}/log"
    )
    try:
        assert eventually(lambda: "listening on" in process.log.read_text(), WAIT)
        assert f"listening on http://*:{port}: /hub/ → {origin.url}" in process.log.read_text()
        with Client(port) as client:
            assert client.ask("/hub/x?y").content == b"hello"
            assert application.heads[-1].target == b"/hub/x?y"
            moved = client.ask("/hub?next=1")
            assert (moved.status, moved.get(b"location")) == (308, b"/hub/?next=1")
            assert client.ask("/elsewhere").status == 404
        assert eventually(lambda: (tmp_path / "log").read_text().count("\n") == 3)
        assert re.match(r'127\.0\.0\.1 - - \[.+\] "GET /hub/x\?y HTTP/1\.1" 200 5 "-" "-"\n', (tmp_path / "log").read_text())
    finally:
        process.stop()
    assert process.exited() == 0


def test_self_signed_and_redirect(tmp_path: Path, origin: Origin, application: Application) -> None:
    secure, plain = free_port(), free_port()
    process = options(
        tmp_path, "--to", origin.url, "--listen", f"127.0.0.1:{secure}", "--tls", "self-signed",
        "--redirect-http", f"127.0.0.1:{plain}",
    )  # fmt: skip
    try:
        assert eventually(lambda: "redirecting to https" in process.log.read_text(), WAIT)
        import ssl

        context = ssl._create_unverified_context()
        with Client(secure, tls=context) as client:
            assert client.ask("/").content == b"hello"
            assert application.heads[-1].get(b"x-scheme") == b"https"
        moved = ask(plain, "/a?b")
        assert moved.status == 308
        assert moved.get(b"location") == f"https://hub.example:{secure}/a?b".encode()
    finally:
        process.stop()


def test_unix_socket(tmp_path: Path, origin: Origin) -> None:
    process = options(tmp_path, "--to", origin.url, "--listen", f"unix:{tmp_path}/socket")
    try:
        assert eventually((tmp_path / "socket").exists, WAIT)
        assert eventually(lambda: "listening on" in process.log.read_text(), WAIT)
        with Client(0, path=f"{tmp_path}/socket") as client:
            assert client.ask("/").content == b"hello"
    finally:
        process.stop()
    assert not (tmp_path / "socket").exists()


# ------------------------------------------------------------------ faults of the configuration

BAD = 'listen = ":1"\nroutes = 3\n[[route]]\npath = "hub"\nto = "http://h:x"\n'


def test_all_faults_at_once_with_their_places(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(BAD)
    for words in (["serve", str(file)], ["serve", "--check-config", str(file)], ["show-config", str(file)]):
        done = perijove(*words)
        assert done.returncode == 1
        for place in ("bad.toml:2:1", "bad.toml:4:8", "bad.toml:5:6"):
            assert place in done.stderr, (words, done.stderr)
        assert "write `route`" in done.stderr


def test_check_config(tmp_path: Path) -> None:
    file = tmp_path / "good.toml"
    file.write_text('to = "http://127.0.0.1:8000"\n')
    done = perijove("serve", "--check-config", str(file))
    assert (done.returncode, done.stderr.endswith("Syntax OK\n")) == (0, True)
    assert perijove("serve", "--check-config", "-", given='to = "http://h"').returncode == 0
    assert perijove("serve", "--check-config", "-", given="to = ").returncode == 1
    assert perijove("serve", "--check-config", str(tmp_path / "none.toml")).returncode == 1
    assert perijove("serve", "--check-config", "--to", "http://h").returncode == 0
    assert perijove("serve", "--check-config", "--to", "h").returncode == 1
    for grace, code in (("2", 0), ("1.5", 0), ("90s", 0), ("soon", 1)):
        assert perijove("serve", "--check-config", "--to", "http://h", "--grace", grace).returncode == code


def test_check_config_as_json() -> None:
    done = perijove("serve", "--check-config", "--json", "-", given=BAD)
    found = json.loads(done.stdout)["diagnostics"]
    assert done.returncode == 1
    assert len(found) == 3
    assert [one["line"] for one in found] == [2, 4, 5]


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "pair.pem").write_text("nothing of the kind\n")
    text = f'to = "http://h"\n[tls]\ncert = "{tmp_path}/pair.pem"\nkey = "{tmp_path}/pair.pem"\n'
    for words in (["serve", "--check-config", "-"], ["serve", "-"]):
        done = perijove(*words, given=text)
        assert done.returncode == 1
        assert "pair.pem" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["serve"],
        ["serve", "x.toml", "--to", "http://h"],
        ["serve", "--nonsense"],
        ["serve", "--to", "http://h", "--tls-key", "k"],
    ],
)
def test_usage(words: list[str]) -> None:
    assert perijove(*words).returncode == 2


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = perijove("serve", "--to", "http://h", "--listen", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_show_config_serves_the_same() -> None:
    shown = perijove(
        "show-config", "--to", "http://127.0.0.1:8000", "--mount", "/hub", "--listen", ":8443", "--trust", "10.0.0.0/8"
    )
    assert shown.returncode == 0
    again = perijove("show-config", "-", given=shown.stdout)
    assert again.stdout == shown.stdout
    assert 'path = "/hub/"' in shown.stdout


# ------------------------------------------------------------------ reload


def test_reload(front: Front, origins: Callable[..., Origin], origin: Origin) -> None:
    """A tunnel and a download go on; new requests see the new routes, on old connections, too; none fails meanwhile."""
    other = origins(lambda conversation: [conversation.send(answer(b"other")) for _ in iter(conversation.head, None)] and None)
    statuses: list[int] = []
    stop = threading.Event()

    def load() -> None:
        with Client(front.port) as client:
            while not stop.is_set():
                statuses.append(client.ask("/").status)
                with Client(front.port) as fresh:
                    statuses.append(fresh.ask("/").status)

    with Client(front.port) as tunnel, Client(front.port) as reader, Client(front.port) as kept:
        assert tunnel.upgrade().status == 101
        reader.send(b"GET /bytes/50000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert reader.head() is not None
        assert kept.ask("/").content == b"hello"
        thread = threading.Thread(target=load)
        thread.start()
        for target in (other.url, origin.url, other.url):
            said = front.log().count("reloaded")
            front.write(f'listen = "127.0.0.1:{{port}}"\nto = "{target}"\n')
            front.signal(signal.SIGHUP)
            assert eventually(lambda said=said: front.log().count("reloaded") == said + 1)
            count = len(statuses)
            assert eventually(lambda count=count: len(statuses) > count + 4)
        stop.set()
        thread.join()
        assert kept.ask("/").content == b"other"
        assert len(reader.exactly(50_000_000)) == 50_000_000
        tunnel.send(b"still there")
        assert tunnel.exactly(11) == b"still there"
    assert set(statuses) == {200}


@pytest.mark.parametrize(
    "bad",
    [
        "nonsense = 1\n",
        "to = \n",
        'to = "http://h"\nlisten = "192.0.2.1:1"\n',
        'to = "http://h"\n[tls]\ncert="/none"\nkey="/none"\n',
    ],
)
def test_a_bad_configuration_never_replaces_a_good_one(front: Front, bad: str) -> None:
    with Client(front.port) as client:
        assert client.ask("/").status == 200
        front.write(bad)
        front.signal(signal.SIGHUP)
        assert eventually(lambda: "not reloaded" in front.log())
        assert "error" in front.log()
        assert client.ask("/").status == 200
    assert ask(front.port).status == 200


@pytest.mark.parametrize("odd", ["pipe", "/dev/zero"])
def test_what_never_ends_is_not_read_again(front: Front, odd: str) -> None:
    """And workers are looked after as before."""
    front.file.unlink()
    if odd == "pipe":
        os.mkfifo(front.file)
    else:
        front.file.symlink_to(odd)
    front.signal(signal.SIGHUP)
    assert eventually(lambda: "is a pipe or a device" in front.log())
    killed = front.worker
    os.kill(killed, signal.SIGKILL)
    assert eventually(lambda: front.workers not in ([], [killed]))
    assert ask(front.port).status == 200


def test_reload_moves_listeners(front: Front, origin: Origin) -> None:
    second = free_port()
    front.write(f'listen = ["127.0.0.1:{{port}}", "127.0.0.1:{second}"]\nto = "{origin.url}"\n')
    front.signal(signal.SIGHUP)
    assert eventually(lambda: "reloaded" in front.log())
    assert ask(second).status == 200
    front.write(f'listen = "127.0.0.1:{second}"\nto = "{origin.url}"\n')
    front.signal(signal.SIGHUP)
    assert eventually(lambda: front.log().count("perijove: reloaded") == 2)
    assert ask(second).status == 200
    assert eventually(lambda: refused(front.port))


# ------------------------------------------------------------------ stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_lets_exchanges_finish(front: Front, application: Application, number: int) -> None:
    with Client(front.port) as reader, Client(front.port) as events, Client(front.port) as idle:
        idle.ask("/")
        reader.send(b"GET /bytes/50000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert reader.head() is not None
        events.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        assert events.head() is not None
        front.signal(number)
        assert eventually(lambda: "finishing" in front.log())
        assert eventually(lambda: refused(front.port))
        assert len(reader.exactly(50_000_000)) == 50_000_000
        application.go.set()
        assert events.chunked().endswith(b"data: 2\n\n")
        assert idle.ended()
    assert front.exited()
    assert front.process.exited() == 0


def test_who_ends_does_not_listen_again(front: Front) -> None:
    """Whatever is asked for meanwhile: nobody would take what comes."""
    with Client(front.port) as tunnel:
        assert tunnel.upgrade().status == 101
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
            front.signal(number)
        assert eventually(lambda: "finishing" in front.log())
        front.signal(signal.SIGHUP)
        front.signal(signal.SIGUSR1)
        assert eventually(lambda: "not reloaded: it ends" in front.log())
        assert eventually(lambda: refused(front.port))
        tunnel.send(b"still there")
        assert tunnel.exactly(11) == b"still there"
    assert front.exited()
    assert front.process.exited() == 0


def test_a_request_on_an_idle_connection_is_still_served(front: Front) -> None:
    """One that was sent before the client could know is not lost."""
    with Client(front.port) as idle:
        idle.ask("/")
        front.signal(signal.SIGTERM)
        assert eventually(lambda: "finishing" in front.log())
        got = idle.ask("/")
        assert (got.status, got.get(b"connection")) == (200, b"close")
        assert idle.ended()
    assert front.exited()


def test_grace_ends(fronts: Callable[..., Front], origin: Origin) -> None:
    """At the end of its time a tunnel gets a FIN, and an exchange what cannot be taken for a whole response."""
    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\n[timeouts]\ngrace = 1.5\n')
    with Client(front.port) as tunnel, Client(front.port) as events:
        assert tunnel.upgrade().status == 101
        events.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        assert events.head() is not None
        begun = time.monotonic()
        front.signal(signal.SIGTERM)
        tunnel.send(b"still there")
        assert tunnel.exactly(11) == b"still there"
        assert tunnel.ended()
        with pytest.raises((ConnectionResetError, AssertionError)):
            events.chunked()
        assert front.exited()
        assert 1.3 < time.monotonic() - begun < 1.5 + LATE
    assert front.process.exited() == 0


def test_twice_stops_at_once(front: Front) -> None:
    with Client(front.port) as tunnel:
        tunnel.upgrade()
        front.signal(signal.SIGTERM)
        assert eventually(lambda: "finishing" in front.log())
        front.signal(signal.SIGTERM)
        assert front.exited()  # half of the time that they are given
