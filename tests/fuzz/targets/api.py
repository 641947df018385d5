"""The REST API: whatever is asked, there is a status that the API has, and routes are what they were told to be.

A route that was taken can be served: its host is one, and what is written upstream for it is a request.
"""

from __future__ import annotations

import asyncio
import json
import re
from http.client import responses
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

from tests import reader
from tests.fuzz import tables
from tests.fuzz.target import Outcome, Target
from tornado import httputil
from tornado.web import Application

from perijove.api.rest import Handler, Missing
from perijove.engine import plan as plans
from perijove.engine.buffer import Buffer
from perijove.engine.const import DYNAMIC, FORWARD, FOUND, REJECT
from perijove.engine.exchange import Exchange
from perijove.engine.head import Limits, RequestHead
from perijove.engine.request import write_request
from perijove.engine.slots import FIRST_ACTIVITY
from perijove.engine.upstream import Upstream
from perijove.gateway.model import RoutesApi, Routing, TcpAddress, UnixAddress
from perijove.observe.seen import Asked
from perijove.routing.dynamic import Destinations, Url, url_of
from perijove.server.routes import Routes

_STATUSES: Final = frozenset((200, 201, 204, 400, 403, 404, 405))
_METHODS: Final = ("POST", "GET", "DELETE", "PUT", "POST", "GET")
_TIMES: Final = plans.Timeouts()
_API: Final = RoutesApi(address=TcpAddress("127.0.0.1", 8001))


class _Connection(httputil.HTTPConnection):
    """What tornado writes to."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.finished = asyncio.Event()
        self.context = type("Context", (), {"protocol": "http", "remote_ip": "127.0.0.1"})()

    def write_headers(self, start_line: Any, headers: Any, chunk: bytes | None = None) -> asyncio.Future[None]:
        assert not self.status, "answered twice"
        self.status = start_line.code
        return self.write(chunk or b"")

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        self.body += chunk
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def finish(self) -> None:
        self.finished.set()

    def set_close_callback(self, callback: Any) -> None:
        pass


async def _ask(application: Application, method: str, path: str, body: bytes, token: str) -> tuple[int, bytes]:
    connection = _Connection()
    line = httputil.RequestStartLine(method, path, "HTTP/1.1")
    headers = httputil.HTTPHeaders({"Host": "api", "Authorization": token})
    delegate = application.start_request(object(), connection)
    for result in (delegate.headers_received(line, headers), delegate.data_received(body)):
        if result is not None:
            await result
    delegate.finish()
    await asyncio.wait_for(connection.finished.wait(), 5)
    return connection.status, connection.body


async def _play(asked: list[tuple[str, str, bytes, str]], by_host: bool) -> list[tuple[int, bytes]]:
    told: list[object] = []

    async def tell(changes: object) -> None:
        told.append(changes)

    row = memoryview(bytearray(8 * (FIRST_ACTIVITY + 64))).cast("q")
    routes = Routes((), tell, lambda: [row])
    given = {"routes": routes, "asked": Asked(), "token": "secret", "by_host": by_host}
    application = Application([(r"/api/routes(?:/.*)?", Handler, given), (r".*", Missing)], log_function=lambda _: None)
    found = []
    for method, path, body, token in asked:
        before = dict(routes.store.routes)
        status, answer = await _ask(application, method, path, body, token)
        assert status in _STATUSES, f"{status} {responses.get(status)}"
        found.append((status, answer))
        after = routes.store.routes
        if status == 201:
            (changed,) = [one for key, one in after.items() if before.get(key) is not one]
            told_data = json.loads(body)
            assert changed.data == told_data
            got, text = await _ask(application, "GET", path, b"", token)
            if changed.path != "/":
                assert got == 200
                assert {key: value for key, value in json.loads(text).items() if key not in ("last_activity", "host")} == {
                    key: value for key, value in told_data.items() if key not in ("last_activity", "host")
                }
        elif status == 204:
            assert len(after) == len(before) - 1
        else:
            assert after == before, "something was changed by what was refused"
    got, text = await _ask(application, "GET", "/api/routes", b"", "token secret")
    assert got == 200
    assert set(json.loads(text)) == set(routes.store.routes)
    for route in routes.store.routes.values():
        assert route.path == "/" or (route.path.startswith("/") and not route.path.endswith("//"))
        _served(route.prefix, route.target, by_host)
    return found


def _find(url: Url, _: object = None) -> Upstream:
    made = Upstream("u", _TIMES)
    made.authority = url.authority
    return made


def _served(prefix: bytes, target: str, by_host: bool) -> None:
    """A request for the route is written as one request, whoever's name it carries."""
    url = url_of(target)
    assert re.fullmatch(rb"[0-9A-Za-z._:\[\]-]+", url.authority), url
    assert not isinstance(url.address, UnixAddress) or (url.address.path and "\0" not in url.address.path)
    from perijove.engine.routes import Routes as Known
    from perijove.engine.routes import Target as Leads

    known = Known()
    known.put(Leads(prefix, target))
    pattern, bad = plans.Plan(DYNAMIC, _TIMES), plans.Plan(REJECT, _TIMES)
    for keeps in (True, False):
        routing = Routing(api=_API, preserve_host=keeps, keeps_prefix=keeps, by_host=by_host)
        dynamic = Destinations(routing, known, _find, {}).dynamic(pattern.copy(), bad)
        host, path = b"hub.example", prefix
        if by_host:
            host, _, path = prefix[1:].partition(b"/")
            path = b"/" + path
        spelt = quote(path + b"/x" if path != b"/" else b"/x").encode()
        head, source, out = RequestHead(), Buffer(), Buffer()
        source.append(b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (spelt, host))
        if head.scan(source, Limits()) != FOUND:
            continue
        plan = dynamic.plan(head)
        if plan.kind != FORWARD:
            continue
        exchange = Exchange(tables.peer(False, False))
        exchange.begin(head, plan)
        write_request(exchange, head, out)
        sent = reader.request(out.copy())
        assert sent.size == out.size()
        assert unquote_to_bytes(sent.first[1]).endswith(b"/x")


_loop: Final = asyncio.new_event_loop()


def check(octets: bytes) -> Outcome:
    """Octet 0: whether hosts are in paths. Then, with NULs between: what is asked; an octet for the method, a path, LF, a body."""
    by_host = bool(octets[:1] and octets[0] & 1)
    asked = []
    for one in octets[1:].split(b"\0")[:6]:
        method = _METHODS[one[0] % len(_METHODS)] if one else "GET"
        path, _, body = one[1:].partition(b"\n")
        text = path.decode("latin-1")
        if any(octet <= 0x20 or octet == 0x7F for octet in path) or not text.startswith("/"):
            text = "/api/routes/" + quote(path)
        token = "token other" if one and one[0] & 128 else "token secret"
        asked.append((method, text, body, token))
    found = _loop.run_until_complete(_play(asked, by_host))
    kinds = {status for status, _ in found}
    return "changed" if kinds & {201, 204} else "told" if 200 in kinds else "refused", [status for status, _ in found]


# B, C, D and E stand for POST, GET, DELETE and PUT.
_SEEDS: Final = (
    b'\0B/api/routes/user/x\n{"target": "http://127.0.0.1:81", "user": "x"}\0C/api/routes/user/x\0D/api/routes/user/x',
    b'\1B/api/routes/hub.example/a%20b/\n{"target": "http://up:1/base/", "jupyterhub": true}\0C/api/routes?inactive_since=2020-01-01',
    b'\0B/api/routes/\n{"target": "http+unix://%2Frun%2Fx"}\0B/api/routes/%2e%2e/a\n{}\0C/api/routes/%ff',
    b'\0B/api/routes/a\n{"target": "https://[::1]:8443/", "last_activity": 5}\0D/api/routes/b\0E/api/routes\0C/other',
)
_WORDS: Final = (
    b"\0", b"\n", b"/api/routes/", b"/", b"//", b"%", b"%2f", b"%2F%2e", b"..", b".", b"%00", b"%ff", b"%c3%a4", b"?", b"#", b";", b'"', b"{", b"}", b"[", b"]", b":", b",",
    b'{"target": "http://a"}', b'"target": ', b'"http://', b'"http+unix://', b'"unix+http://', b"https://", b"ws://", b"a..b", b"\\ud800", b"\\u0000", b"\\u2028", b"\xc3\xa4", b"\xff", b"@",
    b"[::1%25x]", b":0", b":99999", b":x", b"null", b"true", b"1e999", b"NaN", b"-1", b"[" * 50, b'{"a":' * 40, b"?inactive_since=x", b"?inactiveSince=2020-01-01T00:00:00.000Z",
    b"?inactive_since=9999-12-31T23:59:59-23:59", b"?inactive_since=0001-01-01", b"x" * 80, b" ", b"\t", b"\r",
)  # fmt: skip

TARGET: Final = Target("api", check, _SEEDS, _WORDS, ("changed", "told", "refused"), engine=False, count=1500)
