"""Chunked content: what is taken, what is refused, what goes on, and that it never matters where the bytes are cut."""

from collections.abc import Iterable

import pytest

from perijove.engine.buffer import Buffer
from perijove.engine.const import BROKEN, FOUND, MORE
from perijove.engine.framing import Chunked


def pump(pieces: Iterable[bytes], chunked: bool = False) -> tuple[int, bytes, bytes, Chunked]:
    """Feed pieces one after the other: the verdict, what went on, what was left, and the decoder."""
    source, out, decoder = Buffer(), Buffer(), Chunked()
    verdict = MORE
    for piece in pieces:
        source.append(piece)
        if verdict == MORE:
            verdict = decoder.pump(source, out, chunked)
    return verdict, out.copy(), source.copy(), decoder


def cut(data: bytes) -> Iterable[tuple[bytes, ...]]:
    """Return all ways to cut `data` in two, and the one octet by octet."""
    yield from ((data[:at], data[at:]) for at in range(1, len(data)))
    yield tuple(bytes((octet,)) for octet in data)


# name: (octets, content, trailers that go on)
VALID = {
    "nothing": (b"0\r\n\r\n", b"", b""),
    "one chunk": (b"5\r\nhello\r\n0\r\n\r\n", b"hello", b""),
    "two chunks": (b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world", b""),
    "hexadecimal, both cases": (b"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", b"0123456789" * 2, b""),
    "leading zeros": (b"0005\r\nhello\r\n000\r\n\r\n", b"hello", b""),
    "CR and LF in the content": (b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n", b""),
    "a last chunk in the content": (b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", b"0\r\n\r\n", b""),
    "any octet": (b"100\r\n" + bytes(range(256)) + b"\r\n0\r\n\r\n", bytes(range(256)), b""),
    "extension": (b"5;a=b\r\nhello\r\n0;last\r\n\r\n", b"hello", b""),
    "quoted extension": (b'5;a="b;c d";e\r\nhello\r\n0\r\n\r\n', b"hello", b""),
    "extension with a quoted pair": (b'5;a="b\\"c\\\\";e\r\nhello\r\n0\r\n\r\n', b"hello", b""),
    "trailer": (b"1\r\na\r\n0\r\nX-Checksum: 1\r\n\r\n", b"a", b"X-Checksum: 1\r\n"),
    "trailers": (b"0\r\nX-A:1\r\nX-B: \r\nx-c: \t2\r\n\r\n", b"", b"X-A:1\r\nX-B: \r\nx-c: \t2\r\n"),
}


@pytest.mark.parametrize(("data", "content", "trailers"), VALID.values(), ids=VALID)
def test_valid(data: bytes, content: bytes, trailers: bytes) -> None:
    size = b"%x\r\n%b\r\n" % (len(content), content) if content else b""
    assert pump([data])[:3] == (FOUND, content, b"")
    assert pump([data], True)[:3] == (FOUND, size + b"0\r\n" + trailers + b"\r\n", b"")
    assert pump([data])[3].count == len(content)


@pytest.mark.parametrize(("data", "content", "trailers"), VALID.values(), ids=VALID)
def test_valid_however_it_arrives(data: bytes, content: bytes, trailers: bytes) -> None:
    for pieces in cut(data):
        verdict, out, left, decoder = pump(pieces)
        assert (verdict, out, left, decoder.count) == (FOUND, content, b"", len(content)), pieces
        # What is framed anew may be cut elsewhere, but says the same.
        verdict, out, left, _ = pump(pieces, True)
        assert (verdict, left) == (FOUND, b""), pieces
        assert pump([out])[:3] == (FOUND, content, b""), pieces
        assert out.endswith(b"0\r\n" + trailers + b"\r\n"), pieces


def test_what_follows_is_left() -> None:
    data = b"5\r\nhello\r\n0\r\n\r\n"
    for pieces in cut(data + b"GET / HTTP/1.1\r\n"):
        verdict, out, left, _ = pump(pieces)
        assert (verdict, out) == (FOUND, b"hello"), pieces
        assert left == b"GET / HTTP/1.1\r\n", pieces


# name: (octets, what may have gone on before the fault)
BAD = {
    "no size": (b"\r\nhello\r\n0\r\n\r\n", b""),
    "letters for a size": (b"xyz\r\nhello\r\n0\r\n\r\n", b""),
    "0x": (b"0x5\r\nhello\r\n0\r\n\r\n", b""),
    "plus": (b"+5\r\nhello\r\n0\r\n\r\n", b""),
    "minus": (b"-5\r\nhello\r\n0\r\n\r\n", b""),
    "underscore": (b"0_5\r\nhello\r\n0\r\n\r\n", b""),
    "space before the size": (b" 5\r\nhello\r\n0\r\n\r\n", b""),
    "space behind the size": (b"5 \r\nhello\r\n0\r\n\r\n", b""),
    "vertical tab before the size": (b"\x0b5\r\nhello\r\n0\r\n\r\n", b""),
    "two sizes": (b"5 5\r\nhello\r\n0\r\n\r\n", b""),
    "comma": (b"5,5\r\nhello\r\n0\r\n\r\n", b""),
    "digit above ASCII": (b"\xd9\xa5\r\nhello\r\n0\r\n\r\n", b""),
    "NUL behind the size": (b"5\0\r\nhello\r\n0\r\n\r\n", b""),
    "64 bits": (b"10000000000000005\r\nhello\r\n0\r\n\r\n", b""),
    "63 bits": (b"8000000000000000\r\nhello\r\n0\r\n\r\n", b""),
    "sixteen digits": (b"0000000000000005\r\nhello\r\n0\r\n\r\n", b""),
    "bare LF behind the size": (b"5\nhello\r\n0\r\n\r\n", b""),
    "bare CR behind the size": (b"5\rhello\r\n0\r\n\r\n", b""),
    "CR CR LF behind the size": (b"5\r\r\nhello\r\n0\r\n\r\n", b""),
    "LF CR behind the size": (b"5\n\rhello\r\n0\r\n\r\n", b""),
    "white space before an extension": (b"5 ;a\r\nhello\r\n0\r\n\r\n", b""),
    "white space in an extension": (b"5;a = b\r\nhello\r\n0\r\n\r\n", b""),
    "empty extension": (b"5;\r\nhello\r\n0\r\n\r\n", b""),
    "extension without its value": (b"5;a=\r\nhello\r\n0\r\n\r\n", b""),
    "extension that is not closed": (b'5;a="b\r\nhello\r\n0\r\n\r\n', b""),
    "extension above ASCII": (b"5;\xe4\r\nhello\r\n0\r\n\r\n", b""),
    "NUL in an extension": (b"5;a\0\r\nhello\r\n0\r\n\r\n", b""),
    "bare LF in an extension": (b"5;a\nb\r\nhello\r\n0\r\n\r\n", b""),
    "bare CR in an extension": (b"5;a\rb\r\nhello\r\n0\r\n\r\n", b""),
    "DEL in an extension": (b"5;a\x7f\r\nhello\r\n0\r\n\r\n", b""),
    "no CRLF behind the content": (b"5\r\nhello0\r\n\r\n", b"hello"),
    "bare LF behind the content": (b"5\r\nhello\n0\r\n\r\n", b"hello"),
    "bare CR behind the content": (b"5\r\nhello\r0\r\n\r\n", b"hello"),
    "content longer than its size": (b"4\r\nhello\r\n0\r\n\r\n", b"hell"),
    "content shorter than its size": (b"6\r\nhello\r\n0\r\n\r\n", b"hello\r"),
    "bare LF behind the last chunk": (b"0\n\n", b""),
    "bare LF ends the trailers": (b"0\r\n\n", b""),
    "bare CR ends the trailers": (b"0\r\n\rX\r\n\r\n", b""),
    "trailer without a colon": (b"0\r\nX-A\r\n\r\n", b""),
    "trailer without a name": (b"0\r\n: a\r\n\r\n", b""),
    "trailer with a space before the colon": (b"0\r\nX-A : b\r\n\r\n", b""),
    "trailer with a space in its name": (b"0\r\nX A: b\r\n\r\n", b""),
    "folded trailer": (b"0\r\nX-A: b\r\n c\r\n\r\n", b""),
    "a request for a trailer": (b"0\r\nGET / HTTP/1.1\r\n\r\n", b""),
    "NUL in a trailer": (b"0\r\nX-A: \0\r\n\r\n", b""),
    "bare LF in a trailer": (b"0\r\nX-A: b\nX-B: c\r\n\r\n", b""),
    "bare CR in a trailer": (b"0\r\nX-A: b\rX-B: c\r\n\r\n", b""),
    "long extension": (b"5;" + b"a" * 1100 + b"\r\nhello\r\n0\r\n\r\n", b""),
    "endless extension": (b"5;" + b"a" * 1100, b""),
    "endless zeros": (b"0" * 1100, b""),
    "long trailer": (b"0\r\nX: " + b"a" * 16384 + b"\r\n\r\n", b""),
    "endless trailer": (b"0\r\nX: " + b"a" * 16400, b""),
    "too many trailers": (b"0\r\n" + b"X-A: 56789\r\n" * 1700 + b"\r\n", b""),
}


@pytest.mark.parametrize(("data", "before"), BAD.values(), ids=BAD)
def test_broken(data: bytes, before: bytes) -> None:
    # Nothing is written by the call that finds the fault.
    assert pump([data])[:2] == (BROKEN, b"")
    assert pump([data], True)[:2] == (BROKEN, b"")


@pytest.mark.parametrize(("data", "before"), BAD.values(), ids=BAD)
def test_broken_however_it_arrives(data: bytes, before: bytes) -> None:
    for pieces in cut(data):
        if len(data) > 1000 and len(pieces) == 2 and 40 < len(pieces[0]) < len(data) - 40:
            continue
        verdict, out, _, _ = pump(pieces)
        assert verdict == BROKEN, pieces
        assert before.startswith(out), pieces
        assert b"0\r\n\r\n" not in pump(pieces, True)[1], pieces


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"5;" + b"a" * 1022 + b"\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"0\r\nX: " + b"a" * 16381 + b"\r\n\r\n", b""),
        (b"0\r\n" + b"X-A: 567\r\n" * 2048 + b"\r\n", b""),
        (b"7fff\r\n" + b"a" * 0x7FFF + b"\r\n0\r\n\r\n", b"a" * 0x7FFF),
    ],
    ids=["size line of 1024", "trailer of 16384", "trailers of 16384", "large chunk"],
)
def test_limits_are_the_same_however_it_arrives(data: bytes, content: bytes) -> None:
    assert pump([data])[:2] == (FOUND, content)
    edges = [at for at in range(1, len(data)) if at < 30 or at > len(data) - 30 or 1015 < at < 1040]
    for at in edges:
        assert pump([data[:at], data[at:]])[:2] == (FOUND, content), at


# RFC 9110 §6.5.1: what frames, routes, authenticates or identifies has no business behind the content.
WITHHELD = [
    b"Content-Length: 5",
    b"Transfer-Encoding: chunked",
    b"transfer_encoding: chunked",
    b"Host: evil",
    b"HOST: evil",
    b"Connection: close",
    b"Trailer: X",
    b"TE: trailers",
    b"Upgrade: websocket",
    b"Authorization: token x",
    b"Proxy-Authorization: Basic x",
    b"Cookie: a=b",
    b"Set-Cookie: a=b",
    b"Set_Cookie: a=b",
    b"Content-Encoding: gzip",
    b"Content-Type: text/html",
    b"Content-Range: bytes 0-1/2",
    b"Cache-Control: max-age=1",
    b"Max-Forwards: 1",
    b"Expect: 100-continue",
    b"Range: bytes=0-1",
    b"Location: http://evil/",
    b"WWW-Authenticate: Basic",
    b"Vary: *",
    b"Date: now",
    b"Age: 1",
    b"Expires: 0",
    b"X-Forwarded-For: 1.2.3.4",
    b"X_Forwarded_For: 1.2.3.4",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Host: evil",
    b"X-Real-IP: 1.2.3.4",
    b"Forwarded: for=1.2.3.4",
    b"X-Scheme: https",
    b"Proxy: http://evil/",
]


@pytest.mark.parametrize("line", WITHHELD)
def test_trailers_that_do_not_go_on(line: bytes) -> None:
    data = b"1\r\na\r\n0\r\nX-Before: 1\r\n" + line + b"\r\nX-Behind: 2\r\n\r\n"
    wanted = b"1\r\na\r\n0\r\nX-Before: 1\r\nX-Behind: 2\r\n\r\n"
    assert pump([data], True)[:2] == (FOUND, wanted)


def test_trailers_are_lost_where_the_content_is_bare() -> None:
    assert pump([b"1\r\na\r\n0\r\nX-A: 1\r\n\r\n"])[:2] == (FOUND, b"a")


def test_one_chunk_for_all_that_one_call_found() -> None:
    data = b"1;x\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n"
    assert pump([data], True)[:2] == (MORE, b"6\r\nabcdef\r\n")


@pytest.mark.parametrize("chunked", [True, False])
def test_nothing_to_write_writes_nothing(chunked: bool) -> None:
    verdict, out, left, decoder = pump([b"5", b"\r", b"\n"], chunked)
    assert (verdict, out, left, decoder.left) == (MORE, b"", b"", 5)


def test_content_goes_on_before_its_chunk_is_complete() -> None:
    verdict, out, left, decoder = pump([b"ffffffff\r\nabc"], True)
    assert (verdict, out, left, decoder.left) == (MORE, b"3\r\nabc\r\n", b"", 0xFFFFFFFF - 3)


def test_counts_are_kept_between_calls() -> None:
    decoder, source, out = Chunked(), Buffer(), Buffer()
    for piece, count in ((b"3\r\na", 1), (b"bc\r\n2\r\nd", 4), (b"e\r\n0\r\n\r\n", 5)):
        source.append(piece)
        decoder.pump(source, out, False)
        assert decoder.count == count
    assert out.copy() == b"abcde"
