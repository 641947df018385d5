"""The PROXY protocol over real sockets: a listed balancer must speak it, anybody else cannot."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.server.parts import LATE, Answer, Application, Client, Front, Origin, eventually

V1 = b"PROXY TCP4 192.0.2.7 10.0.0.1 50000 443\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V2 = SIGNATURE + b"\x21\x11\x00\x0f" + bytes([192, 0, 2, 7, 10, 0, 0, 1]) + b"\xc3\x50\x01\xbb" + b"\x04\0\0"
V2_IPV6 = SIGNATURE + b"\x21\x21\x00\x24" + bytes.fromhex("20010db8" + "00" * 11 + "07") + bytes(16) + b"\xc3\x50\x01\xbb"
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
UNIX = SIGNATURE + b"\x21\x31\x00\xd8" + bytes(216)
GET = b"GET /seen HTTP/1.1\r\nHost: hub.example\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"

Start = Callable[..., Front]


@pytest.fixture
def start(fronts: Callable[..., Front], origin: Origin, certificate: dict[str, Path], tmp_path: Path) -> Start:
    """Start perijove with these balancers."""

    def begin(text: str = 'proxy-protocol = "127.0.0.0/8"', tls: bool = False, listen: str = '"127.0.0.1:{port}"') -> Front:
        pair = certificate["pair"]
        return fronts(
            f'listen = {listen}\nto = "{origin.url}"\naccess-log = "{tmp_path / "access.log"}"\n{text}\n'
            + ("" if "[timeouts]" in text else '[timeouts]\nhandshake = "60s"\n')
            + (f'[tls]\ncert = "{pair}"\nkey = "{pair}"\n' if tls else "")
        )

    return begin


@contextlib.contextmanager
def announced(front: Front, header: bytes, tls: ssl.SSLContext | None = None, pieces: int = 0) -> Iterator[Client]:
    """A client behind a balancer that begins with `header`, in pieces of so many octets."""
    client = Client(front.port)
    step = pieces or len(header) or 1
    for at in range(0, len(header), step):
        client.send(header[at : at + step])
        if pieces:
            time.sleep(0.01)
    if tls is not None:
        client.sock = tls.wrap_socket(client.sock, server_hostname="localhost")
    with client:
        yield client


def seen(answer: Answer) -> list[bytes]:
    """What the upstream was told of the client's address."""
    assert answer.status == 200
    lines = [one.partition(b": ") for one in answer.content.split(b"\r\n")]
    return [value for name, _, value in lines if name.lower() == b"x-forwarded-for"]


@pytest.mark.parametrize("over_tls", [False, True])
def test_the_address_is_the_clients(over_tls: bool, start: Start, client_tls: ssl.SSLContext, tmp_path: Path) -> None:
    front = start(tls=over_tls)
    tls = client_tls if over_tls else None
    for header, address in (
        (V1, b"192.0.2.7"),
        (V2, b"192.0.2.7"),
        (V2_IPV6, b"2001:db8::7"),
        (LOCAL, b"127.0.0.1"),
        (b"PROXY UNKNOWN\r\n", b"127.0.0.1"),
    ):
        for pieces in (0, 1, 13):
            with announced(front, header, tls, pieces) as client:
                for _ in range(2):
                    client.send(GET)
                    assert seen(client.response()) == [address]
    log = tmp_path / "access.log"
    assert eventually(lambda: log.read_text().count("\n") == 30)
    addresses = [line.split(" ")[0] for line in log.read_text().splitlines()]
    assert addresses == ["192.0.2.7"] * 12 + ["2001:db8::7"] * 6 + ["127.0.0.1"] * 12


def test_header_and_request_in_one_piece(start: Start) -> None:
    front = start()
    for header in (V1, V2):
        with announced(front, header + GET + GET) as client:
            assert seen(client.response()) == seen(client.response()) == [b"192.0.2.7"]


def test_header_and_handshake_in_one_piece(start: Start, client_tls: ssl.SSLContext) -> None:
    front = start(tls=True)
    for header in (V1, V2):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_tls.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        with Client(front.port) as client:
            client.send(header + outgoing.read())
            while True:
                incoming.write(client.sock.recv(65536))
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    continue
            tls.write(GET)
            client.send(outgoing.read())
            answer = b""
            while b"X-Forwarded-For: 192.0.2.7" not in answer:
                incoming.write(client.sock.recv(65536))
                with contextlib.suppress(ssl.SSLWantReadError):
                    answer += tls.read(65536)


def test_a_refusal_is_logged_with_the_clients_address(start: Start, tmp_path: Path) -> None:
    front = start()
    with announced(front, V2 + b"nonsense\r\n\r\n") as client:
        assert client.response().status == 400
    log = tmp_path / "access.log"
    assert eventually(lambda: log.read_text().startswith("192.0.2.7 "))


def test_trust_is_asked_for_the_clients_address(start: Start) -> None:
    front = start('proxy-protocol = "127.0.0.1"\ntrust = ["127.0.0.1", "2001:db8::/32"]')
    for header, expected in (
        (V2, b"192.0.2.7"),  # that the balancer is trusted says nothing of the client
        (V2_IPV6, b"203.0.113.9, 2001:db8::7"),
        (LOCAL, b"203.0.113.9, 127.0.0.1"),
    ):
        with announced(front, header + GET) as client:
            assert seen(client.response()) == [expected]
    with announced(front, UNIX + GET) as client:
        assert b"203.0.113.9" not in b"".join(seen(client.response()))


@pytest.mark.parametrize("header", [V1, V2])
@pytest.mark.parametrize("text", ["", 'proxy-protocol = ["10.0.0.0/8", "unix"]'])
def test_a_peer_that_is_not_listed(text: str, header: bytes, start: Start, application: Application) -> None:
    front = start(text)
    with announced(front, header + GET) as client:
        assert client.response().status == 400
    with announced(front, GET) as client:
        assert seen(client.response()) == [b"127.0.0.1"]
    assert len(application.heads) == 1


@pytest.mark.parametrize("over_tls", [False, True])
def test_a_listed_peer_must_send_one(
    over_tls: bool, start: Start, client_tls: ssl.SSLContext, application: Application
) -> None:
    front = start(tls=over_tls)
    broken = (GET, V1.replace(b"192.0.2.7", b"192.0.2.777") + GET, V2.replace(b"\x21\x11", b"\x21\x13") + GET, b"PROXY " * 18)
    for data in broken:
        with announced(front, data) as client:
            assert client.ended()
    with announced(front, V1[:20]) as client:
        client.sock.shutdown(socket.SHUT_WR)
        assert client.ended()
    with pytest.raises(OSError), announced(front, b"", client_tls):
        pass
    if not over_tls:
        with announced(front, V1 + V1 + GET) as client:  # one is enough
            assert client.response().status == 400
    assert application.heads == []


@pytest.mark.parametrize("over_tls", [False, True])
def test_a_slow_header(over_tls: bool, start: Start) -> None:
    front = start('proxy-protocol = "127.0.0.1"\n[timeouts]\nhandshake = "500ms"', tls=over_tls)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(announced(front, data)) for data in (V1[:1], V1[:-1], V2[:20])]
        clients.append(stack.enter_context(Client(front.port)))
        before, began = front.cpu(), time.monotonic()
        assert all(client.ended() for client in clients)
        assert 0.3 < time.monotonic() - began < 0.5 + LATE
        assert front.cpu() - before < 0.1  # a part of a header does not keep the loop awake


def test_a_unix_socket(start: Start, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    for text, header, expected in (
        ('proxy-protocol = ["unix"]', V2, [b"192.0.2.7"]),
        ('proxy-protocol = ["0.0.0.0/0", "::/0"]', b"", [b"203.0.113.9"]),  # nobody is announced, and the peer is trusted
    ):
        front = start(text, listen=f'["unix:{gate}", "127.0.0.1:{{port}}"]')
        with Client(0, path=str(gate)) as client:
            client.send(header + GET)
            assert seen(client.response()) == expected
        front.stop()


def test_reload(start: Start) -> None:
    front = start("")
    text = front.file.read_text()
    front.write('proxy-protocol = "127.0.0.1"\n' + text)
    front.signal(1)
    assert eventually(lambda: "reloaded" in front.log())
    with announced(front, V1 + GET) as client:
        assert seen(client.response()) == [b"192.0.2.7"]
