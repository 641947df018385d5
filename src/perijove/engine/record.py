"""The access log: one line for each exchange, in Apache's "combined" format or as a JSON object.

Knows what lines say, and what they keep to themselves (`mask`). They are handed on a few times a second; the sink that takes
them waits for nothing, and those that it loses are counted.
"""

from __future__ import annotations

import time
from json.encoder import encode_basestring_ascii as _json
from typing import TYPE_CHECKING, Final

from perijove.engine import fields, template
from perijove.engine.client import Client
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
from perijove.engine.line import ALL, combined, may_hide, shortened
from perijove.engine.mask import NAMES, masked
from perijove.engine.poll import wall
from perijove.engine.site import Recorder
from perijove.engine.upstream import Upstream

if TYPE_CHECKING:
    from perijove.engine.head import RequestHead
    from perijove.engine.reactor import Endpoint
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

_REFERER: Final = fields.REFERER
_USER_AGENT: Final = fields.USER_AGENT
_SHORTER: Final = 2048  # octets of a value at first, where a line becomes too long for its sink
_SECRET: Final = frozenset(name.encode() for name in NAMES)


def _shown(url: bytes) -> bytes:
    """Return a URL without the secrets in it; most have none, which is told faster than it is mended."""
    return masked(url) if may_hide(url, _SECRET) else url


def _text(name: str, value: bytes, most: int) -> str:
    """Return a member of an object; octets that are no UTF-8 become a backslash, `x` and two digits."""
    return f'"{name}":{_json(shortened(value, most).decode("utf-8", "backslashreplace"))},' if value else ""


class Record(Recorder):
    """Writes the log. Subclasses say what a line is."""

    def __init__(self, sink: Sink, dropped: int = 0) -> None:
        """Write to `sink`; `dropped` lines have been lost before."""
        super().__init__()
        self.sink = sink
        self.dropped = dropped
        self._most = sink.most
        self._second = 0
        self._stamp = b""

    def begin(self, client: Endpoint, head: RequestHead) -> None:
        """Keep what the line will need of the head."""
        one = client
        assert isinstance(one, Client)
        one.referer = head.field(_REFERER) or b""
        one.agent = head.field(_USER_AGENT) or b""

    def finish(self, client: Endpoint) -> None:
        """Add the line of an exchange that has ended."""
        assert isinstance(client, Client)
        line = self.line(client, ALL)
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
        now = wall()
        if not self._second <= now < self._second + 1:
            self._second = int(now)
            self._stamp = time.strftime("%d/%b/%Y:%H:%M:%S %z", time.localtime(self._second)).encode()
        exchange = client.exchange
        return combined(
            exchange.address,
            self._stamp,
            exchange.method,
            _shown(exchange.target),
            exchange.minor,
            exchange.status,
            exchange.sent,
            _shown(client.referer),
            client.agent,
            most,
        )


class Json(Record):
    """Lines that are JSON objects, in ASCII. What is not known is left out."""

    def line(self, client: Client, most: int) -> bytes:
        """Return the line of an exchange."""
        clock = wall()
        if not self._second <= clock < self._second + 1:
            self._second = int(clock)
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self._second)).encode()
        exchange = client.exchange
        now = client.reactor.now

        parts = [
            f'{{"time":"{self._stamp.decode()}.{int(clock % 1 * 1000):03d}Z",',
            _text("request_id", template.request_id(exchange), most),
            _text("client", exchange.address, most),
            _text("scheme", exchange.scheme, most),
        ]
        if client.tls is not None:
            parts.append(f'"tls":"{client.tls.connection.version()}",')
        if exchange.method:
            parts.append(_text("host", exchange.host, most))
            parts.append(_text("method", exchange.method, most))
            parts.append(_text("target", _shown(exchange.target), most))
            parts.append(f'"protocol":"HTTP/1.{exchange.minor}",')
            parts.append(_text("referer", _shown(client.referer), most))
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
