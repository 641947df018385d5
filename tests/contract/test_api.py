"""The REST API: what it is asked, what it answers, and with which status."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from tests.contract.conftest import Start
from tests.contract.differences import NOTHING, expected
from tests.contract.parts import AUTHORIZED, TOKEN, Proxy
from tests.server.parts import Client, Origin

JSON = b"application/json"
FUTURE, PAST = "2100-01-01", "2000-01-01"


def status(proxy: Proxy, method: str, path: str, **settings: object) -> object:
    """The status, or that nothing comes."""
    with Client(proxy.api_port) as client:
        client.sock.settimeout(0.5)
        try:
            return client.ask(f"/api/routes{path}", method=method, fields=AUTHORIZED, **settings).status
        except TimeoutError:
            return NOTHING


# ------------------------------------------------------------------ the token


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "field",
    [
        b"",
        b"Authorization: token wrong\r\n",
        b"Authorization: token\r\n",
        f"Authorization: Bearer {TOKEN}\r\n".encode(),
        f"Authorization: Token {TOKEN}\r\n".encode(),
        f"Authorization: token {TOKEN}x\r\n".encode(),
        f"Authorization: {TOKEN}\r\n".encode(),
    ],
)
def test_without_the_token(proxy: Proxy, base: str, one: Origin, method: str, field: bytes) -> None:
    proxy.add(base, one.url)
    got = proxy.api(method, base, {"target": "http://127.0.0.1:9"} if method == "POST" else None, fields=field)
    assert (got.status, got.content) == (403, b"")
    assert proxy.route(base)["target"] == one.url  # and nothing is done


def test_with_the_token(proxy: Proxy) -> None:
    for field in (f"Authorization: token {TOKEN}\r\n", f"authorization: token   {TOKEN}\r\n"):
        assert proxy.api("GET", fields=field.encode()).status == 200


def test_no_token_configured(start: Start, one: Origin) -> None:
    proxy = start(token=None)
    assert proxy.api("POST", "/a", {"target": one.url}, fields=b"").status == 201
    assert proxy.api("GET", fields=b"Authorization: token anything\r\n").status == 200
    assert proxy.says("REST API is not authenticated"), proxy.log()


# ------------------------------------------------------------------ adding


def test_add(proxy: Proxy, base: str, one: Origin) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)  # theirs are whole milliseconds
    got = proxy.api("POST", f"{base}/x", {"target": one.url})
    assert (got.status, got.content) == (201, b"")
    found = proxy.api("GET", f"{base}/x")
    assert (found.status, found.get(b"content-type")) == (200, JSON)
    route = json.loads(found.content)
    assert set(route) == {"target", "last_activity"}
    assert route["target"] == one.url
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", route["last_activity"])
    assert before <= datetime.fromisoformat(route["last_activity"]) <= datetime.now(UTC)


def test_served_once_answered(proxy: Proxy, base: str, one: Origin) -> None:
    """A write is answered when it counts: add, ask, delete, ask."""
    for number in range(50):
        path = f"{base}/{number}"
        proxy.add(path, one.url)
        assert proxy.ask(path).status == 200
        assert proxy.delete(path) == 204
        assert proxy.ask(path).status == 404


def test_data_comes_back_as_it_was_given(proxy: Proxy, base: str, one: Origin) -> None:
    data = {
        "jupyterhub": True,
        "user": "ü",
        "server_name": "",
        "nothing": None,
        "number": 1.5,
        "large": 2**53,
        "deep": {"a": [1, {"b": [True, False]}], "quote\"'\\ ": "\u2028 \U0001f40d"},
        "__proto__x": 1,
    }
    proxy.add(base, one.url, **data)
    route = proxy.route(base)
    del route["last_activity"]
    assert route == {"target": one.url, **data}
    assert proxy.routes()[base] == proxy.route(base)


def test_last_activity_is_not_taken_from_the_client(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url, last_activity="2001-01-01T00:00:00.000Z")
    assert proxy.activity(base).year > 2001


def test_added_again(proxy: Proxy, base: str, one: Origin, two: Origin) -> None:
    """What is new replaces what was, all of it."""
    proxy.add(base, one.url, old=1)
    before = proxy.activity(base)
    time.sleep(0.01)
    proxy.add(base + "/", two.url, new=2)
    route = proxy.route(base)
    assert proxy.activity(base) > before
    del route["last_activity"]
    assert route == {"target": two.url, "new": 2}
    assert json.loads(proxy.ask(base).content)["name"] == "two"


@pytest.mark.parametrize("body", [b"", b"{", b"target", b'{"target": "http://127.0.0.1:9",}', b"{'target': 1}"])
def test_not_json(proxy: Proxy, base: str, body: bytes) -> None:
    got = proxy.api("POST", base, body)
    assert got.status == 400
    assert got.content.startswith(b"Body not valid JSON: ")
    assert proxy.api("GET", base).status == 404
    got = proxy.api("POST", base, body, fields=b"")
    assert got.status == expected(proxy.kind, "api-unauthorized-bad-json")


@pytest.mark.parametrize(
    "body", [{}, {"x": 1}, {"target": 5}, {"target": None}, {"target": ["http://a"]}, [], [1], 5, "x", True, b"null"]
)
def test_no_target(proxy: Proxy, base: str, body: object) -> None:
    got = proxy.api("POST", base, body)
    assert (got.status, got.content) == (400, b"Must specify 'target' as string")
    assert proxy.api("GET", base).status == 404


@pytest.mark.parametrize("target", ["", "nonsense", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999"])
def test_unusable_target(proxy: Proxy, base: str, target: str) -> None:
    got = proxy.api("POST", base, {"target": target})
    assert got.status == expected(proxy.kind, "api-target-unusable")
    proxy.delete(base)


def test_a_large_body(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url, text="x" * 500_000)
    assert len(proxy.route(base)["text"]) == 500_000
    proxy.delete(base)


# ------------------------------------------------------------------ finding and deleting


def test_find(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(f"{base}/a/b", one.url)
    for path in (f"{base}/a/b", f"{base}/a/b/", f"{base}/a/b?inactive_since={PAST}"):
        assert proxy.route(path)["target"] == one.url
    for path in (f"{base}/a", f"{base}/a/b/c", f"{base}/a/B", f"{base}/a/"):
        got = proxy.api("GET", path)
        assert (got.status, got.content) == (404, b"")


def test_all(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(f"{base}/a", one.url)
    proxy.add(f"{base}/b/", one.url)
    for path in ("", "/"):
        got = proxy.api("GET", path)
        assert (got.status, got.get(b"content-type")) == (200, JSON)
        assert {f"{base}/a", f"{base}/b"} <= set(json.loads(got.content))


def test_delete(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(f"{base}/a", one.url)
    got = proxy.api("DELETE", f"{base}/a/")
    assert (got.status, got.content) == (204, b"")
    got = proxy.api("DELETE", f"{base}/a")
    assert (got.status, got.content) == (404, b"")
    assert f"{base}/a" not in proxy.routes()


@pytest.mark.parametrize("gone", ["/a", "/a/b", "/a/b/c"])
def test_delete_leaves_those_above_and_below(proxy: Proxy, base: str, one: Origin, two: Origin, gone: str) -> None:
    paths = ["/a", "/a/b", "/a/b/c"]
    for path, origin in zip(paths, (one, two, one), strict=True):
        proxy.add(base + path, origin.url)
    assert proxy.delete(base + gone) == 204
    left = {path for path in proxy.routes() if path.startswith(base)}
    assert left == {base + path for path in paths if path != gone}
    for path in paths:
        above = [one for one in paths if one != gone and (path + "/").startswith(one + "/")]
        assert proxy.ask(f"{base}{path}/x").status == (200 if above else 404)


def test_root(start: Start, one: Origin) -> None:
    proxy = start()
    assert proxy.api("GET", "/").content == b"{}"
    assert proxy.api("DELETE", "/").status == 404
    assert proxy.api("POST", "", {"target": one.url}).status == 201  # no path is the root
    assert set(proxy.routes()) == {"/"}
    assert set(proxy.routes("/")) == {"/"}  # the root alone cannot be asked for
    assert proxy.ask("/anything").status == 200
    assert proxy.delete("/") == 204
    assert proxy.routes() == {}
    assert proxy.ask("/anything").status == 404
    assert proxy.api("POST", "/", {"target": one.url}).status == 201
    assert set(proxy.routes()) == {"/"}
    assert status(proxy, "DELETE", "") == expected(proxy.kind, "api-delete-nothing-named")


# ------------------------------------------------------------------ methods and other paths


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["", "/", "/a"])
@pytest.mark.parametrize("fields", [AUTHORIZED, b""], ids=["token", "no-token"])
def test_other_methods(proxy: Proxy, method: str, path: str, fields: bytes) -> None:
    got = proxy.api(method, path, fields=fields)
    assert (got.status, got.content) == (405, b"Method not supported")


def test_head(proxy: Proxy) -> None:
    assert proxy.api("HEAD").status == 405


@pytest.mark.parametrize("path", ["/", "/api", "/api/", "/api/routesX", "/api/other", "/routes", "/API/routes"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_other_paths(proxy: Proxy, path: str, method: str) -> None:
    for fields in (AUTHORIZED, b""):
        got = proxy.api(method, whole=path, fields=fields)
        assert (got.status, got.content) == (404, b"Not Found")


def test_not_on_the_public_side(proxy: Proxy) -> None:
    assert proxy.ask("/api/routes", fields=AUTHORIZED).status == 404


def test_many_on_one_connection(proxy: Proxy, base: str, one: Origin) -> None:
    with Client(proxy.api_port) as client:
        for number in range(20):
            fields, content = AUTHORIZED, json.dumps({"target": one.url}).encode()
            assert client.ask(f"/api/routes{base}/{number}", method="POST", fields=fields, content=content).status == 201
        assert len([path for path in proxy.routes() if path.startswith(base)]) == 20
        for number in range(20):
            assert client.ask(f"/api/routes{base}/{number}", method="DELETE", fields=AUTHORIZED).status == 204


def test_many_at_once(proxy: Proxy, base: str, one: Origin) -> None:
    """As the hub does it when it starts: ten requests at a time."""

    def change(number: int) -> list[int]:
        path = f"{base}/{number}"
        found = []
        for _ in range(5):
            found += [
                proxy.api("POST", path, {"target": one.url, "n": number}).status,
                proxy.ask(path).status,
                proxy.delete(path),
            ]
        proxy.add(path, one.url, n=number)
        return found

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(change, range(20))) == [[201, 200, 204] * 5] * 20
    left = {path: data["n"] for path, data in proxy.routes().items() if path.startswith(base)}
    assert left == {f"{base}/{number}": number for number in range(20)}


# ------------------------------------------------------------------ paths


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("/user/has%20space", "/user/has space"),
        ("/user/has%20space/", "/user/has space"),
        ("/@/", "/@"),
        ("/%40", "/@"),
        ("/user/~x", "/user/~x"),
        ("/user/%7Ex", "/user/~x"),
        ("/user/%C3%BC%E2%82%AC", "/user/ü€"),
        ("/user/%c3%bc", "/user/ü"),
        ("/user/%F0%9F%90%8D", "/user/\U0001f40d"),
        ("/a%2Fb", "/a/b"),
        ("/a%3Fb%23c", "/a?b#c"),
        ("/a%25b", "/a%b"),
        ("/a%2520b", "/a%20b"),
        ("/a+b", "/a+b"),
        ("/a;b=c,d", "/a;b=c,d"),
        ("/a?b=c", "/a"),
        ("/A.b", "/A.b"),
        ("/user/%5B%5D%22%3C%3E", '/user/[]"<>'),
    ],
)
def test_paths(proxy: Proxy, base: str, one: Origin, asked: str, kept: str) -> None:
    """Kept is the decoded path; the hub escapes it again."""
    proxy.add(base + asked, one.url)
    assert [path for path in proxy.routes() if path.startswith(base)] == [base + kept]
    assert proxy.route(base + asked)["target"] == one.url
    assert proxy.route(base + quote(kept))["target"] == one.url
    assert proxy.delete(base + asked) == 204
    assert proxy.api("GET", base + asked).status == 404


@pytest.mark.parametrize("path", ["/./b", "/x/../b", "/x/%2e%2E/b", "/x/..", "/."])
def test_dot_segments(proxy: Proxy, base: str, one: Origin, path: str) -> None:
    assert proxy.api("POST", base + path, {"target": one.url}).status == expected(proxy.kind, "api-dot-segments")


def test_slashes_in_the_middle(proxy: Proxy, base: str, one: Origin) -> None:
    """One slash at the end is dropped; no other is touched."""
    proxy.add(f"{base}//x/", one.url)
    assert f"{base}//x" in proxy.routes()
    assert proxy.delete(f"{base}//x") == 204


@pytest.mark.parametrize("path", ["/%zz", "/%", "/%ff", "/a/%c3/b"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_malformed_percent(proxy: Proxy, path: str, method: str) -> None:
    assert status(proxy, method, path) == expected(proxy.kind, "api-malformed-percent")


# ------------------------------------------------------------------ inactive_since


@pytest.mark.parametrize("name", ["inactive_since", "inactiveSince"])
def test_inactive_since(proxy: Proxy, base: str, one: Origin, name: str) -> None:
    proxy.add(f"{base}/old", one.url)
    time.sleep(0.05)
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    time.sleep(0.05)
    proxy.add(f"{base}/new", one.url)

    def found(when: str) -> set[str]:
        return {path.removeprefix(base) for path in proxy.routes(f"?{name}={when}") if path.startswith(base)}

    assert found(now) == {"/old"}
    assert found(PAST) == set()
    assert found(FUTURE) == {"/old", "/new"}
    assert found("") == {"/old", "/new"}
    local = datetime.fromisoformat(now).astimezone(datetime.fromisoformat("2000-01-01T00:00+05:30").tzinfo)
    assert found(quote(local.isoformat())) == {"/old"}
    assert found("2100-01-01T00:00:00") == {"/old", "/new"}
    assert found("2100-01-01T00:00:00.123456") == {"/old", "/new"}
    assert found("2100-01-01T00:00Z") == {"/old", "/new"}


def test_camel_case_wins(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    assert base not in proxy.routes(f"?inactive_since={FUTURE}&inactiveSince={PAST}")
    assert base in proxy.routes(f"?inactive_since={PAST}&inactiveSince={FUTURE}")


@pytest.mark.parametrize("name", ["inactive_since", "inactiveSince"])
@pytest.mark.parametrize("when", ["endoftheuniverse", "2000-13-01", "2000-01-01T25:00:00Z", "2100-01-01T00:00:00%2B99:99"])
def test_bad_dates(proxy: Proxy, name: str, when: str) -> None:
    got = proxy.api("GET", f"?{name}={when}")
    assert (got.status, got.content) == (400, f"Invalid datestamp '{when.replace('%2B', '+')}' must be ISO8601.".encode())
