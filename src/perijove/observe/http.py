"""A small HTTP server for monitoring and control: a few paths, one request for a connection.

Knows asyncio's streams. It is for operators and their machines, not for the public, and is never on the data path.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

Page = tuple[int, str, bytes]  # status, content type, content
Pages = Mapping[str, Callable[[], Awaitable[Page]]]  # by method and path, a space between

_LIMIT: Final = 16384
_SECONDS: Final = 10.0  # for which a request may come in, and for which an answer may lie
_REASONS: Final = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 503: "Service Unavailable"}


class _Server:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            answer = await self._answer(head)
            async with asyncio.timeout(_SECONDS):
                writer.write(answer)
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        page = self._pages.get(f"{'GET' if method == 'HEAD' else method} {path}")
        allowed = [known.partition(" ")[0] for known in self._pages if known.partition(" ")[2] == path]
        lines: list[str] = []
        if page is not None:
            status, kind, content = await page()
        elif allowed:
            status, kind, content = 405, "text/plain", f"{', '.join(allowed)} is answered here.\n".encode()
            lines.append(f"Allow: {', '.join(allowed)}")
        else:
            status, kind, content = 404, "text/plain", f"There are {', '.join(self._pages)}.\n".encode()
        lines = [
            f"HTTP/1.1 {status} {_REASONS.get(status, '')}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(content)}",
            "Cache-Control: no-store",
            "Connection: close",
            *lines,
        ]
        return "\r\n".join([*lines, "", ""]).encode() + (b"" if method == "HEAD" else content)


async def start(sockets: Sequence[socket.socket], pages: Pages) -> list[asyncio.Server]:
    """Serve `pages` on listening sockets."""
    server = _Server(pages)
    return [await asyncio.start_server(server.serve, sock=sock, limit=_LIMIT) for sock in sockets]
