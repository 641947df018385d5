"""The command line: what it takes, what it refuses, what it says, how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from tests.contract.conftest import Start
from tests.contract.differences import expected
from tests.contract.parts import Proxy, accepts, report
from tests.server.parts import LATE, WAIT, Client, Origin, ask, eventually

from perijove.demo.processes import Process, free_port, is_free

DOWN = "http://127.0.0.1:9"


def run(command: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    wide = {**os.environ, "COLUMNS": "200"}
    return subprocess.run([*command, *options], env=wide, capture_output=True, text=True, timeout=WAIT, check=False)


OPTIONS = {
    "version",
    "ip",
    "port",
    "socket",
    "ssl-key",
    "ssl-cert",
    "ssl-ca",
    "ssl-request-cert",
    "ssl-reject-unauthorized",
    "ssl-protocol",
    "ssl-ciphers",
    "ssl-allow-rc4",
    "ssl-dhparam",
    "api-ip",
    "api-port",
    "api-socket",
    "api-ssl-key",
    "api-ssl-cert",
    "api-ssl-ca",
    "api-ssl-request-cert",
    "api-ssl-reject-unauthorized",
    "client-ssl-key",
    "client-ssl-cert",
    "client-ssl-ca",
    "client-ssl-request-cert",
    "client-ssl-reject-unauthorized",
    "default-target",
    "error-target",
    "error-path",
    "redirect-port",
    "redirect-to",
    "pid-file",
    "no-x-forward",
    "no-prepend-path",
    "no-include-prefix",
    "auto-rewrite",
    "change-origin",
    "protocol-rewrite",
    "custom-header",
    "insecure",
    "host-routing",
    "metrics-ip",
    "metrics-port",
    "metrics-socket",
    "log-level",
    "timeout",
    "proxy-timeout",
    "storage-backend",
    "keep-alive-timeout",
    "help",
}


def test_help(command: list[str]) -> None:
    for option in ("--help", "-h"):
        got = run(command, option)
        assert got.returncode == 0
        assert set(re.findall(r"--([a-z0-9-]+)", got.stdout)) >= OPTIONS


def test_version(command: list[str]) -> None:
    shown = {option: run(command, option) for option in ("--version", "-V")}
    for got in shown.values():
        assert got.returncode == 0
        assert re.search(r"\d+\.\d+\.\d+", got.stdout)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--nonsense"], "--nonsense"),
        (["positional"], "positional|argument"),
        (["--port"], "--port"),
        (["--default-target"], "--default-target"),
        (["--custom-header", "no colon"], "A colon was expected in custom header: no colon"),
        (["--custom-header", ": v"], "A colon was expected in custom header: : v"),
        (["--error-target", DOWN, "--error-path", "/tmp"], "error-target and (--)?error-path"),
        (["--redirect-port", "1"], "redirect-port|HTTPS redirection"),
        (["--socket", "/tmp/x", "--port", "1"], "--socket"),
        (["--socket", "/tmp/x", "--ip", "127.0.0.1"], "--socket"),
        (["--storage-backend", "no-such-module"], "no-such-module|storage-backend"),
        (["--statsd-host", "h"], "--statsd-host"),  # of version 4
    ],
)
def test_refused(command: list[str], options: list[str], says: str) -> None:
    got = run(command, *options)
    assert got.returncode != 0
    assert re.search(says, got.stdout + got.stderr), got


def test_exit_status_of_a_bad_header(command: list[str]) -> None:
    assert run(command, "--custom-header", "no colon").returncode == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--custom-header", "k 1: v"],
        ["--custom-header", "k: a\r\nb: c"],
        ["--custom-header", "k: \u20ac"],
        ["--default-target", "nonsense"],
        ["--default-target", "ftp://x"],
    ],
)
def test_what_could_only_fail_later(
    command: list[str], start: Start, options: list[str], kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """With configurable-http-proxy each request fails; or it brings a field of the next line of the option."""
    if kind == "chp":
        start(*options)
        starts = True
    else:
        got = run(command, *options, "--port", str(free_port()))
        starts = got.returncode == 0
        assert "error: " in got.stdout + got.stderr
        assert "Traceback" not in got.stdout + got.stderr
    assert starts == expected(kind, "options-that-only-fail-later")


def test_a_pid_file_that_cannot_be(command: list[str], kind: str) -> None:
    got = run(command, "--ip", "127.0.0.1", "--port", str(free_port()), "--pid-file", "/nonexistent/pid")
    assert got.returncode == 1
    assert "/nonexistent/pid" in got.stderr
    assert kind == "chp" or "Traceback" not in got.stderr


def test_a_pid_file_that_somebody_took_away(start: Start, tmp_path: Path) -> None:
    proxy = start("--pid-file", str(tmp_path / "pid"))
    assert eventually((tmp_path / "pid").exists)
    (tmp_path / "pid").unlink()
    proxy.stop()
    assert proxy.kind == "chp" or "Traceback" not in proxy.log()


def test_values_after_an_equals_sign(start: Start, one: Origin) -> None:
    proxy = start(f"--default-target={one.url}", "--custom-header=k: v", "--log-level=debug")
    assert report(proxy.ask("/x")).get("k") == "v"


def test_api_port_by_default(command: list[str], tmp_path: Path, kind: str) -> None:
    """The next one after the public port."""
    port = next(port for port in iter(free_port, 0) if is_free(port + 1))
    process = Process(kind, [*command, "--ip", "127.0.0.1", "--port", str(port)], tmp_path / "log")
    try:
        assert eventually(lambda: accepts(port) and accepts(port + 1), WAIT)
        assert ask(port + 1, "/api/routes").content == b"{}"
    finally:
        process.stop(5)


def test_api_ip_by_default(start: Start) -> None:
    """Loopback."""
    proxy = start(api_ip=())
    assert proxy.api("GET").status == 200
    listening = subprocess.run(["ss", "-Hltn", f"sport = :{proxy.api_port}"], capture_output=True, text=True, check=True)
    assert {line.split()[3].rpartition(":")[0] for line in listening.stdout.splitlines()} <= {"127.0.0.1", "[::1]"}


@pytest.mark.parametrize("ip", ["*", "", "::"])
def test_all_interfaces(start: Start, one: Origin, ip: str) -> None:
    proxy = start("--ip", ip, "--default-target", one.url)
    assert proxy.ask("/x").status == 200
    with Client(proxy.port, host="::1") as client:
        assert client.ask("/x").status == 200


# ------------------------------------------------------------------ what it says


def test_log(start: Start, one: Origin) -> None:
    proxy = start("--default-target", one.url)
    for words in (f"Route added / -> {one.url}", "Proxying http://", "Proxy API at http://"):
        assert proxy.says(words), proxy.log()
    proxy.add("/a", one.url)
    proxy.delete("/a")
    for words in (f"Route added /a -> {one.url}", "201 POST /api/routes/a", "204 DELETE /api/routes/a"):
        assert proxy.says(words), proxy.log()
    proxy.ask("/a?secret=1")
    proxy.add("/down", DOWN)
    proxy.ask("/down/x?secret=2")
    assert proxy.says("503 GET /down/x"), proxy.log()
    assert proxy.says("127.0.0.1:9"), proxy.log()
    assert "secret" not in proxy.log()


def test_log_of_requests_that_fail(start: Start, one: Origin, upstreams: Callable[..., Origin]) -> None:
    proxy = start("--error-target", upstreams("hub").url, "--proxy-timeout", "1000")
    proxy.add("/a", one.url)
    with proxy.client() as client:
        assert client.upgrade("/nowhere/ws").status == 404
    for path in ("/nowhere/x", "/a/do/hang", "/a/do/close", "/a/do/status/503"):
        proxy.ask(path)
    for words in ("404 GET /nowhere/ws", "404 GET /nowhere/x", "503 GET /a/do/hang", "503 GET /a/do/close"):
        assert proxy.says(words), proxy.log()
    assert "/a/do/status/503" not in proxy.log()  # is a server's answer as any


def test_to_the_standard_output(command: list[str], one: Origin, kind: str) -> None:
    """Whoever starts it waits for these words there."""
    port = free_port()
    where = ["--ip", "127.0.0.1", "--port", str(port), "--api-port", str(free_port())]
    process = subprocess.Popen(
        [*command, *where, "--default-target", one.url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        seen = b""
        while b"Route added /" not in seen:
            seen += (line := process.stdout.readline())
            assert line, seen
        assert accepts(port) or (kind == "chp" and eventually(lambda: accepts(port)))  # and asks at once
        assert ask(port, "/x").status == 200
    finally:
        process.terminate()
        process.wait(WAIT)
        process.stdout.close()


@pytest.mark.parametrize(("level", "silent"), [("error", True), ("warn", True), ("DEBUG", False)])
def test_log_level(start: Start, one: Origin, level: str, silent: bool) -> None:
    proxy = start("--default-target", one.url, "--log-level", level)
    assert proxy.ask("/x").status == 200
    if silent:
        assert proxy.routes()["/"]["target"] == one.url
        assert "Route added" not in proxy.log()
    else:
        assert proxy.says("Route added"), proxy.log()


# ------------------------------------------------------------------ how it ends


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals(start: Start, one: Origin, tmp_path: Path, number: signal.Signals) -> None:
    """It ends at once, even with open connections, and takes its pid file with it."""
    pid_file = tmp_path / "pid"
    proxy = start("--pid-file", str(pid_file), "--default-target", one.url)
    assert pid_file.read_text().strip() == str(proxy.process.pid)
    with proxy.client() as idle, proxy.client() as tunnel:
        assert idle.ask("/x").status == 200
        assert tunnel.upgrade("/do/ws").status == 101
        os.kill(proxy.process.pid, number)
        began = time.monotonic()
        assert eventually(lambda: proxy.process.exited() is not None)
        assert time.monotonic() - began < 9  # a tunnel could go on for ever
    assert proxy.process.exited() == expected(proxy.kind, "terminated-status")
    assert not pid_file.exists()
    assert not accepts(proxy.port)
    assert not accepts(proxy.api_port)


def test_a_port_in_use(command: list[str], proxy: Proxy) -> None:
    """Whoever starts it must learn that it does not serve: it ends."""
    where = ["--ip", "127.0.0.1", "--port", str(proxy.port), "--api-port", str(free_port())]
    process = subprocess.Popen([*command, *where], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        process.wait(WAIT if expected(proxy.kind, "port-in-use-ends") else 3)
        ended = True
    except subprocess.TimeoutExpired:
        ended = False
        process.terminate()
    said, _ = process.communicate(timeout=WAIT)
    assert re.search("already in use", said)
    assert ended == expected(proxy.kind, "port-in-use-ends")


# ------------------------------------------------------------------ timeouts


def test_proxy_timeout(start: Start, one: Origin) -> None:
    """A server that does not answer in time."""
    proxy = start("--proxy-timeout", "1000", "--default-target", one.url)
    assert proxy.ask("/x").status == 200
    assert proxy.ask("/do/wait/0.1").status == 200
    began = time.monotonic()
    got = proxy.ask("/do/hang")
    assert got.status == 503
    assert 0.9 < time.monotonic() - began < 1 + LATE


def test_timeout(start: Start, one: Origin) -> None:
    """A connection on which nothing moves is dropped."""
    proxy = start("--timeout", "1000", "--default-target", one.url)
    assert proxy.ask("/x").status == 200
    with proxy.client() as client:
        began = time.monotonic()
        client.send(b"GET /do/hang HTTP/1.1\r\nHost: a\r\n\r\n")
        got = client.head()
        assert (None if got is None else int(got.first[1])) == expected(proxy.kind, "timeout-status")
        assert 0.9 < time.monotonic() - began < 1 + LATE
    with proxy.client() as client:
        began = time.monotonic()
        client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
        client.head()
        assert 0.9 < time.monotonic() - began < 1 + LATE


def test_timeout_is_not_of_websockets(start: Start, one: Origin) -> None:
    proxy = start("--timeout", "500", "--proxy-timeout", "500", "--default-target", one.url)
    with proxy.client() as client:
        assert client.upgrade("/do/ws").status == 101
        time.sleep(1.2)
        client.send(b"still there")
        assert client.exactly(11) == b"still there"


def test_keep_alive_timeout(start: Start, one: Origin) -> None:
    proxy = start("--keep-alive-timeout", "200", "--default-target", one.url)
    with proxy.client() as client:
        began = time.monotonic()
        assert client.ask("/x").status == 200
        assert client.ended()
        assert time.monotonic() - began > 0.1


# ------------------------------------------------------------------ redirection


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    file = tmp_path_factory.mktemp("pair") / "pair.pem"
    trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(file))
    return ["--ssl-key", str(file), "--ssl-cert", str(file)]


@pytest.mark.parametrize("to", [None, "8443", "443"])
def test_redirection(start: Start, pair: list[str], to: str | None, one: Origin) -> None:
    proxy = start(*pair, "--redirect-port", "{free}", *(["--redirect-to", to] if to else []))
    plain = proxy.other_port
    shown = to or str(proxy.port)
    assert eventually(lambda: f"Added HTTP to HTTPS redirection from {plain} to {shown}" in proxy.log()), proxy.log()
    with Client(plain) as client:
        client.send(b"GET /a%20b?c=d HTTP/1.1\r\nHost: hub.example:80\r\n\r\n")
        got = client.response()
    suffix = expected(proxy.kind, "redirect-to-443") if to == "443" else f":{shown}"
    assert (got.status, got.get(b"location")) == (301, f"https://hub.example{suffix}/a%20b?c=d".encode())
    with Client(plain) as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.response().status == 400
    try:
        Client(plain, host="127.0.0.2").close()
        reached = True
    except ConnectionRefusedError:
        reached = False
    assert reached == expected(proxy.kind, "redirect-elsewhere")


def test_no_redirection_to_a_socket(start: Start, pair: list[str], tmp_path: Path) -> None:
    """There is no port that it could lead to."""
    proxy = start(*pair, "--redirect-port", "{free}", socket_path=str(tmp_path / "s"))
    assert not accepts(proxy.other_port)
