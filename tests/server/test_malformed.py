"""Attacks on framing, over the wire: each is refused with its status and a close, and what hides behind it is never served.

The table is that of the head's own tests, with the ones beside it that need content. A relay that copies bytes is the peer that
is known to fail: the same judge must find fault with it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from tests.server.parts import LATE, Application, Client, Conversation, Front, Origin, ask
from tests.unit.engine.test_head import BAD_RESPONSES, GET, REFUSED

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
IN_CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"

# Content that is broken after a head that is not: the request has begun to go on, so its upstream connection is lost with it.
BROKEN = {
    "size is no number": IN_CHUNKS + b"x\r\n\r\n",
    "size is negative": IN_CHUNKS + b"-1\r\n\r\n",
    "size is signed": IN_CHUNKS + b"+1\r\na\r\n0\r\n\r\n",
    "size with 0x": IN_CHUNKS + b"0x1\r\na\r\n0\r\n\r\n",
    "size with an underscore": IN_CHUNKS + b"1_0\r\na\r\n0\r\n\r\n",
    "size too large": IN_CHUNKS + b"ffffffffffffffffff\r\n",
    "size wraps to 1": IN_CHUNKS + b"10000000000000001\r\na\r\n0\r\n\r\n",
    "bare LF after the size": IN_CHUNKS + b"1\na\r\n0\r\n\r\n",
    "bare CR after the size": IN_CHUNKS + b"1\ra\r\n0\r\n\r\n",
    "bare LF in an extension": IN_CHUNKS + b"1;a\nb\r\na\r\n0\r\n\r\n",
    "no CRLF after the content": IN_CHUNKS + b"1\r\nab\r\n0\r\n\r\n",
    "LF after the content": IN_CHUNKS + b"1\r\na\n0\r\n\r\n",
    "folded trailer": IN_CHUNKS + b"0\r\nA: b\r\n c\r\n\r\n",
    "trailer without a colon": IN_CHUNKS + b"0\r\nA\r\n\r\n",
    "endless extension": IN_CHUNKS + b"1;" + b"a" * 100_000,
    "endless trailer": IN_CHUNKS + b"0\r\n" + b"A: b\r\n" * 30_000,
}
TOO_LARGE = {
    "request line": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a field": (GET + b"A: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "fields": (GET + b"A: b\r\n" * 300 + b"\r\n", 431),
    "a header without an end": (GET + b"A: b\r\n" * 30_000, 431),
}


class Relay:
    """Copies bytes between a client and a server, as a proxy must not."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self._to)) as server:
                client.settimeout(0.3)
                server.settimeout(0.3)
                for source, to in ((client, server), (server, client)):
                    try:
                        while data := source.recv(65536):
                            to.sendall(data)
                    except OSError:
                        continue

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def relay(origin: Origin) -> Iterator[Relay]:
    made = Relay(origin.port)
    yield made
    made.stop()


def fault(port: int, application: Application, attack: bytes, status: int) -> str:
    """Send an attack with a request hidden behind it; return what is wrong with what happens, or nothing."""
    with Client(port) as client:
        try:
            client.send(attack + HIDDEN)
            got = client.response()
        except (ConnectionError, AssertionError, TimeoutError) as error:
            return f"no response: {error!r}"
        if got.status != status:
            return f"status {got.status}"
        if got.get(b"connection") != b"close":
            return "the connection is said to go on"
        if not client.ended(LATE):
            return "the connection goes on"
    if any(head.target == b"/hidden" for head in application.heads):
        return "the hidden request was served"
    return ""


ATTACKS = {
    **REFUSED,
    **{f"chunked: {name}": (data, 400) for name, data in BROKEN.items()},
    **{f"too large: {name}": one for name, one in TOO_LARGE.items()},
}


def test_attacks(front: Front, application: Application) -> None:
    faults = {name: fault(front.port, application, data, status) for name, (data, status) in ATTACKS.items()}
    assert {name: why for name, why in faults.items() if why} == {}
    assert ask(front.port).status == 200
    assert all(b"\n" not in value for head in application.heads for _, value in head.fields)


def test_the_judge_finds_fault_with_a_relay(relay: Relay, origin: Origin, application: Application) -> None:
    for name in ("two lengths", "length and coding", "coding list", "no Host", "chunked: no CRLF after the content"):
        data, status = ATTACKS[name]
        assert fault(relay.port, application, data, status), name
    origin.faults.clear()  # it was hit


def test_bad_responses(fronts: Callable[..., Front], origins: Callable[..., Origin]) -> None:
    """What upstream garbles is a 502 of ours, and nothing of it reaches the client."""
    say = [b""]

    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(say[0])

    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origins(handler).url}"')
    for name, data in BAD_RESPONSES.items():
        say[0] = data
        got = ask(front.port)
        assert got.status == 502, name
        assert data[-20:] not in got.content, name


def test_hop_by_hop_and_owned_fields(front: Front, application: Application) -> None:
    """What a client says of itself, of the connection or of us stays behind; ours is there once."""
    spoofs = (
        b"Connection: X-Secret, Cookie, close-not\r\nX-Secret: 1\r\nCookie: a=b\r\nKeep-Alive: 5\r\nTE: gzip\r\nTrailer: Host\r\n"
        b"Proxy-Authorization: Basic eA==\r\nProxy-Connection: close\r\nProxy: http://evil\r\n"
        b"X-Forwarded-For: 1.1.1.1\r\nx-forwarded-proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\n"
        b"X_Forwarded_For: 2.2.2.2\r\nX-Forwarded_Proto: https\r\nX-Forwarded-Server: evil\r\nX-Forwarded-Ssl: on\r\n"
        b"X-Scheme: https\r\nX-Real-IP: 1.1.1.1\r\nX_Real_IP: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\n"
    )
    assert ask(front.port, fields=spoofs).status == 200
    head = application.heads[-1]
    assert sorted(name for name, _ in head.fields) == [
        b"host", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto", b"x-real-ip", b"x-scheme",
    ]  # fmt: skip
    wanted = {
        b"x-forwarded-for": b"127.0.0.1",
        b"x-real-ip": b"127.0.0.1",
        b"x-forwarded-proto": b"http",
        b"x-scheme": b"http",
        b"x-forwarded-host": b"hub.example:8443",
        b"x-forwarded-port": b"8443",
    }
    assert {name: head.get(name) for name in wanted} == wanted


def test_a_trusted_peer_is_believed(fronts: Callable[..., Front], origin: Origin, application: Application) -> None:
    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\ntrust = "127.0.0.0/8"')
    said = b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: public.example\r\nX-Forwarded-Port: 443\r\n"
    assert ask(front.port, fields=said).status == 200
    head = application.heads[-1]
    assert head.get(b"x-forwarded-for") == b"192.0.2.7, 127.0.0.1"
    assert head.all(b"x-forwarded-proto") == [b"https"]
    assert head.all(b"x-forwarded-host") == [b"public.example"]
    assert head.all(b"x-forwarded-port") == [b"443"]
    assert head.all(b"x-real-ip") == [b"192.0.2.7"]
    # Of a chain, the last that is no trusted proxy is the client; what it said itself is for nobody to believe.
    ask(front.port, fields=b"X-Forwarded-For: 1.1.1.1, 192.0.2.7, 127.0.0.9\r\n")
    assert application.heads[-1].get(b"x-real-ip") == b"192.0.2.7"


def test_a_set_host_is_the_only_one(fronts: Callable[..., Front], origin: Origin, application: Application) -> None:
    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\n[[route]]\nto = "{origin.url}"\npreserve-host = false\nrequest-fields.set.Host = "mine"\n'
    )
    for request in (b"GET / HTTP/1.1\r\nHost: a\r\n", b"GET http://b/ HTTP/1.1\r\nHost: a\r\n", b"GET / HTTP/1.0\r\n"):
        with Client(front.port) as client:
            client.send(request + b"\r\n")
            assert client.response().status == 200
        assert application.heads[-1].all(b"host") == [b"mine"]


def test_paths_that_leave_their_route(fronts: Callable[..., Front], origin: Origin, application: Application) -> None:
    """Whatever the upstream may read a path as, it stays below the prefix that was opened."""
    front = fronts(f'listen = "127.0.0.1:{{port}}"\n[[route]]\npath = "/open/"\nto = "{origin.url}"\n')
    escapes = (
        "/open/../secret", "/open/%2e%2e/secret", "/open/..%2fsecret", "/open/%2E%2E%2Fsecret", "/open/./../secret",
        "/open//../../secret", "/open/a/../../secret", "/open/%2e./secret", "/../open/../secret",
    )  # fmt: skip
    for target in escapes:
        assert ask(front.port, target).status in (400, 404), target
    assert application.heads == []
    for target in ("/secret", "/opened", "/%6fpen2/x", "//secret/open/"):
        assert ask(front.port, target).status in (400, 404), target
    assert application.heads == []
    assert ask(front.port, "/open/a/../b").status == 200
