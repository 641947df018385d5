"""The access log: one line for each exchange, in Apache's "combined" format or as a JSON object.

Knows what lines say, and what they keep to themselves (`mask`). They are handed on a few times a second; the sink that takes
them waits for nothing, and those that it loses are counted.
"""

from __future__ import annotations

import re
import time
from json.encoder import encode_basestring_ascii as _json
from typing import TYPE_CHECKING, Final

from perijove.engine import fields, template
from perijove.engine.const import (
    BAD_RESPONSE,
    CLIENT_GONE,
    CLIENT_TIMEOUT,
    CONNECT_TIMEOUT,
    CUT,
    DENIED,
    DONE,
    IDLE,
    LOST,
    REFUSED,
    RESPONSE_TIMEOUT,
    UNKNOWN_NAME,
    UNTRUSTED,
)
from perijove.engine.mask import masked
from perijove.engine.reactor import Log
from perijove.engine.upstream import Upstream

if TYPE_CHECKING:
    from perijove.engine.client import Client
    from perijove.engine.head import RequestHead
    from perijove.engine.sink import Sink

WORDS: Final[dict[int, str]] = {  # why exchanges end
    DONE: "done",
    DENIED: "refused",
    CLIENT_GONE: "client-gone",
    CLIENT_TIMEOUT: "client-timeout",
    REFUSED: "upstream-refused",
    CONNECT_TIMEOUT: "upstream-timeout",
    RESPONSE_TIMEOUT: "upstream-timeout",
    UNKNOWN_NAME: "upstream-unknown",
    UNTRUSTED: "upstream-untrusted",
    LOST: "upstream-lost",
    BAD_RESPONSE: "bad-response",
    IDLE: "idle",
    CUT: "cut",
}

_ALL: Final = 1 << 30
_SHORTER: Final = 2048  # octets of a value at first, where a line becomes too long for its sink
_unsafe: Final = re.compile(rb'["\\\x00-\x1f\x7f-\xff]').sub
_SAFE: Final = bytes(octet for octet in range(0x20, 0x7F) if octet not in b'"\\')


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\x%02x" % found[0][0]


def _cut(value: bytes, most: int) -> bytes:
    return value if len(value) <= most else value[:most] + b"..."


def _text(name: str, value: bytes, most: int) -> str:
    """Return a member of an object; octets that are no UTF-8 become a backslash, `x` and two digits."""
    return f'"{name}":{_json(_cut(value, most).decode("utf-8", "backslashreplace"))},' if value else ""


class Record(Log):
    """Writes the log. Subclasses say what a line is."""

    def __init__(self, sink: Sink, dropped: int = 0) -> None:
        """Write to `sink`; `dropped` lines have been lost before."""
        super().__init__()
        self.sink = sink
        self.dropped = dropped
        self._most = sink.most
        self._second = 0
        self._stamp = b""

    def begin(self, client: Client, head: RequestHead) -> None:
        """Keep what the line will need of the head."""
        client.referer = head.field(fields.REFERER) or b""
        client.agent = head.field(fields.USER_AGENT) or b""

    def finish(self, client: Client) -> None:
        """Add the line of an exchange that has ended."""
        line = self.line(client, _ALL)
        self.lines.append(line if len(line) <= self._most else self._shorter(client))

    def _shorter(self, client: Client) -> bytes:
        most = _SHORTER
        while len(line := self.line(client, most)) > self._most and most:
            most //= 2
        return line

    def line(self, client: Client, most: int) -> bytes:
        """Return the line of an exchange, with at most so many octets of each value that the client chose."""
        raise NotImplementedError

    def flush(self) -> None:
        """Hand on what has gathered."""
        lines = self.lines
        self.lines = []
        self.dropped += self.sink.write(lines)


class Combined(Record):
    """Lines in Apache's format."""

    def line(self, client: Client, most: int) -> bytes:
        """Return the line of an exchange."""
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._stamp = time.strftime("%d/%b/%Y:%H:%M:%S %z", time.localtime(now)).encode()
        exchange = client.exchange
        method, target, referer, agent = exchange.method, masked(exchange.target), masked(client.referer), client.agent
        if most != _ALL:
            method, target, referer, agent = _cut(method, most), _cut(target, most), _cut(referer, most), _cut(agent, most)
        request = b"%b %b HTTP/1.%d" % (method, target, exchange.minor) if method else b"-"
        if (request + referer + agent).translate(None, _SAFE):
            request, referer, agent = _unsafe(_escaped, request), _unsafe(_escaped, referer), _unsafe(_escaped, agent)
        return b'%b - - [%b] "%b" %d %d "%b" "%b"\n' % (
            exchange.address,
            self._stamp,
            request,
            exchange.status,
            exchange.sent,
            referer or b"-",
            agent or b"-",
        )


class Json(Record):
    """Lines that are JSON objects, in ASCII. What is not known is left out."""

    def line(self, client: Client, most: int) -> bytes:
        """Return the line of an exchange."""
        clock = time.time()
        second = int(clock)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        exchange = client.exchange
        now = client.reactor.now

        parts = [
            f'{{"time":"{self._stamp.decode()}.{int(clock % 1 * 1000):03d}Z",',
            _text("request_id", template.request_id(exchange), most),
            _text("client", exchange.address, most),
            _text("scheme", exchange.scheme, most),
        ]
        if client.tls is not None:
            parts.append(f'"tls":"{client.tls.version()}",')
        if exchange.method:
            parts.append(_text("host", exchange.host, most))
            parts.append(_text("method", exchange.method, most))
            parts.append(_text("target", masked(exchange.target), most))
            parts.append(f'"protocol":"HTTP/1.{exchange.minor}",')
            parts.append(_text("referer", masked(client.referer), most))
            parts.append(_text("user_agent", client.agent, most))
        parts.append(
            f'"status":{exchange.status},"received":{exchange.received},"sent":{exchange.sent},'
            f'"seconds":{now - exchange.begun:.6f},"ended":"{WORDS[exchange.ended]}"'
        )
        if exchange.asked and exchange.plan is not None:
            assert isinstance(exchange.plan.upstream, Upstream)
            parts.append(f',"upstream":{_json(exchange.plan.upstream.name)}')
            if exchange.answered:
                parts.append(f',"upstream_seconds":{exchange.answered - exchange.begun:.6f}')
        if client.tunnelled:
            parts.append(f',"tunnel_seconds":{now - client.tunnelled:.6f}')
        parts.append("}\n")
        return "".join(parts).encode()
