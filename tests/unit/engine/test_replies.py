"""Answers of our own, as a client gets them."""

import os
from pathlib import Path

import pytest
from tests.unit.engine.world import CHUNKED, GET, POST, World, post, refused, status

from perijove.engine import const
from perijove.engine.const import FILE, REJECT, RESPOND
from perijove.engine.plan import LITERAL, Plan, Timeouts

REFUSALS = [
    (b"nonsense\r\n\r\n", 400),
    (b"\x16\x03\x01\x02", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"GET /../a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 70000, 431),
    (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", 417),
    (CHUNKED + b"x\r\n", 400),
    (CHUNKED + b"5\r\nhelloX", 400),
    (post(b"x" * 1001), 413),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413),
    (CHUNKED + b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n", 413),
    (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405),
]


@pytest.mark.parametrize(("request_", "code"), REFUSALS)
def test_refusals(request_: bytes, code: int, world: World) -> None:
    world.site.body_limit = 1000
    client = world.client()
    client.send(request_ + GET)  # what follows is not looked at
    refused(client, world, code)
    assert world.statuses() == [code]
    assert world.ends() == [const.DENIED]


@pytest.mark.parametrize(
    ("request_", "code", "fields"),
    [
        (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, b"\r\nAllow: GET, HEAD, POST"),
        (b"GET /../ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 400, b"\r\nConnection: close"),
    ],
)
def test_refusals_say_more(request_: bytes, code: int, fields: bytes, world: World) -> None:
    client = world.client()
    client.send(request_)
    answer = client.until(b"</html>")
    assert status(answer) == code
    assert fields in answer
    assert b"\r\nCache-Control: no-store\r\n" in answer


def missing() -> Plan:
    plan = Plan(REJECT, Timeouts())
    plan.status = 404
    return plan


def test_what_is_understood_and_not_there_does_not_end_the_connection(world: World) -> None:
    world.serve(missing())
    client = world.client()
    for _ in range(2):
        client.send(GET)
        answer = client.until(b"</html>\n")
        client.take()
        assert status(answer) == 404
        assert b"Connection" not in answer
    client.send(GET.replace(b"GET", b"HEAD"))
    answer = client.until(b"\r\n\r\n")
    assert status(answer) == 404
    assert answer.endswith(b"\r\n\r\n")
    client.take()
    client.send(GET.replace(b"\r\n\r\n", b"\r\nAccept: application/json\r\n\r\n"))
    assert b"Content-Type: application/json" in client.until(b"}\n")
    assert world.statuses() == [404] * 4


def test_content_that_is_not_read_ends_the_connection(world: World) -> None:
    world.serve(missing())
    client = world.client()
    client.send(POST)
    refused(client, world, 404)


def test_a_page_is_not_overtaken_by_a_reset(world: World) -> None:
    world.site.body_limit = 10
    client = world.client()
    client.send(post(b"x" * 500_000))
    refused(client, world, 413)


def test_a_refused_client_that_does_not_stop(world: World) -> None:
    world.site.body_limit = 10
    client = world.client()
    with pytest.raises(OSError):
        client.send(post(b"x" * 20_000_000))
    assert world.last.closed


def test_a_refused_client_that_does_not_hang_up(world: World) -> None:
    world.timeouts.linger = 0.1
    client = world.client()
    client.send(b"nonsense\r\n\r\n")
    assert status(client.until_over()) == 400
    world.turn_until(lambda: world.last.closed)


@pytest.mark.parametrize(("method", "content"), [(b"GET", b"pong\n"), (b"HEAD", b"")])
def test_respond(method: bytes, content: bytes, world: World) -> None:
    plan = Plan(RESPOND, Timeouts())
    plan.status = 200
    plan.body = ((LITERAL, b"pong\n"),)
    plan.content_type = b"text/plain"
    world.serve(plan)
    client = world.client()
    for _ in range(2):
        client.send(GET.replace(b"GET", method))
        answer = client.until(b"\r\n\r\n" + content)
        client.take()
        head, _, rest = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
        assert b"\r\nContent-Type: text/plain\r\nContent-Length: 5" in head
        assert rest == content
    assert world.journal.lines == [(method, 200, len(content))] * 2


@pytest.fixture
def served(world: World, tmp_path: Path) -> Path:
    """A directory whose files are served below /f/."""
    plan = Plan(FILE, Timeouts())
    plan.directory = os.fsencode(tmp_path)
    plan.below = b"/f/"
    plan.content_type = b"application/octet-stream"
    world.serve(plan)
    return tmp_path


def test_a_file(world: World, served: Path) -> None:
    (served / "token").write_bytes(b"thumb\n")
    client = world.client()
    for method, target, content in (
        (b"GET", b"/f/token", b"thumb\n"),
        (b"HEAD", b"/f/token", b""),
        (b"GET", b"/f/token?x=/y", b"thumb\n"),
        (b"GET", b"http://b/f/token", b"thumb\n"),
    ):
        client.send(GET.replace(b"GET /", b"%b %b" % (method, target)))
        head, _, rest = client.until(b"\r\n\r\n" + content).partition(b"\r\n\r\n")
        client.take()
        assert head.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
        assert b"\r\nCache-Control: no-store\r\nContent-Type: application/octet-stream\r\nContent-Length: 6" in head
        assert rest == content
    assert [line[1:] for line in world.journal.lines] == [(200, 6), (200, 0), (200, 6), (200, 6)]


def test_a_file_that_is_not_there(world: World, served: Path) -> None:
    client = world.client()
    client.send(GET.replace(b"/", b"/f/token", 1))
    answer = client.until(b"</html>\n")
    assert status(answer) == 404
    assert b"Administrators: files are served at this path" in answer
    client.take()
    (served / "token").write_bytes(b"now it is")
    client.send(GET.replace(b"/", b"/f/token", 1))
    assert client.until(b"now it is").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"X"])
def test_a_file_is_only_read(method: bytes, world: World, served: Path) -> None:
    (served / "token").write_bytes(b"thumb")
    client = world.client()
    client.send(GET.replace(b"GET /", method + b" /f/token"))
    answer = client.until(b"</html>\n")
    assert status(answer) == 405
    assert b"\r\nAllow: GET, HEAD\r\n" in answer
    assert b"thumb" not in answer


def test_content_for_a_file_is_not_read(world: World, served: Path) -> None:
    (served / "token").write_bytes(b"thumb")
    client = world.client()
    client.send(post(b"hello", b"GET").replace(b"/", b"/f/token", 1) + GET)
    answer = client.until_over()
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\nConnection: close\r\n" in answer
