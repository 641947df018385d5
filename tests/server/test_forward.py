"""perijove as a forward proxy, over the wire: absolute URLs, tunnels, and who and what is refused."""

from __future__ import annotations

import contextlib
import http.client
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.server.parts import WAIT, Application, Origin, eventually

from perijove.demo.processes import Process, free_port

Start = Callable[[str], int]


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Start]:
    """Start perijoves with an Apache configuration; each answers on the port that is returned."""
    made: list[Process] = []

    def start(text: str) -> int:
        port = free_port()
        file = tmp_path / f"{port}.conf"
        file.write_text(f"Listen 127.0.0.1:{port}\nProxyRequests On\n{text}\n")
        process = Process("perijove", [sys.executable, "-m", "perijove", "serve", str(file)], tmp_path / f"{port}.log")
        made.append(process)
        assert eventually(lambda: "listening on" in process.log.read_text() or process.exited() is not None, WAIT)
        assert process.exited() is None, process.log.read_text()
        return port

    yield start
    for one in made:
        one.stop(5.0)


def get(port: int, url: str, **headers: str) -> int:
    """Ask a proxy for a URL; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
    with contextlib.closing(connection):
        connection.request("GET", url, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def connect(port: int, to: int) -> tuple[socket.socket, bytes]:
    """Ask a proxy for a tunnel; return it with the head of the answer."""
    client = socket.create_connection(("127.0.0.1", port), WAIT)
    client.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % (to, to))
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(4096)
        if not piece:
            break
        head += piece
    return client, head


def test_a_url_is_fetched(proxy: Start, origin: Origin, application: Application) -> None:
    port = proxy('<Proxy "*">\nRequire local\n</Proxy>')
    assert get(port, f"http://127.0.0.1:{origin.port}/hello?x=1") == 200
    (head,) = application.heads
    assert head.first[1] == b"/hello?x=1"
    names = {name for name, _ in head.fields}
    assert b"x-forwarded-for" not in names


def test_a_password(proxy: Start, origin: Origin, application: Application, tmp_path: Path) -> None:
    (tmp_path / "users").write_text("alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n")  # password
    port = proxy(f'<Proxy "*">\nAuthType Basic\nAuthName f\nAuthUserFile {tmp_path / "users"}\nRequire valid-user\n</Proxy>')
    url = f"http://127.0.0.1:{origin.port}/"
    assert get(port, url) == 407
    assert get(port, url, Authorization="Basic YWxpY2U6cGFzc3dvcmQ=") == 407  # that is for the server
    assert not application.heads
    assert get(port, url, **{"Proxy-Authorization": "Basic YWxpY2U6cGFzc3dvcmQ="}) == 200
    (head,) = application.heads
    assert b"proxy-authorization" not in {name for name, _ in head.fields}


def test_who_may_not(proxy: Start, origin: Origin, application: Application) -> None:
    port = proxy(f'AllowCONNECT {origin.port}\n<Proxy "*">\nRequire ip 192.0.2.0/24\n</Proxy>')
    assert get(port, f"http://127.0.0.1:{origin.port}/") == 403
    client, head = connect(port, origin.port)
    client.close()
    assert head.startswith(b"HTTP/1.1 403 ")
    assert not application.heads


def test_a_tunnel(proxy: Start, origin: Origin, application: Application) -> None:
    port = proxy(f'AllowCONNECT {origin.port}\n<Proxy "*">\nRequire local\n</Proxy>')
    client, head = connect(port, origin.port)
    assert head.startswith(b"HTTP/1.1 200 ")
    client.sendall(b"GET /in HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    client.settimeout(WAIT)
    answer = b""
    with client:
        while b"\r\n\r\n" not in answer and (piece := client.recv(65536)):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert application.heads[0].first[1] == b"/in"


def test_ports_and_hosts_that_are_not_allowed(proxy: Start, origin: Origin, application: Application) -> None:
    port = proxy('ProxyBlock blocked.invalid\n<Proxy "*">\nRequire local\n</Proxy>')
    client, head = connect(port, origin.port)  # neither 443 nor 563
    client.close()
    assert head.startswith(b"HTTP/1.1 403 ")
    assert get(port, "http://blocked.invalid/") in (403, 500)  # httpd looks the name up first
    assert not application.heads
