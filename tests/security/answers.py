"""Answers of an upstream: what is garbled, cut, too much or not asked for, and what is odd but valid.

What is garbled may reach a client as an error, or as an answer that a client sees to be cut; never as one that looks whole. What
is said beyond an answer is for nobody.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tests.reader import Broken
from tests.security import clear
from tests.security.attacks import CODING_LINES, CODINGS, CONTROLS, LENGTH_LINES, LENGTHS, SIZES
from tests.security.stage import BROKEN, LAX, SAFELY, UNSAFE, Outcome, Verdict, answer, read_requests
from tests.server.parts import Conversation

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
SECOND = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nSet-Cookie: stolen=1\r\n\r\nsecond"


class Case(NamedTuple):
    """One answer. With `status` 0 nothing of it may look whole; else it must arrive, with this content."""

    kind: str
    name: str
    say: tuple[bytes | float | str, ...]  # octets, seconds of silence, "fin", "rst"
    status: int = 0
    content: bytes = b"hello"
    method: bytes = b"GET"
    minor: int = 1  # of the client's version
    interim: int | None = None  # answers before it that must arrive
    either: bool = False  # it may be refused, too
    drip: bool = False
    gone: tuple[bytes, ...] = ()  # names that must not arrive
    late: float = 0.0  # seconds that the next client waits: what comes late has come then. Such a case is played alone


def bad(kind: str, name: str, *say: bytes | float | str, **more: object) -> Case:
    """What must not look whole, to clients of either version."""
    return Case(kind, name, say, **more)  # type: ignore[arg-type]


def good(kind: str, name: str, *say: bytes | float | str, **more: object) -> Case:
    """What must arrive."""
    more.setdefault("status", 200)
    return Case(kind, name, say, **more)  # type: ignore[arg-type]


_STATUS_LINES = (
    b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 abc OK", b"HTTP/1.1 2x0 OK", b"HTTP/1.1 099 OK", b"HTTP/1.1 000 OK", b"HTTP/1.1 -20 OK",
    b"HTTP/1.1 +200 OK", b"HTTP/1.1 200OK", b"HTTP/1.1200 OK", b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK", b" HTTP/1.1 200 OK", b"HTTP/1.1", b"HTTP/1.1 ", b"HTTP/1.1 200 O\0K",
    b"HTTP/1.1 200 O\x7fK", b"HTTP/1.1 200 O\rK", b"HTTP/1.1 200 OK\r", b"HTTP/0.9 200 OK", b"HTTP/2.0 200 OK", b"HTTP/2 200", b"HTTP/1.2 200 OK", b"HTTP/11 200 OK", b"http/1.1 200 OK",
    b"HTTPS/1.1 200 OK", b"ICY 200 OK", b"hello", b"<html>", b"SSH-2.0-OpenSSH", b"220 smtp ESMTP", b"GET / HTTP/1.1", b"\x16\x03\x03\x00\x01", b"\0\0\0\0", b"\r\n\r\nHTTP/1.1 200 OK", b"\nHTTP/1.1 200 OK", b"Content-Length: 5",
)  # fmt: skip


def _heads() -> Iterator[Case]:
    for line in _STATUS_LINES:
        yield bad("status line", f"{line!r}", line + b"\r\nContent-Length: 5\r\n\r\nhello", 0.02, "fin")
    for coding in CODINGS:
        yield bad("coding", f"{coding!r}", OK + b"Transfer-Encoding: %b\r\n\r\n5\r\nhello\r\n0\r\n\r\n" % coding, 0.01, "fin")
    for line in CODING_LINES:
        yield bad(
            "coding line",
            f"{line!r}",
            OK + line + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            0.01,
            "fin",
            either=line == b"Content-Type: a\r\n Transfer-Encoding: chunked",
        )
    for length in LENGTHS:
        yield bad(
            "length",
            f"{length[:40]!r}",
            OK + b"Content-Length: %b\r\n\r\nhello" % length,
            0.01,
            "fin",
            status=200 if length.strip(b", ").startswith((b"5, 5", b"5,5")) else 0,
            either=True,
        )
    for line in LENGTH_LINES:
        same = b"5\r\nContent-Length: 5" in line or b": 05" in line
        yield bad("lengths", f"{line!r}", OK + line + b"\r\n\r\nhello", 0.01, "fin", status=200 if same else 0, either=True)
    yield bad(
        "lengths",
        "length and coding",
        OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + SECOND,
    )
    for kept in (b"", b"Connection: keep-alive\r\n"):
        yield bad(
            "lengths",
            f"coding of HTTP/1.0 {kept!r}",
            b"HTTP/1.0 200 OK\r\n" + kept + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            0.01,
            "fin",
            status=200,
            either=True,
        )
    for name, data in {"LF": HELLO.replace(b"\r\n", b"\n"), "CR": HELLO.replace(b"\r\n", b"\r"), "LF first": HELLO.replace(b"\r\n", b"\n", 1), "LF twice": OK + b"Content-Length: 5\n\nhello"}.items():  # fmt: skip
        yield bad("line ends", name, data, 0.01, "fin")
    for control in (*CONTROLS, b"\r", b"\n"):
        for where, line in {
            "in a name": b"A%bB: c", "in front of a name": b"%bA: b", "behind a name": b"A%b: b", "in a value": b"A: b%bSet-Cookie: stolen=1", "behind a value": b"A: b%b", "for a line": b"%b",
        }.items():  # fmt: skip
            yield bad("control", f"{control!r} {where}", OK + line % control + b"\r\nContent-Length: 5\r\n\r\nhello")
    for line in (
        b"A",
        b": b",
        b"A : b",
        b"A\t: b",
        b" A: b",
        b"A: b\r\n Set-Cookie: stolen=1",
        b"A: b\r\n\tc",
        b"A:\r\n b",
        b"A b: c",
        b"A(: b",
        b"\xe9: b",
        b"Content-Length",
        b"HTTP/1.1 200 OK",
    ):
        yield bad("field line", f"{line!r}", OK + line + b"\r\nContent-Length: 5\r\n\r\nhello")
    yield bad("size", "a field of 1,000,000", OK + b"A: " + b"a" * 1000000 + b"\r\nContent-Length: 5\r\n\r\nhello", "fin")
    yield bad("size", "10,000 fields", OK + b"A: b\r\n" * 10000 + b"Content-Length: 5\r\n\r\nhello", "fin")
    yield bad("size", "a head without an end", OK + b"A: b\r\n" * 100000, "fin")
    yield bad("size", "a line without an end", b"HTTP/1.1 200 " + b"O" * 1000000, "fin")


def _cut() -> Iterator[Case]:
    body = bytes(5000)
    for minor in (1, 0):
        for end in ("fin", "rst"):
            v = f"{end}, HTTP/1.{minor}"
            yield bad("cut", f"length, {v}", OK + b"Content-Length: 10000\r\n\r\n" + body, 0.03, end, minor=minor)
            yield bad("cut", f"length, nothing of it, {v}", OK + b"Content-Length: 10000\r\n\r\n", 0.03, end, minor=minor)
            for at, piece in {
                "behind a chunk": b"", "in a size": b"1", "behind a size": b"5\r\n", "in a chunk": b"5\r\nhel", "in front of its CRLF": b"5\r\nhello", "in the last chunk": b"0\r\n", "in the trailer": b"0\r\nA: b\r\n", "in the last CRLF": b"0\r\n\r",
            }.items():  # fmt: skip
                yield bad("cut", f"chunked, {at}, {v}", CHUNKED + piece, 0.03, end, minor=minor)
            yield bad("cut", f"in the head, {v}", OK + b"Content-Le", 0.01, end, minor=minor)
            yield bad("cut", f"before an answer, {v}", end, minor=minor)
            yield bad("cut", f"after an interim one, {v}", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.02, end, minor=minor)
        yield bad("cut", f"until close, rst, HTTP/1.{minor}", OK + b"\r\n" + body, 0.03, "rst", minor=minor)
        for size in SIZES:
            yield bad(
                "chunk size",
                f"{size[:40]!r}, HTTP/1.{minor}",
                CHUNKED + size + b"\r\nhello\r\n0\r\n\r\n",
                0.01,
                "fin",
                minor=minor,
            )
        for end in (b"", b"\n", b"\r", b"xx", b"\r\r\n", b"\0\0"):
            yield bad(
                "chunk end",
                f"{end!r}, HTTP/1.{minor}",
                OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello" + end + b"0\r\n\r\n",
                0.01,
                "fin",
                minor=minor,
            )
        for line in (b"A", b"A : b", b": b", b" A: b", b"A: \0", b"A: b\n", b"A: b\rSet-Cookie: stolen=1"):
            yield bad("trailer", f"{line!r}, HTTP/1.{minor}", CHUNKED + b"0\r\n" + line + b"\r\n\r\n", 0.01, "fin", minor=minor)
    for name in (b"Content-Length", b"Transfer-Encoding", b"Set-Cookie", b"Connection", b"Content-Type", b"Host"):
        yield bad(
            "trailer that frames", name.decode(), CHUNKED + b"0\r\n" + name + b": stolen=1\r\n\r\n", status=200, either=True
        )


def _too_much() -> Iterator[Case]:
    yield good("second answer", "at once", HELLO + SECOND)
    yield good("second answer", "a moment later", HELLO, 0.005, SECOND, late=0.1)
    yield good("second answer", "behind chunks", CHUNKED + b"0\r\n\r\n" + SECOND)
    yield good("second answer", "with 64 KB behind it", HELLO + SECOND + bytes(65536))
    yield good(
        "second answer",
        "behind a large one",
        OK + b"Content-Length: 300000\r\n\r\n" + bytes(300000) + SECOND,
        content=bytes(300000),
    )
    yield good("second answer", "to POST", HELLO + SECOND, method=b"POST")
    yield good("second answer", "half of it a moment later", HELLO, 0.005, SECOND[:20], late=0.1)
    yield good("second answer", "behind a HEAD's", OK + b"Content-Length: 5\r\n\r\n" + SECOND, method=b"HEAD", content=b"")
    yield good("more than its length", "an octet", HELLO + b"!")
    yield good("more than its length", "a line", HELLO + b"\r\n")
    yield good("more than its length", "half an answer", HELLO + SECOND[:30])
    yield good("more than its length", "an interim answer", HELLO + b"HTTP/1.1 103 Early Hints\r\n\r\n")
    yield good(
        "unasked",
        "408 of an idle connection",
        HELLO,
        0.01,
        b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "fin",
        late=0.1,
    )
    for status in (204, 304):
        first = b"HTTP/1.1 %d X\r\n" % status
        yield good(
            "no content", f"{status} with content", first + b"Content-Length: 5\r\n\r\nhello", status=status, content=b""
        )
        yield good(
            "no content",
            f"{status} with chunks",
            first + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            status=status,
            content=b"",
        )
        yield good("no content", f"{status} with a second answer", first + b"\r\n" + SECOND, status=status, content=b"")
        yield good("no content", f"{status}", first + b"\r\n", status=status, content=b"")
    yield good(
        "no content", "304 with a length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", status=304, content=b""
    )
    yield good("no content", "HEAD with content", HELLO, method=b"HEAD", content=b"")
    yield good("no content", "HEAD with chunks", CHUNKED + b"0\r\n\r\n", method=b"HEAD", content=b"")
    yield good("no content", "HEAD with a length", OK + b"Content-Length: 12345\r\n\r\n", method=b"HEAD", content=b"")
    yield good("no content", "length of nothing, and content", OK + b"Content-Length: 0\r\n\r\nhello", content=b"")
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    yield good("interim", "one", hints + HELLO, interim=1)
    yield good("interim", "six, slowly", *[hints, 0.005] * 6, HELLO, interim=6)
    yield good("interim", "40 times 102", *[b"HTTP/1.1 102 Processing\r\n\r\n", 0.001] * 40, HELLO)
    yield good("interim", "100 that was not asked for", b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO)
    yield good("interim", "to HTTP/1.0", hints + HELLO, minor=0, interim=0)
    yield bad("interim", "a flood of 20,000", hints * 20000 + HELLO, either=True, status=200)
    for count in (99, 100, 101, 1000):
        yield bad("interim", f"{count}", hints * count + HELLO, either=True, status=200)
    yield bad(
        "interim", "with content", b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello" + HELLO, either=True, status=200
    )
    yield bad("interim", "bare LF", b"HTTP/1.1 103 Early Hints\n\n" + HELLO)
    yield bad(
        "interim",
        "of 100 KB",
        b"HTTP/1.1 103 Early Hints\r\nA: " + b"a" * 100000 + b"\r\n\r\n" + HELLO,
        either=True,
        status=200,
    )
    switching = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw"
    for method, minor in ((b"POST", 1), (b"HEAD", 1), (b"GET", 0)):
        yield bad("interim", f"101 to {method.decode()} of HTTP/1.{minor}", switching, method=method, minor=minor)
    yield bad("interim", "then 101", hints + switching)
    yield bad("interim", "without an end", hints * 5, 0.02, "fin")
    yield bad(
        "interim",
        "101 that was not asked for",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw" + SECOND,
    )
    yield bad(
        "interim",
        "101 to something else",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nraw" + SECOND,
    )
    yield bad("interim", "101 without a protocol", b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + SECOND)
    yield bad(
        "interim",
        "103 with a length",
        b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + HELLO,
        either=True,
        status=200,
    )
    yield bad(
        "interim",
        "103 with a coding",
        b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO,
        either=True,
        status=200,
    )


def _valid() -> Iterator[Case]:
    for minor in (1, 0):
        v = f"to HTTP/1.{minor}"
        yield good("valid", f"length, {v}", HELLO, minor=minor)
        yield good("valid", f"chunked, {v}", CHUNKED + b"0\r\n\r\n", minor=minor)
        yield good("valid", f"until close, {v}", OK + b"\r\nhello", 0.01, "fin", minor=minor)
        yield good(
            "valid", f"until close, large, {v}", OK + b"\r\n" + bytes(3_000_000), "fin", content=bytes(3_000_000), minor=minor
        )
        yield good("valid", f"of HTTP/1.0, {v}", b"HTTP/1.0 200 OK\r\n\r\nhello", "fin", minor=minor)
        yield good(
            "valid",
            f"of HTTP/1.0 with a length, {v}",
            b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            0.01,
            "fin",
            minor=minor,
        )
        yield good(
            "valid",
            f"of HTTP/1.0, kept, {v}",
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
            minor=minor,
        )
    yield good("valid", "closed at once", HELLO, "fin")
    yield good("valid", "closed, as it said", OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", "fin")
    yield good("valid", "chunked, closed at once", CHUNKED + b"0\r\n\r\n", "fin")
    yield good(
        "valid", "an upgrade that is offered", OK + b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 5\r\n\r\nhello"
    )
    yield good(
        "valid",
        "chunks of an octet each",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n",
        content=b"x" * 5000,
    )
    yield good("valid", "no reason", b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello")
    yield good("valid", "neither reason nor space", b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello")
    yield good("valid", "a reason of other letters", b"HTTP/1.1 404 N\xf6t\r\nContent-Length: 5\r\n\r\nhello", status=404)
    for status in (201, 207, 299, 302, 400, 401, 413, 418, 431, 451, 500, 503, 599):
        yield good("valid", f"status {status}", b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\nhello" % status, status=status)
    for size in (7, 15, 30, 60):
        cookies = b"Set-Cookie: a=" + b"b" * 990 + b"\r\n"
        yield good("valid", f"head of {size} KB", OK + cookies * size + b"Content-Length: 5\r\n\r\nhello")
    yield good("valid", "a field of 7 KB", OK + b"Link: " + b"a" * 7000 + b"\r\nContent-Length: 5\r\n\r\nhello")
    yield good("valid", "150 fields", OK + b"A: b\r\n" * 150 + b"Content-Length: 5\r\n\r\nhello")
    yield good("valid", "octet by octet", HELLO, drip=True)
    yield good("valid", "chunked, octet by octet", CHUNKED + b"0\r\n\r\n", drip=True)
    yield good(
        "valid",
        "extensions and trailers",
        OK + b'Transfer-Encoding: chunked\r\n\r\n5;a=b;c="d \\" e"\r\nhello\r\n0;x\r\nX-Checksum: 1\r\n\r\n',
    )
    yield good("valid", "leading zeros", OK + b"Transfer-Encoding: chunked\r\n\r\n0005\r\nhello\r\n0000\r\n\r\n")
    yield good(
        "valid",
        "chunked, large",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + bytes(65536) + b"\r\n") * 40 + b"0\r\n\r\n",
        content=bytes(65536 * 40),
    )
    yield good("valid", "names in any case", OK + b"CONTENT-LENGTH:5\r\ncontent-type:text/plain\r\n\r\nhello")
    yield good("valid", "other letters in values", OK + b"A: caf\xe9\r\nContent-Length: 5\r\n\r\nhello")
    yield good("valid", "to POST", HELLO, method=b"POST")


def _hops() -> Iterator[Case]:
    for line in (
        b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"TE: trailers", b"Upgrade: h2c", b"Upgrade: websocket\r\nConnection: upgrade", b"Connection: X-Own\r\nX-Own: a", b"X-Own: a\r\nConnection: keep-alive, x-own",
        b"Connection: close\r\nX-Own: a\r\nConnection: X-OWN", b"Connection: Set-Cookie\r\nSet-Cookie: a=b", b"Connection: ,, X-Own ,\r\nX-Own: a\r\nx-own: b",
    ):  # fmt: skip
        named = [name.partition(b":")[0].lower() for name in line.split(b"\r\n")]
        for name, head, content in (
            ("length", b"Content-Length: 5\r\n\r\n", b"hello"),
            ("chunks", b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
        ):
            yield good(
                "hop-by-hop",
                f"{line!r}, {name}",
                OK + line + b"\r\n" + head + content,
                gone=tuple(set(named) - {b"connection"}),
            )
    for name in (b"Content-Length", b"Transfer-Encoding", b"Connection", b"Date", b"Content-Type"):
        line = b"Connection: %b\r\n" % name
        yield good("hop-by-hop", f"{line!r}, length", OK + line + b"Content-Length: 5\r\n\r\nhello")
        yield good("hop-by-hop", f"{line!r}, chunks", OK + line + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        yield good("hop-by-hop", f"{line!r}, to HTTP/1.0", OK + line + b"Content-Length: 5\r\n\r\nhello", minor=0)


def cases() -> list[Case]:
    """All of them."""
    return [*_heads(), *_cut(), *_too_much(), *_valid(), *_hops()]


class Speaker:
    """Says to each request what its case has, by the number in its target; to the next client what it asks."""

    def __init__(self, chosen: Sequence[Case]) -> None:
        self.chosen = chosen

    def __call__(self, conversation: Conversation) -> None:
        for message in read_requests(conversation):
            if b"innocent" in message.first[1]:
                conversation.send(answer(message))
            elif not self._say(conversation.sock, self.chosen[int(message.first[1][2:6])]):
                return

    def _say(self, sock: socket.socket, case: Case) -> bool:
        """Say it; tell whether the connection stands."""
        for piece in case.say:
            if isinstance(piece, float):
                time.sleep(piece)
            elif isinstance(piece, str):
                if piece == "rst":
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            elif case.drip:
                for octet in piece:
                    sock.sendall(bytes((octet,)))
                    time.sleep(0.0001)
            else:
                sock.sendall(piece)
        return True


def asking(case: Case, mark: bytes) -> bytes:
    """Return the request."""
    content = b"Content-Length: 2\r\n\r\nhi" if case.method == b"POST" else b"\r\n"
    return b"%b /%b HTTP/1.%d\r\nHost: hub.example\r\n" % (case.method, mark, case.minor) + content


# A head that is malformed, and has one reading as to where it ends.
_OF_HEADS = ("status line", "control", "field line", "size")


def told(case: Case) -> Callable[[Outcome], bool]:
    """Return what tells that all has come: the end, or a whole answer."""

    def done(outcome: Outcome) -> bool:
        with contextlib.suppress(Broken):
            outcome.read([case.method])
            return bool(outcome.answers) or bool(outcome.fault)
        return True

    return done


def judge(case: Case, outcome: Outcome) -> Verdict:
    """Say what became of an answer."""
    if outcome.fault:
        return Verdict(UNSAFE, f"client: {outcome.fault}")
    if len(outcome.answers) > 1 or (outcome.rest and outcome.answers):
        return Verdict(UNSAFE, f"answered {outcome.statuses}, and {outcome.rest[:60]!r}")
    if not outcome.answers:
        if outcome.ended == "open":
            return Verdict(BROKEN, f"the client waits for ever: {outcome.data[-60:]!r}")
        if case.status and not case.either:
            return Verdict(BROKEN, f"no answer: {outcome.ended} {outcome.data[:60]!r}")
        if case.minor == 0 and outcome.ended == "fin" and clear.head(outcome.data) is None and outcome.data:
            return Verdict(BROKEN, f"half a head: {outcome.data[:60]!r}")
        return SAFELY
    got = outcome.answers[0]
    status = got.status
    if b"stolen" in b"".join(value for name, value in (*got.fields, *got.trailers) if name == b"set-cookie"):
        return Verdict(UNSAFE, "what was injected became a field")
    ours = status in (500, 502, 503, 504) and case.status != status
    if ours and (case.status == 0 or case.either):
        return SAFELY
    if case.status == 0:
        if case.kind in _OF_HEADS and (status, got.content) == (200, b"hello"):
            return Verdict(LAX, "mended, not refused")
        return Verdict(UNSAFE, f"looks whole: {status} {got.content[:60]!r}")
    if status != case.status or got.content != case.content:
        return Verdict(BROKEN, f"{status} with {len(got.content)} octets {got.content[:60]!r}")
    if arrived := {name for name, _ in got.fields}.intersection(case.gone):
        return Verdict(UNSAFE, f"{arrived} arrived")
    if case.interim is not None and len(outcome.interim) != case.interim:
        return Verdict(BROKEN, f"{len(outcome.interim)} interim answers")
    return SAFELY
