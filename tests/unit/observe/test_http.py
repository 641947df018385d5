"""The small server, asked over loopback."""

from __future__ import annotations

import asyncio
import socket

import pytest

from perijove.observe.http import Page, start


async def hello() -> Page:
    return 200, "text/plain", b"hello"


async def change() -> Page:
    return 409, "application/json", b"{}"


def asked(request: bytes) -> bytes:
    """Send a request to a server, and end; return all that it answers."""

    async def main() -> bytes:
        listening = socket.create_server(("127.0.0.1", 0))
        (server,) = await start([listening], {"GET /hello": hello, "POST /change": change})
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(request)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        server.close()
        return answer

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("request_line", "status", "content"),
    [
        (b"GET /hello HTTP/1.1", b"200 OK", b"hello"),
        (b"GET /hello?x=1 HTTP/1.0", b"200 OK", b"hello"),
        (b"HEAD /hello HTTP/1.1", b"200 OK", b""),
        (b"POST /change HTTP/1.1", b"409 Conflict", b"{}"),
        (b"GET /change HTTP/1.1", b"405 Method Not Allowed", b"POST is answered here.\n"),
        (b"POST /hello HTTP/1.1", b"405 Method Not Allowed", b"GET is answered here.\n"),
        (b"GET / HTTP/1.1", b"404 Not Found", b"There are GET /hello, POST /change.\n"),
        (b"nonsense", b"404 Not Found", b"There are GET /hello, POST /change.\n"),
    ],
)
def test_answers(request_line: bytes, status: bytes, content: bytes) -> None:
    answer = asked(request_line + b"\r\nHost: a\r\n\r\n")
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert rest == content
    assert b"Connection: close" in head
    length = 5 if request_line.startswith(b"HEAD") else len(content)
    assert b"Content-Length: %d\r\n" % length in head + b"\r\n"


@pytest.mark.parametrize("request_", [b"", b"GET /hello HTTP/1.1\r\n", b"x" * 100_000])
def test_what_is_no_request_gets_no_answer(request_: bytes) -> None:
    assert asked(request_) == b""
