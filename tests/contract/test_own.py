"""What only perijove has, with the same contract: workers side by side, and whom it believes."""

from __future__ import annotations

import os
import shlex
import signal
import ssl
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import trustme
from cryptography import x509
from tests.contract.conftest import Start
from tests.contract.parts import TOKEN, Reporter, accepts, report
from tests.server.parts import WAIT, Client, Origin, ask, eventually, workers

from perijove.demo.processes import free_port

PASSWORD = "X9f-a-password-of-a-key"
SIDES = (("ssl", "public"), ("api-ssl", "api"), ("client-ssl", "client"))


def test_a_change_is_answered_when_all_workers_have_made_it(start: Start, one: Origin) -> None:
    proxy = start("--workers", "2")
    assert len(workers(proxy.process.pid)) == 2
    for number in range(30):
        path = f"/user/{number}"
        proxy.add(path, one.url)
        assert [proxy.ask(path).status for _ in range(4)] == [200] * 4
        assert proxy.delete(path) == 204
        assert [proxy.ask(path).status for _ in range(4)] == [404] * 4


def test_activity_of_all_workers(start: Start, one: Origin) -> None:
    proxy = start("--workers", "2")
    proxy.add("/a", one.url)
    for _ in range(10):  # whichever worker it is
        before = proxy.activity("/a")
        time.sleep(0.005)
        proxy.ask("/a")
        assert eventually(lambda was=before: proxy.activity("/a") > was)


def test_a_worker_that_comes_later_knows_the_routes(start: Start, one: Origin) -> None:
    """And when they were of use."""
    proxy = start("--workers", "2", "--default-target", one.url)
    proxy.add("/a", one.url, user="a")
    proxy.ask("/a")
    before, told = workers(proxy.process.pid), proxy.route("/a")
    os.kill(before[0], signal.SIGKILL)
    assert eventually(lambda: len(workers(proxy.process.pid)) == 2 and before[0] not in workers(proxy.process.pid))
    proxy.add("/b", one.url)
    assert proxy.delete("/b") == 204
    assert [report(proxy.ask("/a/x")).target for _ in range(8)] == ["/a/x"] * 8
    assert proxy.ask("/b").status == 200  # of the root
    assert {**proxy.route("/a"), "last_activity": ""} == {**told, "last_activity": ""}
    assert proxy.route("/a")["last_activity"] >= told["last_activity"]


def test_a_reload(start: Start, one: Origin) -> None:
    proxy = start()
    proxy.add("/a", one.url)
    with proxy.client() as tunnel:
        assert tunnel.upgrade("/a/do/ws").status == 101
        os.kill(proxy.process.pid, signal.SIGHUP)
        assert proxy.says("reloaded")
        assert [proxy.ask("/a").status for _ in range(4)] == [200] * 4
        proxy.add("/b", one.url)
        assert proxy.ask("/b").status == 200
        tunnel.send(b"still there")
        assert tunnel.exactly(11) == b"still there"


def test_trust_none(start: Start, one: Origin) -> None:
    proxy = start("--trust", "none")
    proxy.add("/a", one.url)
    fields = b"X-Forwarded-For: 203.0.113.5\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: outer.example\r\nX-Forwarded-Port: 1\r\n"
    got = report(proxy.ask("/a", fields=fields))
    assert [got.get(f"x-forwarded-{name}") for name in ("for", "proto", "host", "port")] == [
        "127.0.0.1",
        "http",
        "hub.example:8443",
        "8443",
    ]


def test_a_log_that_nobody_reads_holds_nobody_up(one: Origin) -> None:
    """Neither the API, nor requests that fail. Standard output is a pipe that is full after some lines.

    Seen to fail with `logging.StreamHandler(sys.stdout)`, which waits.
    """
    port, api = free_port(), free_port()
    where = ["--ip", "127.0.0.1", "--port", str(port), "--api-port", str(api), "--default-target", one.url]
    env = {name: value for name, value in os.environ.items() if name != "CONFIGPROXY_AUTH_TOKEN"}
    command = [sys.executable, "-m", "perijove", "chp", *where]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
    try:
        assert eventually(lambda: accepts(port) and accepts(api), WAIT)
        path = "/" + "long" * 500
        for _ in range(60):
            assert ask(api, f"/api/routes{path}").status == 404
        body = b'{"target": "http://127.0.0.1:9"}'
        with Client(api) as client:
            assert client.ask("/api/routes/down", method="POST", content=body).status == 201
        for number in range(60):
            assert ask(port, f"/down/{number}{path}").status == 503
        assert ask(port, "/x").status == 200
        assert ask(api, "/api/routes/down").status == 200
    finally:
        process.terminate()
        process.wait(WAIT)
        assert process.stdout is not None
        said = process.stdout.read()
        process.stdout.close()
    assert b"404 GET /api/routes/long" in said
    assert len(said) < 200_000


def test_it_may_have_no_standard_output(one: Origin) -> None:
    port = free_port()
    words = shlex.join([sys.executable, "-m", "perijove", "chp", "--ip", "127.0.0.1", "--default-target", one.url])
    command = f"exec {words} --port {port} --api-port {free_port()} >&-"
    process = subprocess.Popen(["sh", "-c", command], stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: accepts(port), WAIT)
        assert ask(port, "/x").status == 200
        os.kill(process.pid, 0)
    finally:
        process.terminate()
        assert process.wait(WAIT) == 0


def test_certificates_are_renewed_on_all_sides(start: Start, one: Origin, tmp_path: Path) -> None:
    """Of the public side, of the API, and of ours that servers ask for; what runs is not cut."""
    authority, other = trustme.CA(), trustme.CA()

    def renew(by: trustme.CA = authority) -> None:
        for name in ("public", "api", "client"):
            by.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / f"{name}.pem"))

    def issuer(port: int) -> str:
        pem = ssl.get_server_certificate(("127.0.0.1", port))
        return x509.load_pem_x509_certificate(pem.encode()).issuer.rfc4514_string()

    wanted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(wanted)
    other.configure_trust(wanted)
    wanted.verify_mode = ssl.CERT_REQUIRED
    server = Origin(Reporter("server"), tls=wanted)
    renew()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context()
    for each in (authority, other):
        each.configure_trust(context)
    files = [f"--{side}-{kind}={tmp_path / name}.pem" for side, name in SIDES for kind in ("key", "cert")]
    proxy = start(*files, f"--client-ssl-ca={tmp_path / 'ca.pem'}", tls=context, api_tls=context)
    try:
        proxy.add("/plain", one.url)
        proxy.add("/secure", server.url)
        assert proxy.ask("/secure").status == 503  # it does not know who vouches for us
        before = issuer(proxy.port), issuer(proxy.api_port)
        with proxy.client() as tunnel:
            assert tunnel.upgrade("/plain/do/ws").status == 101
            renew(other)
            assert proxy.says("certificates have changed: the new ones are used")
            assert {issuer(proxy.port), issuer(proxy.api_port)}.isdisjoint(before)
            assert proxy.ask("/secure").status == 200
            assert proxy.route("/plain")["target"] == one.url
            tunnel.send(b"still there")
            assert tunnel.exactly(11) == b"still there"
        (tmp_path / "api.pem").write_text("nonsense")
        assert proxy.says("cannot be used")
        assert proxy.route("/plain")["target"] == one.url
    finally:
        server.stop()


def test_workers_do_not_know_what_they_need_not(start: Start, tmp_path: Path) -> None:
    """The API's key and its password are the supervisor's."""
    key = trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.bytes()
    (tmp_path / "api.pem").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    pair = [f"--api-ssl-{kind}={tmp_path / 'api.pem'}" for kind in ("key", "cert")]
    proxy = start(*pair, api_tls=context, env={"CONFIGPROXY_API_SSL_KEY_PASSPHRASE": PASSWORD})
    (worker,) = workers(proxy.process.pid)
    assert TOKEN.encode() in memory(proxy.process.pid)
    found = memory(worker)
    assert b"perijove" in found
    for secret in (TOKEN.encode(), PASSWORD.encode(), key.splitlines()[1]):
        assert secret not in found


def memory(pid: int) -> bytes:
    """What a process has written to its memory."""
    found = b""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            where, rights, _, _, inode, *_ = line.split()
            if rights.startswith("rw") and inode == "0":
                begin, end = (int(one, 16) for one in where.split("-"))
                file.seek(begin)
                with suppress(OSError):
                    found += file.read(end - begin)
    return found
