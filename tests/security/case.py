"""One request case: what is sent, and what must, or must not, arrive of it.

In what is sent, `<mark>` stands for the case's own mark, six octets too, by which it is found again upstream. `HIDDEN` is the
request that an attack tries to have served as one more.
"""

from __future__ import annotations

from typing import NamedTuple

HIDDEN = b"GET /<mark>hidden HTTP/1.1\r\nHost: hub.example\r\n\r\n"
HOST = b"Host: hub.example\r\n"
GET = b"GET /<mark> HTTP/1.1\r\n" + HOST
POST = b"POST /<mark> HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
KEY = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + KEY
UPGRADE = GET + WEBSOCKET + b"\r\n"


class Case(NamedTuple):
    """One connection of a client.

    An attack has nothing that must arrive (`content` is None): it is refused, or goes on as at most `most` clean messages. What
    is valid arrives with this content, as many times as it says, and is answered.
    """

    kind: str
    name: str
    send: tuple[bytes | float | str, ...]
    content: tuple[bytes, ...] | None = None
    methods: tuple[bytes, ...] = (b"GET",)
    targets: tuple[bytes, ...] = (b"/<mark>",)
    statuses: tuple[int, ...] = (200,)
    most: int = 1
    closes: bool = True  # where it ends cannot be known: whoever refuses it must close
    refuse: bool = False  # it has one reading, but a strict proxy refuses it
    drip: bool = False  # octet by octet

    @property
    def attack(self) -> bool:
        return self.content is None and self.statuses == (200,)

    def pieces(self, mark: bytes) -> list[bytes | float | str]:
        """Return what is sent."""
        found = [piece.replace(b"<mark>", mark) if isinstance(piece, bytes) else piece for piece in self.send]
        if not self.drip:
            return found
        return [part for piece in found if isinstance(piece, bytes) for octet in piece for part in (bytes((octet,)), 0.0001)]


def attack(kind: str, name: str, *send: bytes | float | str, **more: object) -> Case:
    """What is to be refused, or cleaned."""
    return Case(kind, name, send, **more)  # type: ignore[arg-type]


def malformed(kind: str, name: str, send: bytes, **more: object) -> Case:
    """A head that has one reading as to where it ends, with a request behind it: to be refused."""
    return Case(kind, name, (send + HIDDEN,), most=2, refuse=True, **more)  # type: ignore[arg-type]


def valid(
    kind: str, name: str, *send: bytes | float | str, content: bytes | tuple[bytes, ...] | None = b"", **more: object
) -> Case:
    """What must arrive."""
    more.setdefault("content", (content,) if isinstance(content, bytes) else content)
    first = send[0]
    assert isinstance(first, bytes)
    more.setdefault("methods", (first.lstrip().split(b" ", 1)[0],))
    return Case(kind, name, send, **more)  # type: ignore[arg-type]
