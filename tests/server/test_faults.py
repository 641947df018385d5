"""Whatever fails: the right answer, none that looks whole and is not, nothing sent twice that must not be, nothing lost."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.server.parts import LATE, WAIT, Client, Conversation, Front, Handler, Origin, answer, ask, eventually, pattern

from perijove.demo.processes import free_port

# Short, so that the tests are; far enough apart to tell which it was.
TIMEOUTS = "[timeouts]\nheader = 0.5\nbody = 0.5\nconnect = 0.5\nresponse = 1.0\nstream = 1.0\nwrite = 1.0\nkeepalive = 1.5\nlinger = 0.3\n"


@pytest.fixture
def before(fronts: Callable[..., Front], origins: Callable[..., Origin]) -> Callable[..., tuple[Front, Origin]]:
    """Start perijove in front of a server that does as it is told."""

    def start(handler: Handler, more: str = TIMEOUTS, **settings: object) -> tuple[Front, Origin]:
        origin = origins(handler, **settings)
        return fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\n{more}'), origin

    return start


Before = Callable[..., tuple[Front, Origin]]


def whole(port: int, version: bytes = b"1.1") -> str:
    """Read a response as a client would, and say what it would take it for."""
    with Client(port) as client:
        client.send(b"GET / HTTP/%b\r\nHost: a\r\n\r\n" % version)
        try:
            return f"whole: {client.response().status}"
        except ConnectionResetError:
            return "reset"
        except AssertionError:
            return "cut"


# ------------------------------------------------------------------ upstream dies

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"
CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize(
    ("head", "how"),
    [
        (LENGTH, "close"),
        (LENGTH, "reset"),
        (CHUNKED, "close"),
        (CHUNKED, "reset"),
        (CHUNKED + b"5\r\nab", "close"),
        (CLOSE, "reset"),
    ],
)
def test_killed_in_the_middle(before: Before, head: bytes, how: str, version: bytes) -> None:
    gone = threading.Event()

    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(head + b"some")
        gone.wait(0.2)
        getattr(conversation, how)()

    front, _ = before(handler, "")  # in which nothing would end it for an hour
    begun = time.monotonic()
    assert whole(front.port, version) in ("reset", "cut")
    assert time.monotonic() - begun < LATE


def test_the_judge_of_wholeness_sees_what_is_cut(before: Before, origins: Callable[..., Origin]) -> None:
    """A proxy that ended a cut response nicely would be seen."""

    def nice(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(CHUNKED + b"0\r\n\r\n")

    def cut(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(CHUNKED)

    assert whole(origins(nice).port) == "whole: 200"
    assert whole(origins(cut).port) == "cut"


def test_garbled_chunks_are_not_passed_on_as_whole(before: Before) -> None:
    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(CHUNKED + b"zz\r\nxx\r\n0\r\n\r\n")
        conversation.rest()

    front, _ = before(handler)
    assert whole(front.port) in ("reset", "cut")


def test_a_tls_upstream_that_ends_without_close_notify(
    fronts: Callable[..., Front], origins: Callable[..., Origin], certificate: dict[str, Path], server_tls: ssl.SSLContext
) -> None:
    """Anybody on the path can send a FIN: only close_notify ends a response that has no length."""

    def handler(conversation: Conversation) -> None:
        head = conversation.head()
        assert head is not None
        conversation.send(CLOSE + b"some")
        if head.target == b"/whole":
            conversation.sock.unwrap()  # type: ignore[attr-defined]

    origin = origins(handler, tls=server_tls)
    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\n[[route]]\nupstream = "u"\n'
        f'[upstream.u]\nurl = "https://127.0.0.1:{origin.port}"\nca = "{certificate["ca"]}"\n'
    )
    assert ask(front.port, "/whole").content == b"some"
    assert whole(front.port) in ("reset", "cut")


def test_closed_without_an_answer(before: Before) -> None:
    def handler(conversation: Conversation) -> None:
        conversation.head()

    front, origin = before(handler)
    assert ask(front.port).status == 502
    assert origin.accepted == 2  # a GET is repeated, once
    assert ask(front.port, "/", method="POST", content=b"x").status == 502
    assert origin.accepted == 3


# ------------------------------------------------------------------ pooled connections that ended


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_pooled_connection_that_ends_when_the_request_comes(before: Before, method: str) -> None:
    """Nothing is lost, and nothing is done twice that is not idempotent: each is seen once, or answered."""
    seen: list[bytes] = []

    def handler(conversation: Conversation) -> None:
        first = conversation.head()
        assert first is not None
        seen.append(first.target)
        conversation.content(first)
        conversation.send(answer(b"ok"))
        conversation.more()  # the next request arrives, and nobody reads it as one
        conversation.reset()

    front, _ = before(handler)
    with Client(front.port) as client:
        for number in range(40):
            content = None if method == "GET" else b"x"
            assert client.ask(f"/{number}", method=method, content=content).status == 200
    assert seen == [b"/%d" % number for number in range(40)]


def test_a_restart_loses_nothing(before: Before, origins: Callable[..., Origin]) -> None:
    seen: list[bytes] = []

    def handler(conversation: Conversation) -> None:
        while (head := conversation.head()) is not None:
            seen.append(head.target)
            conversation.content(head)
            conversation.send(answer(b"ok"))

    front, origin = before(handler, "")
    statuses: list[tuple[str, int]] = []
    stop = threading.Event()

    def load(name: str, method: str) -> None:
        number = 0
        with Client(front.port) as client:
            while not stop.is_set():
                number += 1
                statuses.append((method, client.ask(f"/{name}{number}", method=method, content=b"x").status))

    threads = [threading.Thread(target=load, args=(f"{method}{n}-", method)) for n in range(3) for method in ("PUT", "POST")]
    for thread in threads:
        thread.start()
    assert eventually(lambda: len(statuses) > 100)
    origin.stop_listening()
    time.sleep(0.3)
    for sock in list(origin.open):
        with contextlib.suppress(OSError):  # it has ended by itself
            sock.shutdown(socket.SHUT_RDWR)
    time.sleep(0.3)
    count = len(statuses)
    again = origins(handler, port=origin.port)
    assert eventually(lambda: len(statuses) > count + 100)
    stop.set()
    for thread in threads:
        thread.join()
    assert again.accepted
    # What was being worked on when its connection was cut was lost by the server, not by us; a POST is not repeated.
    lost = [one for one in statuses if one[1] != 200]
    assert len(lost) <= 3, lost
    assert all(method == "POST" for method, _ in lost), lost
    posts = [target for target in seen if target.startswith(b"/POST")]
    assert len(posts) == len(set(posts))


def test_a_stopped_server_is_503_at_once(fronts: Callable[..., Front]) -> None:
    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "http://127.0.0.1:{free_port()}"')
    begun = time.monotonic()
    got = ask(front.port)
    assert time.monotonic() - begun < 1.5  # and not after the two seconds of the next one
    assert (got.status, got.get(b"retry-after")) == (503, b"2")


def test_a_server_that_stays_away_is_503_after_two_seconds(before: Before) -> None:
    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(answer(b"ok"))

    front, origin = before(handler, "")
    assert ask(front.port).status == 200
    origin.stop()
    begun = time.monotonic()
    assert ask(front.port, method="POST", content=b"x").status == 503
    assert 1.5 < time.monotonic() - begun < 2 + LATE


def test_a_name_that_is_not_known(fronts: Callable[..., Front]) -> None:
    front = fronts('listen = "127.0.0.1:{port}"\nto = "http://nobody.invalid:80"')
    assert ask(front.port).status == 502


# ------------------------------------------------------------------ time


def test_connect_timeout(fronts: Callable[..., Front]) -> None:
    """A full queue of connections is a black hole: Linux answers none beyond it."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        port = hole.getsockname()[1]
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            waiting.append(one)
        front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "http://127.0.0.1:{port}"\n{TIMEOUTS}')
        begun = time.monotonic()
        assert ask(front.port).status == 504
        assert 0.4 < time.monotonic() - begun < 0.5 + LATE
        for one in waiting:
            one.close()


def test_response_timeout(before: Before) -> None:
    ended = threading.Event()

    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.rest()
        ended.set()

    front, _ = before(handler)
    with Client(front.port) as client:
        begun = time.monotonic()
        assert client.ask("/").status == 504
        assert 0.9 < time.monotonic() - begun < 1 + LATE
        assert ended.wait(WAIT)  # what nobody waits for is not kept running
        assert client.ask("/").status == 504  # the client's connection is sound


def test_stalled_response(before: Before) -> None:
    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(LENGTH + b"some")
        conversation.rest()

    front, _ = before(handler)
    assert whole(front.port) in ("reset", "cut")


def test_slow_header(front: Front, fronts: Callable[..., Front], origin: Origin) -> None:
    """However diligently an octet comes now and then, a header has so long and no longer."""
    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\n{TIMEOUTS}')
    with Client(front.port) as client:
        begun = time.monotonic()
        client.sock.settimeout(0.1)
        for octet in b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 1000:
            client.send(bytes([octet]))
            try:
                assert not client.more(), client.buffer
                break
            except TimeoutError:
                continue
            except AssertionError:
                break
        assert 0.4 < time.monotonic() - begun < 0.5 + LATE
        client.sock.settimeout(WAIT)
        assert client.response().status == 408
        assert client.ended()


def test_slow_first_octet_and_idle_connection(fronts: Callable[..., Front], origin: Origin) -> None:
    """One that has said nothing is closed without a word; so is one that has been served."""
    for header, keepalive in ((0.5, 600), (600, 0.5)):
        times = f"[timeouts]\nheader = {header}\nkeepalive = {keepalive}\n"
        front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\n{times}')
        begun = time.monotonic()
        with Client(front.port) as client:
            if keepalive < header:
                client.ask("/")
            assert client.ended()
            assert time.monotonic() - begun > 0.4


def test_stalled_upload(before: Before) -> None:
    closed = threading.Event()

    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.rest()
        closed.set()

    front, _ = before(handler)
    with Client(front.port) as client:
        client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab")
        assert client.response().status == 408
        assert client.ended()
    assert closed.wait(WAIT)


# ------------------------------------------------------------------ the client goes


@pytest.mark.parametrize("how", ["close", "reset", "half-close"])
@pytest.mark.parametrize("when", ["waiting", "downloading", "uploading"])
def test_the_client_goes(before: Before, how: str, when: str) -> None:
    asked = threading.Event()

    def handler(conversation: Conversation) -> None:
        conversation.head()
        asked.set()
        if when == "downloading":
            for _ in range(10000):
                conversation.send(LENGTH + pattern(60_000))
        conversation.rest()

    front, origin = before(handler, "")
    client = Client(front.port)
    if when == "uploading":
        client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc")
    else:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert asked.wait(WAIT)
    if when == "downloading":
        client.exactly(100)
        if how == "half-close":
            client.close()  # one that only ends its side still reads: nothing to see
    if how == "half-close":
        if when != "downloading":
            client.sock.shutdown(1)
    else:
        getattr(client, how)()
    assert eventually(lambda: not origin.open, LATE)  # nothing would end it for a minute
    client.close()
    assert not eventually(lambda: front.process.exited() is not None, 0.1)


# ------------------------------------------------------------------ early answers


def test_an_answer_during_the_upload(before: Before) -> None:
    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(answer(b"too much", b"413 Content Too Large", b"Connection: close\r\n"))

    front, _ = before(handler, "")
    with Client(front.port) as client:
        client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + bytes(100_000))
        got = client.response()
        assert (got.status, got.content) == (413, b"too much")
        assert got.get(b"connection") == b"close"
        assert client.ended()


def test_the_limit_of_the_body(before: Before) -> None:
    heard: list[bytes] = []

    def handler(conversation: Conversation) -> None:
        while (head := conversation.head()) is not None:
            try:
                heard.append(conversation.content(head))
            except AssertionError as error:
                assert error.args == ((b"", 1024),)  # it was cut behind the first chunk, which had come alone
                return
            conversation.send(answer(b"ok"))

    front, _ = before(handler, '[limits]\nbody = "1KiB"\n')
    assert ask(front.port, method="PUT", content=bytes(1024)).status == 200
    with Client(front.port) as client:
        client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n")
        got = client.response()  # without waiting for the content
        assert (got.status, got.get(b"connection")) == (413, b"close")
    with Client(front.port) as client:
        client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + bytes(1024) + b"\r\n")
        client.send(b"1\r\nx\r\n0\r\n\r\n")
        assert client.response().status == 413
    assert heard[0] == bytes(1024)
    assert all(len(one) <= 1024 for one in heard)


def test_a_flood_of_interim_responses(before: Before) -> None:
    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000 + answer(b"at last"))

    front, _ = before(handler)
    assert ask(front.port).status == 502


def test_what_follows_an_answer_is_for_nobody(before: Before) -> None:
    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(answer(b"mine") + answer(b"not mine"))
        conversation.rest()

    front, origin = before(handler)
    with Client(front.port) as client:
        for _ in range(3):
            assert client.ask("/").content == b"mine"
    assert origin.accepted == 3


# ------------------------------------------------------------------ pages


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (b"", b"text/html; charset=utf-8"),
        (b"Accept: text/html,application/json\r\n", b"text/html; charset=utf-8"),
        (b"Accept: application/json, */*\r\n", b"application/json"),
    ],
)
def test_error_pages(fronts: Callable[..., Front], accept: bytes, kind: bytes) -> None:
    port = free_port()
    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "http://127.0.0.1:{port}"')
    got = ask(front.port, "/<script>", fields=accept)
    assert got.get(b"content-type") == kind
    assert got.get(b"cache-control") == b"no-store"
    for secret in (b"127.0.0.1", str(port).encode(), b"<script>", b"perijove/"):
        assert secret not in got.content
    if kind == b"application/json":
        document = json.loads(got.content)
        assert document["status"] == 503
        assert document["request_id"]
    else:
        assert b"503 Service Unavailable" in got.content


def test_a_head_request_gets_no_page(fronts: Callable[..., Front]) -> None:
    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "http://127.0.0.1:{free_port()}"')
    with Client(front.port) as client:
        for _ in range(2):
            got = client.ask("/", method="HEAD")
            assert got.status == 503
            assert int(got.get(b"content-length") or 0) > 100
