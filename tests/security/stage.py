"""Both ends of a proxy that is judged: an upstream that keeps what reaches it, and clients that send octets as they are."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.reader import Broken, Message
from tests.security import clear
from tests.security.proxies import START, Running, Settings
from tests.server.parts import Conversation, Origin

SAFE, LAX, BROKEN, UNSAFE = "SAFE", "LAX", "BROKEN", "UNSAFE"
PATIENCE = 5.0  # seconds for an answer that must come
QUIET = 0.06  # … for one that should not
_AFTER = 0.01


class Verdict(NamedTuple):
    """What became of a case."""

    verdict: str
    why: str = ""


SAFELY = Verdict(SAFE)


@dataclass
class Seen:
    """A connection as the upstream saw it."""

    raw: bytearray = field(default_factory=bytearray)
    messages: list[Message] = field(default_factory=list)
    fault: str = ""  # why it is not clean messages
    tunnel: bytes | None = None  # what came after a 101 …
    protocol: bytes = b""  # … to what


def answer(message: Message, content: bytes | None = None, status: bytes = b"200 OK", fields: bytes = b"") -> bytes:
    """An answer that says what was asked."""
    body = b"%b %b" % message.first if content is None else content
    head = b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n" % (status, fields, len(body))
    return head if message.first[0] == b"HEAD" else head + body


_tokens = re.compile(rb"c[0-9]+-").findall


def read_requests(conversation: Conversation) -> Iterator[Message]:
    """Yield clean requests as they come. Raises Broken."""
    data = b""
    while True:
        message = clear.request(data)
        if message is not None:
            data = data[message.size :]
            yield message
            continue
        piece = conversation.sock.recv(1 << 18)
        if not piece:
            return
        data += piece


class Recorder:
    """Reads strictly, and answers each clean request. It grants every upgrade that it is asked for: a proxy must not ask."""

    def __init__(self) -> None:
        self.connections: list[Seen] = []
        self.messages: list[Message] = []  # of all connections, as they came

    def __call__(self, conversation: Conversation) -> None:
        seen = Seen()
        self.connections.append(seen)
        data = b""
        told = soon = False
        while True:
            try:
                message = clear.request(data)
                found = clear.head(data) if message is None or b"-early" in data else None
                if found is not None and b"-early" in found[0]:
                    conversation.send(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nearly")
                    return  # what was not read makes a reset of the close
                if found is not None and b"-soon" in found[0]:
                    if not soon:
                        conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsoon")
                    soon = True
                elif found is not None and not told and (b"expect", b"100-continue") in found[1]:
                    told = True
                    conversation.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            except Broken as why:
                seen.fault = str(why)
                return
            if message is None:
                piece = conversation.sock.recv(1 << 18)
                if not piece:
                    return
                seen.raw += piece
                data += piece
                continue
            told = False
            data = data[message.size :]
            seen.messages.append(message)
            self.messages.append(message)
            if soon:
                soon = False
                continue
            upgrade = message.get(b"upgrade")
            if upgrade and b"-refused" not in message.first[1]:
                self._tunnel(conversation, seen, upgrade, data)
                return
            if b"-refused" in message.first[1]:
                conversation.send(answer(message, b"no", b"403 Forbidden"))
            else:
                conversation.send(answer(message))
            if b"close" in message.tokens(b"connection"):
                return

    def _tunnel(self, conversation: Conversation, seen: Seen, protocol: bytes, data: bytes) -> None:
        seen.protocol = protocol
        seen.tunnel = data
        conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n" % protocol + data)
        while piece := conversation.sock.recv(65536):
            seen.tunnel += piece
            conversation.send(piece)

    def of(self, token: bytes) -> tuple[list[Message], list[Seen]]:
        """Return the clean messages that have a token in their targets, and the connections in which it came last."""
        messages = [one for one in self.messages if token in one.first[1]]
        return messages, [seen for seen in self.connections if (_tokens(seen.raw) or [b""])[-1] == token]


@dataclass
class Outcome:
    """What a client saw."""

    data: bytes = b""
    ended: str = "open"
    answers: list[Message] = field(default_factory=list)  # final ones
    interim: list[Message] = field(default_factory=list)
    fault: str = ""
    rest: bytes = b""  # behind the last whole answer

    def read(self, methods: Sequence[bytes]) -> None:
        """Read the answers to requests of these methods; what comes beyond is read as if it answered a GET."""
        self.answers, self.interim, self.fault = [], [], ""
        left = list(methods)
        data = self.data
        while data:
            try:
                message = clear.response(data, left[0] if left else b"GET", self.ended)
            except Broken as why:
                self.fault = str(why)
                break
            if message is None:
                break
            data = data[message.size :]
            if message.status < 200 and message.status != 101:
                self.interim.append(message)
                continue
            self.answers.append(message)
            if left:
                left.pop(0)
            if message.status == 101:
                break
        self.rest = data

    @property
    def statuses(self) -> list[int]:
        return [one.status for one in self.answers]


def converse(
    port: int,
    pieces: Sequence[bytes | float | str],
    methods: Sequence[bytes],
    wanted: int,
    quiet: float = QUIET,
    done: Callable[[Outcome], bool] | None = None,
) -> Outcome:
    """Send octets, wait (a number of seconds), "fin" or "rst"; read until so many answers have come, and a moment longer.

    Args:
        port: where to.
        pieces: what to do, in order.
        methods: of the requests, as far as anybody can tell.
        wanted: how many answers must come; 0 is: whatever comes until it is quiet.
        quiet: seconds.
        done: tells that all has come, where answers do not tell it.
    """
    outcome = Outcome()
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            if isinstance(piece, float):
                time.sleep(piece)
            elif piece == "fin":
                sock.shutdown(socket.SHUT_WR)
            elif piece == "rst":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return outcome
            else:
                assert isinstance(piece, bytes)
                with contextlib.suppress(OSError):  # it has answered and closed before all was said
                    sock.sendall(piece)
        end = time.monotonic() + (PATIENCE if wanted or done else quiet)
        while (left := end - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                data = sock.recv(1 << 18)
            except TimeoutError:
                break
            except OSError:
                outcome.ended = "rst"
                break
            if not data:
                outcome.ended = "fin"
                break
            outcome.data += data
            if done is not None:
                if done(outcome):
                    break
                continue
            outcome.read(methods)
            if not wanted:
                # Who says that this is the last answer is given the time to end.
                last = outcome.answers and b"close" in outcome.answers[-1].tokens(b"connection")
                end = time.monotonic() + (PATIENCE if last else quiet)
                continue
            if len(outcome.answers) >= wanted or outcome.fault:
                end = time.monotonic() + _AFTER
    outcome.read(methods)
    return outcome


def innocent(port: int, token: bytes, path: bytes = b"/") -> str:
    """Ask as the next client does, which has done nothing, by a GET: it may get a pooled connection. Return what is wrong."""
    target = b"%b%binnocent" % (path, token)
    got = converse(port, [b"GET %b HTTP/1.1\r\nHost: hub.example\r\n\r\n" % target], [b"GET"], 1)
    if got.statuses != [200] or got.answers[0].content != b"GET " + target or got.rest:
        return f"the next client got {got.statuses} {got.data[:120]!r}"
    return ""


@contextlib.contextmanager
def staged(
    name: str, folder: Path, upstream: Callable[[Conversation], None], **settings: object
) -> Iterator[tuple[Running, Origin]]:
    """A proxy in front of an upstream."""
    origin = Origin(upstream)
    try:
        running = START[name](folder, Settings(origin.port, **settings))  # type: ignore[arg-type]
        try:
            yield running, origin
        finally:
            running.stop()
    finally:
        origin.faults.clear()  # what a broken proxy does to it is judged by what it kept
        with contextlib.suppress(AssertionError):
            origin.stop()
    log = running.log()
    assert "internal error" not in log, log
    assert "Traceback (most" not in log, log
