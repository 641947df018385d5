"""The access log: one line for each exchange, in Apache's "combined" format and a few words more.

Knows lines and a descriptor. Lines are written once a round; a descriptor that would block, or fails, loses lines and they are
counted: the data path never waits for its log.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Final

from perijove.engine import fields
from perijove.engine.reactor import Log

if TYPE_CHECKING:
    from perijove.engine.client import Client
    from perijove.engine.head import RequestHead

# JupyterHub's URLs carry secrets: login tokens, OAuth codes and states. They are not written anywhere.
_secret: Final = re.compile(rb"([?&;](?:token|code|state|access_token|auth_token|_xsrf|password)=)[^&;#\s\"]+")
_unsafe: Final = re.compile(rb'["\\\x00-\x1f\x7f-\xff]')


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\x%02x" % found[0][0]


def masked(target: bytes) -> bytes:
    """Return a URL or request target without the secrets in its query."""
    return _secret.sub(rb"\1***", target) if b"=" in target else target


def _quoted(value: bytes) -> bytes:
    return _unsafe.sub(_escaped, value) if value else b"-"


class Record(Log):
    """Writes the log to a descriptor."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self.fd = fd
        self.dropped = 0  # lines that were lost
        self._rest = b""  # of a line that was written in part
        self._second = 0
        self._stamp = b""

    def begin(self, client: Client, head: RequestHead) -> None:
        """Keep what the line will need of the head."""
        client.referer = head.field(fields.REFERER) or b""
        client.agent = head.field(fields.USER_AGENT) or b""

    def finish(self, client: Client) -> None:
        """Add the line of an exchange that has ended."""
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._stamp = time.strftime("%d/%b/%Y:%H:%M:%S %z", time.localtime(now)).encode()
        exchange = client.exchange
        request = b"-"
        if exchange.method:
            request = b"%b %b HTTP/1.%d" % (exchange.method, masked(exchange.target), exchange.minor)
        self.lines.append(
            b'%b - - [%b] "%b" %d %d "%b" "%b"\n'
            % (
                exchange.address,
                self._stamp,
                _quoted(request),
                exchange.status,
                exchange.sent,
                _quoted(masked(client.referer)),
                _quoted(client.agent),
            )
        )

    def flush(self) -> None:
        """Write what has gathered."""
        lines = self.lines
        data = self._rest + b"".join(lines)
        count = len(lines)
        self.lines = []
        try:
            written = os.write(self.fd, data)
        except OSError:
            self.dropped += count
            return
        self._rest = b""
        if written < len(data):  # a pipe that is nearly full, a disk that is
            self._rest = data[written:]
            end = self._rest.find(b"\n") + 1
            self.dropped += self._rest.count(b"\n", end)
            self._rest = self._rest[:end]
