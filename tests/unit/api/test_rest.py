"""The REST API, asked by a real client. How it compares with configurable-http-proxy's is in tests/contract."""

import asyncio
import json
import re

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.testing import bind_unused_port

from perijove.api import rest
from perijove.api.rest import Api, date
from perijove.engine.slots import FIRST_ACTIVITY
from perijove.observe.seen import Asked
from perijove.server.routes import Routes

TOKEN = {"Authorization": "token secret"}
TARGET = json.dumps({"target": "http://127.0.0.1:1", "user": "ü", "jupyterhub": True})


def play(asked, token="secret", by_host=False, counted=None):
    """Ask one after the other: method, path, fields, content. Return statuses and contents."""
    asked_of = Asked() if counted is None else counted

    async def ask():
        async def tell(_changes):
            await asyncio.sleep(0)

        row = memoryview(bytearray(8 * (FIRST_ACTIVITY + 16))).cast("q")
        sock, port = bind_unused_port()
        api = Api([sock], Routes((), tell, lambda: [row]), asked_of, token, None, by_host)
        client = AsyncHTTPClient(force_instance=True)
        found = []
        for method, path, headers, body in asked:
            request = HTTPRequest(f"http://127.0.0.1:{port}{path}", method, headers, body, allow_nonstandard_methods=True)
            answer = await client.fetch(request, raise_error=False)
            found.append((answer.code, answer.body.decode()))
        api.close()
        client.close()
        return found

    return asyncio.run(ask())


def test_a_route_comes_and_goes():
    path = "/api/routes/user/x%20y/"
    asked = [
        ("POST", path, TOKEN, TARGET),
        ("GET", "/api/routes/user/x%20y", TOKEN, None),
        ("GET", "/api/routes", TOKEN, None),
        ("DELETE", path, TOKEN, None),
        ("DELETE", path, TOKEN, None),
        ("GET", "/api/routes", TOKEN, None),
    ]
    found = play(asked)
    assert [status for status, _ in found] == [201, 200, 200, 204, 404, 200]
    told = json.loads(found[1][1])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("last_activity"))
    assert told == json.loads(TARGET)
    assert list(json.loads(found[2][1])) == ["/user/x y"]
    assert found[5][1] == "{}"


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "token other"}, {"Authorization": "Bearer secret"}, {"Authorization": "token"}]
)
def test_nobody_without_the_token(headers):
    asked = [
        ("GET", "/api/routes", headers, None),
        ("POST", "/api/routes/a", headers, TARGET),
        ("GET", "/api/routes", TOKEN, None),
    ]
    assert play(asked) == [(403, ""), (403, ""), (200, "{}")]


def converse(*said):
    """Say each of these on a connection of its own, all of which stand; return what each is told before it ends, or None."""

    async def ask():
        sock, port = bind_unused_port()
        api = Api([sock], Routes((), None, list), Asked(), "secret", None)
        ends = [await asyncio.open_connection("127.0.0.1", port) for _ in said]
        for (_, writer), octets in zip(ends, said, strict=True):
            writer.write(octets)
        found = []
        for reader, writer in ends:
            try:
                found.append(await asyncio.wait_for(reader.read(), 5))
            except TimeoutError:
                found.append(None)
            writer.close()
        api.close()
        return found

    return asyncio.run(ask())


POST = b"POST /api/routes/a HTTP/1.1\r\nHost: a\r\n"


def test_who_brings_nothing_is_cut(monkeypatch):
    monkeypatch.setattr(rest, "_HEADER", 0.2)
    monkeypatch.setattr(rest, "_BODY", 0.2)
    slow = (b"", b"GET /api/rou", POST, POST + b"Content-Length: 9\r\nAuthorization: token secret\r\n\r\n{")
    assert converse(*slow) == [b""] * 4


@pytest.mark.parametrize("path", [b"/api/routes/a", b"/elsewhere"])
def test_content_is_not_waited_for_without_the_token(path, monkeypatch):
    """What has no meaning is not kept until all of it has come."""
    monkeypatch.setattr(rest, "_BODY", 0.2)
    post = POST.replace(b"/api/routes/a", path)
    for framing in (b"Content-Length: 1000000\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\nFFFFF\r\n{"):
        (told,) = converse(post + framing)
        assert told.startswith(b"HTTP/1.1 4")


def test_more_content_than_any_route_has(monkeypatch):
    monkeypatch.setattr(rest, "_LARGEST", 1000)
    post = POST + b"Authorization: token secret\r\n"
    chunks = b"1F4\r\n" + b" " * 500 + b"\r\n"
    for framing in (b"Content-Length: 1001\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n" + chunks * 3):
        (told,) = converse(post + framing)
        assert told.startswith(b"HTTP/1.1 400")


def test_no_more_connections_than_so_many(monkeypatch):
    monkeypatch.setattr(rest, "_CONNECTIONS", 2)
    monkeypatch.setattr(rest, "_HEADER", 0.3)
    get = b"GET /api/routes HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    found = converse(b"", b"", get)
    assert not found[2]
    assert converse(b"", get)[1].startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize("method", ["PUT", "HEAD", "OPTIONS"])
def test_other_methods_need_no_token(method):
    assert play([(method, "/api/routes/a", {}, TARGET if method == "PUT" else None)])[0][0] == 405


def test_hosts_are_told():
    asked = [("POST", "/api/routes/hub.example/a", TOKEN, TARGET), ("POST", "/api/routes/", TOKEN, TARGET)]
    told = json.loads(play([*asked, ("GET", "/api/routes", TOKEN, None)], by_host=True)[2][1])
    assert {path: route.get("host") for path, route in told.items()} == {"/hub.example/a": "hub.example", "/": None}


def test_no_token_is_needed_where_there_is_none():
    assert play([("GET", "/api/routes", {}, None)], token="") == [(200, "{}")]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/routes/a", "{", 400),
        ("POST", "/api/routes/a", "[]", 400),
        ("POST", "/api/routes/a", "null", 400),
        ("POST", "/api/routes/a", '{"target": 1}', 400),
        ("POST", "/api/routes/a", '{"target": "nonsense"}', 400),
        ("POST", "/api/routes/%zz", TARGET, 400),
        ("POST", "/api/routes/%ff", TARGET, 400),
        ("POST", "/api/routes/a/../b", TARGET, 400),
        ("POST", "/api/routes/a/%2e", TARGET, 400),
        ("PUT", "/api/routes/a", TARGET, 405),
        ("GET", "/api/routes/a", None, 404),
        ("GET", "/api/routesx", None, 404),
        ("GET", "/", None, 404),
        ("GET", "/api/routes?inactive_since=yesterday", None, 400),
    ],
)
def test_what_is_not_done(method, path, body, status):
    found = play([(method, path, TOKEN, body), ("GET", "/api/routes", TOKEN, None)])
    assert found[0][0] == status
    assert found[1] == (200, "{}")


@pytest.mark.parametrize(("since", "count"), [("2100-01-01T00:00:00Z", 1), ("2000-01-01", 0), ("2000-01-01T00:00:00.000Z", 0)])
@pytest.mark.parametrize("name", ["inactive_since", "inactiveSince"])
def test_inactive_since(name, since, count):
    found = play([("POST", "/api/routes/a", TOKEN, TARGET), ("GET", f"/api/routes?{name}={since}", TOKEN, None)])
    assert len(json.loads(found[1][1])) == count


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize(("since", "told"), [("", True), ("?inactiveSince=2000-01-01T00:00:00Z", False)])
def test_many_routes_are_told_in_turns(monkeypatch, count, since, told):
    monkeypatch.setattr(rest, "_TURN", 2)
    asked = [("POST", f"/api/routes/{number}", TOKEN, TARGET) for number in range(count)]
    found = json.loads(play([*asked, ("GET", f"/api/routes{since}", TOKEN, None)])[-1][1])
    assert list(found) == ([f"/{number}" for number in range(count)] if told else [])


def test_dates_are_written_as_javascript_does():
    assert date(0.0) == "1970-01-01T00:00:00.000Z"
    assert date(1_800_000_000.1239) == "2027-01-15T08:00:00.123Z"
