"""configurable-http-proxy's REST API: /api/routes (lib/configproxy.js of version 5).

Knows its paths, statuses and JSON. Must not know how routes are kept or served.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
import ssl
from datetime import UTC, datetime
from http.client import responses
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote

from tornado import httpserver, iostream, web

from perijove.routing.dynamic import BadTarget
from perijove.routing.store import Unavailable

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from perijove.observe.seen import Asked
    from perijove.routing.store import Route
    from perijove.server.routes import Kept

_token: Final = re.compile(r"token\s+(\S+)").search
_broken: Final = re.compile(r"%(?![0-9A-Fa-f]{2})").search
# Bounds on what anybody may hold of the process that watches over workers, with or without the token.
_HEADER: Final = 10.0  # seconds for a connection to bring a request's header, its first or the next one
_BODY: Final = 60.0  # … its content
_LARGEST: Final = 1 << 20  # octets of content: a route is some hundred
_CONNECTIONS: Final = 1000
_TURN: Final = 500  # routes that are told before others have their turn: 100,000 take a second
_DOTS: Final = frozenset((".", ".."))  # no request comes to a route with these
_log: Final = logging.getLogger("perijove.api")


def date(seconds: float) -> str:
    """Return a time as JavaScript writes it: ISO 8601, UTC, with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@web.stream_request_body
class Handler(web.RequestHandler):
    """One request. Nothing of its content is kept before the token was shown."""

    def initialize(self, routes: Kept, asked: Asked, token: str, by_host: bool) -> None:
        """Take what it is about."""
        self.routes = routes
        self.asked = asked
        self.by_host = by_host
        self.token = token.encode()
        self.content = bytearray()

    def prepare(self) -> None:
        """Let nobody in who does not show the token."""
        if self.request.method not in ("GET", "POST", "DELETE"):
            self._fail(405, "Method not supported")
            return
        shown = _token(self.request.headers.get("Authorization", ""))
        if self.token and not (shown and hmac.compare_digest(shown[1].encode("utf-8", "replace"), self.token)):
            _log.debug("Rejecting API request without the right token")
            self.set_status(403)
            self.finish()

    def data_received(self, chunk: bytes) -> None:
        """Keep a piece of content."""
        if not self._finished:
            self.content += chunk

    def set_default_headers(self) -> None:
        """Say nothing of ourselves."""
        self.clear_header("Server")
        self.clear_header("Content-Type")

    def compute_etag(self) -> None:
        """Make none: it would cost a hash of all routes."""

    def _fail(self, status: int, why: str) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(why)

    def _path(self) -> str | None:
        """Return the decoded path of the route that is asked for; None, and an answer, if it cannot be decoded."""
        raw = self.request.path.removeprefix("/api/routes")
        try:
            if _broken(raw):
                raise ValueError("a percent sign stands for itself only as %25")
            path = unquote(raw, errors="strict")
            if not _DOTS.isdisjoint(path.split("/")):
                raise ValueError("what `.` and `..` mean in it is not guessed")
            return path
        except ValueError as error:
            self._fail(400, f"The path cannot be decoded: {error}")
            return None

    def _told(self, route: Route) -> dict[str, Any]:
        told = {**route.data, "last_activity": date(self.routes.last_activity(route))}
        if self.by_host and route.path != "/":
            told["host"] = route.path.split("/", 2)[1]
        return told

    async def get(self) -> None:
        """Tell of one route, or of all."""
        path = self._path()
        if path is None:
            return
        if path not in ("", "/"):
            await self.routes.gather(path)
            route = self.routes.store.get(path)
            if route is None:
                self.set_status(404)
                return
            found = json.dumps(self._told(route)).encode()
        else:
            await self.routes.gather()
            asked = parse_qs(self.request.query)
            text = (asked.get("inactiveSince") or asked.get("inactive_since") or [""])[0]
            since = float("inf")
            if text:
                try:
                    since = datetime.fromisoformat(text).timestamp()
                except ValueError:
                    self._fail(400, f"Invalid datestamp '{text}' must be ISO8601.")
                    return
            found = await self._all(since)
            self.asked.tables += 1
        self.set_header("Content-Type", "application/json")
        self.write(found)

    async def _all(self, since: float) -> bytes:
        """Return the routes that are there now and were not of use since a time, in seconds since 1970, as JSON."""
        there = list(self.routes.store.routes.values())
        parts = []
        for at in range(0, len(there), _TURN):
            some = [one for one in there[at : at + _TURN] if self.routes.last_activity(one) < since]
            parts += [json.dumps({one.path: self._told(one) for one in some})[1:-1]] if some else []
            await asyncio.sleep(0)
        return f"{{{', '.join(parts)}}}".encode()

    async def post(self) -> None:
        """Add a route."""
        path = self._path()
        if path is None:
            return
        try:
            data = json.loads(bytes(self.content)) or {}
        except ValueError as error:
            self._fail(400, f"Body not valid JSON: {error}")
            return
        if not isinstance(data, dict) or not isinstance(data.get("target"), str):
            _log.warning("Bad POST data: %s", json.dumps(data)[:1000])
            self._fail(400, "Must specify 'target' as string")
            return
        try:
            route = await self.routes.put(path or "/", data)
        except BadTarget as error:
            self._fail(400, str(error))
            return
        except Unavailable as error:
            self._fail(503, str(error))
            return
        _log.info("Route added %s -> %s", route.path, route.target)
        self.asked.added += 1
        self.set_status(201)

    async def delete(self) -> None:
        """Remove a route."""
        path = self._path()
        if path is None:
            return
        try:
            found = await self.routes.remove(path or "/")
        except Unavailable as error:
            self._fail(503, str(error))
            return
        if found:
            _log.info("Route removed %s", path)
        self.asked.removed += 1
        self.set_status(204 if found else 404)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what is wrong in a few words."""
        self._fail(status_code, "Method not supported" if status_code == 405 else responses.get(status_code, ""))


@web.stream_request_body
class Missing(web.RequestHandler):
    """Any other path."""

    def prepare(self) -> None:
        """Say that it is not there."""
        self.set_status(404)
        self.finish("Not Found")

    def data_received(self, chunk: bytes) -> None:
        """Keep nothing."""


class _Server(httpserver.HTTPServer):
    """Serves so many connections at once, and closes others."""

    _open = 0

    def handle_stream(self, stream: iostream.IOStream, address: Any) -> None:
        if self._open >= _CONNECTIONS:
            stream.close()
            return
        self._open += 1
        super().handle_stream(stream, address)

    def on_close(self, server_conn: object) -> None:
        self._open -= 1
        super().on_close(server_conn)


class Api:
    """The API as it listens."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        routes: Kept,
        asked: Asked,
        token: str,
        tls: ssl.SSLContext | None,
        by_host: bool = False,
    ) -> None:
        """Listen.

        Args:
            sockets: that listen already.
            routes: to tell of and to change.
            asked: counts what is answered.
            token: that whoever asks must show; empty is none.
            tls: of the listener.
            by_host: the first segment of a route is a host, which is told beside its data.
        """
        given = {"routes": routes, "asked": asked, "token": token, "by_host": by_host}
        handlers: list[Any] = [(r"/api/routes(?:/.*)?", Handler, given), (r".*", Missing)]
        self._server = _Server(
            web.Application(handlers, log_function=self._answered),
            ssl_options=tls,
            idle_connection_timeout=_HEADER,
            body_timeout=_BODY,
            max_body_size=_LARGEST,
        )
        self._server.add_sockets(list(sockets))
        self._asked = asked

    def _answered(self, handler: web.RequestHandler) -> None:
        status = handler.get_status()
        self._asked.statuses[status] += 1
        level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
        _log.log(level, "%d %s %s", status, handler.request.method, handler.request.path)

    def secure(self, tls: ssl.SSLContext | None) -> None:
        """Have new connections speak TLS by another context."""
        self._server.ssl_options = tls  # tornado looks there for each connection (TCPServer._handle_connection)

    def close(self) -> None:
        """Listen no more."""
        self._server.stop()
