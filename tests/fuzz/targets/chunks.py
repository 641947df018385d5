"""Chunked content: however it arrives, what comes out is the same, and is what a strict reader reads."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from tests import reader
from tests.fuzz.target import Outcome, Target, cuts

from perijove.engine.buffer import Buffer
from perijove.engine.const import BROKEN, FOUND, MORE
from perijove.engine.framing import Chunked

_NAMES: Final = {MORE: "more", FOUND: "whole", BROKEN: "broken"}
_LATE: Final = frozenset((b"content-length", b"transfer-encoding", b"host", b"cookie", b"authorization", b"x-forwarded-for"))


def _pumped(stream: bytes, places: list[int], framed: bool) -> tuple[int, bytes, bytes, int]:
    decoder, source, out = Chunked(), Buffer(), Buffer()
    verdict = MORE
    for start, end in pairwise([0, *places, len(stream)]):
        source.append(stream[start:end])
        if verdict == MORE:
            verdict = decoder.pump(source, out, framed)
    return verdict, out.copy(), source.copy(), decoder.count


def check(octets: bytes) -> Outcome:
    """Octets 0 to 7 say where it is cut."""
    stream = octets[8:]
    verdict, content, left, count = _pumped(stream, [], False)
    assert verdict == BROKEN or count == len(content)
    for places in (cuts(octets, 8, len(stream)), list(range(len(stream) + 1)) if len(stream) < 300 else []):
        other, pieces, rest, _ = _pumped(stream, places, False)
        if verdict == BROKEN or other == BROKEN:
            assert other == verdict
            assert pieces.startswith(content) or content.startswith(pieces)
            continue
        assert (other, pieces) == (verdict, content)
        assert rest == left
    framed = _pumped(stream, cuts(octets, 8, len(stream)), True)
    assert framed[0] == verdict
    try:
        told, trailers, size = reader.chunks(stream)
    except reader.Short:
        assert verdict != FOUND
    except reader.Broken:
        # We may wait for more of a line that cannot become a good one any more, but end no message with it.
        assert verdict != FOUND
    else:
        if verdict == FOUND:  # else it is more than we take of what the grammar allows
            assert (content, left) == (told, stream[size:])
            again, passed, end = reader.chunks(framed[1])
            assert (again, end) == (told, len(framed[1]))
            assert all(one in trailers for one in passed)
            assert not any(name.replace(b"_", b"-") in _LATE for name, _ in passed)
        else:
            assert verdict == BROKEN, "a whole content is waited for"
    if verdict != FOUND and framed[1]:
        try:
            reader.chunks(framed[1])
        except reader.Short:
            pass
        else:
            raise AssertionError("content that has not ended was given an end")
    return _NAMES[verdict], content, left if verdict != BROKEN else b""


_SEEDS: Final = (
    b"0\r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
    b'1\r\na\r\n2;x\r\nbc\r\n3;x="y;";z=1\r\ndef\r\n00\r\nX-A: 1\r\nCookie: b\r\nX_Forwarded_For: 1.2.3.4\r\n\r\n0',
    b"a\r\n0123456789\r\nFFFFFFFF\r\n",
    b"000000000000001\r\nx\r\n000\r\n\r\n",
)
_WORDS: Final = (
    b"\r\n", b"\n", b"\r", b"0\r\n\r\n", b"0\r\n", b"1\r\na\r\n", b";", b";a=b", b';a="b"', b";a=\"\\\"\"", b" ", b"\t", b"+", b"-", b"0x", b"_", b"g",
    b"FFFFFFFFFFFFFFFF", b"7FFFFFFFFFFFFFFF", b"8000000000000000", b"X: y\r\n", b"Host: a\r\n", b"Content-Length: 5\r\n", b":", b"\0", b"\xff", b" : ",
)  # fmt: skip

TARGET: Final = Target(
    "chunks",
    check,
    tuple(bytes((1, 2, 3, 5, 7, 11, 13, 17)) + one for one in _SEEDS),
    _WORDS,
    ("whole", "more", "broken"),
    count=12000,
)
