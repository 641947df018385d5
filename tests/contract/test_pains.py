"""What users of configurable-http-proxy suffer from (its issues are named), and need not here.

It fails there, which PAINS=1 shows (`make pains`): what is marked is expected to fail on it, for the reason given.
"""

from __future__ import annotations

import contextlib
import os
import signal
import ssl
import statistics
import subprocess
import threading
import time
from pathlib import Path

import pytest
import trustme
from tests.contract.conftest import Start
from tests.contract.parts import Proxy
from tests.server.parts import Client, Conversation, Origin, answer, eventually

from perijove.demo.processes import descendants


@pytest.fixture(autouse=True)
def _expected(request: pytest.FixtureRequest, kind: str) -> None:
    mark = request.node.get_closest_marker("pain")
    if kind == "chp" and mark is not None:
        request.node.add_marker(pytest.mark.xfail(reason=mark.args[0], strict=True, raises=(AssertionError, TimeoutError)))


def descriptors(proxy: Proxy) -> int:
    """How many a command's processes hold."""
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in (proxy.process.pid, *descendants(proxy.process.pid)))


# ------------------------------------------------------------------ servers that die


@pytest.mark.pain("the client waits for the rest for ever: the end of the server's connection is not passed on")
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_server_that_dies_in_the_middle_of_an_answer(proxy: Proxy, base: str, one: Origin, framing: str) -> None:
    """jupyterhub issue 3355 and others: cells, downloads and pages that hang until the tab is closed."""
    proxy.add(base, one.url)
    with proxy.client() as client:
        client.sock.settimeout(3)
        client.send(f"GET {base}/do/cut/{framing} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert client.until(b"first").endswith(b"first")
        rest = b""
        with contextlib.suppress(ConnectionResetError):
            rest = client.rest()  # it ends; raises TimeoutError if it does not
        assert b"0\r\n\r\n" not in rest  # and does not look complete


@pytest.mark.pain("one process does all: when it is gone, so is the table, until the hub starts another")
def test_the_proxy_itself_dies(start: Start, one: Origin) -> None:
    """What serves is killed, as for want of memory."""
    proxy = start()
    proxy.add("/user/a", one.url)
    os.kill(next(iter(descendants(proxy.process.pid)), proxy.process.pid), signal.SIGKILL)

    def served() -> bool:
        with contextlib.suppress(OSError, AssertionError):
            return proxy.ask("/user/a").status == 200
        return False

    time.sleep(0.1)
    assert eventually(served, 10)


def forgetful(conversation: Conversation) -> None:
    """A server that closes a kept connection just when the next request comes: Tornado after its idle timeout."""
    if conversation.head() is not None:
        conversation.send(answer(b"hello"))
        conversation.head()


@pytest.mark.pain("a request on a kept connection that the server closes is answered 503, never repeated")
def test_a_kept_connection_that_is_stale(proxy: Proxy, base: str) -> None:
    """jupyterhub issue 623 and 1244, `socket hang up`."""
    origin = Origin(forgetful)
    try:
        proxy.add(base, origin.url)
        assert [proxy.ask(base).status for _ in range(10)] == [200] * 10
    finally:
        origin.stop()


# ------------------------------------------------------------------ what leaks


@pytest.mark.pain("the connection to the server stays open when the client has gone before the upgrade was answered")
def test_websockets_given_up_before_they_began(proxy: Proxy, base: str, one: Origin) -> None:
    """configurable-http-proxy issues 388 and 434: sockets that grow over weeks."""
    proxy.add(base, one.url)
    proxy.ask(base)
    before, open_before, asked = descriptors(proxy), len(one.open), one.handler.heads  # type: ignore[attr-defined]
    for _ in range(30):
        client, heard = proxy.client(), len(asked)
        client.send(
            f"GET {base}/do/hang HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n".encode()
        )
        assert eventually(lambda least=heard: len(asked) > least, 3)
        client.reset()
    assert eventually(lambda: len(one.open) <= open_before + 1, 3), len(one.open)
    assert eventually(lambda: descriptors(proxy) <= before + 3, 3), (before, descriptors(proxy))


@pytest.mark.pain("the connection of a WebSocket that has no route is kept open for as long as the client likes")
def test_websockets_that_have_no_route(start: Start) -> None:
    """A closed laptop whose notebook was culled asks again and again."""
    proxy = start("--keep-alive-timeout", "300")
    before = descriptors(proxy)
    with contextlib.ExitStack() as clients:
        for _ in range(30):
            assert clients.enter_context(proxy.client()).upgrade("/culled/api/kernels/x/channels").status == 404
        assert eventually(lambda: descriptors(proxy) <= before + 3, 3), (before, descriptors(proxy))


# ------------------------------------------------------------------ certificates


@pytest.mark.pain("the certificate that was there at the start is shown until it is restarted")
def test_a_renewed_certificate(start: Start, one: Origin, tmp_path: Path) -> None:
    """configurable-http-proxy issue 107, open since 2017. What runs is not cut by it."""
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)

    def issue() -> bytes:
        issued = authority.issue_cert("localhost")
        for name, text in (("key", issued.private_key_pem.bytes()), ("cert", issued.cert_chain_pems[0].bytes())):
            (tmp_path / f"{name}.new").write_bytes(text)
            os.replace(tmp_path / f"{name}.new", tmp_path / f"{name}.pem")
        return ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())

    first = issue()
    files = ["--ssl-key", str(tmp_path / "key.pem"), "--ssl-cert", str(tmp_path / "cert.pem")]
    proxy = start(*files, "--default-target", one.url, tls=context)

    def shown() -> bytes | None:
        with proxy.client() as client:
            return client.sock.getpeercert(binary_form=True)  # type: ignore[attr-defined]

    with proxy.client() as tunnel:
        assert tunnel.upgrade("/do/ws").status == 101
        assert shown() == first
        second = issue()
        assert eventually(lambda: shown() == second, 10)
        tunnel.send(b"still there")
        assert tunnel.exactly(11) == b"still there"


# ------------------------------------------------------------------ many at once


def test_the_api_while_many_log_in(start: Start, one: Origin, tmp_path: Path) -> None:
    """jupyterhub issue 1203: spawns fail when the hub cannot add their routes in time.

    64 browsers that begin TLS all the time, with a key that takes milliseconds: a change of routes does not stand behind them.
    """
    files = [str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")]
    new = ["openssl", "req", "-x509", "-newkey", "rsa:4096", "-nodes", "-keyout", files[0], "-out", files[1]]
    subprocess.run([*new, "-subj", "/CN=localhost", "-days", "2"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    proxy = start("--ssl-key", files[0], "--ssl-cert", files[1])
    over = threading.Event()

    def log_in() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError), Client(proxy.port, tls=context):
                pass

    threads = [threading.Thread(target=log_in) for _ in range(64)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        took = []
        for number in range(20):
            began = time.perf_counter()
            proxy.add(f"/user/{number}", one.url)
            took.append(time.perf_counter() - began)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert statistics.median(took) < 0.25, sorted(took)
