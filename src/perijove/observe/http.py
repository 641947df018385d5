"""A small HTTP server for monitoring: GET of a few paths, one request for a connection.

Knows asyncio's streams. It is for machines of the operator's, not for the public, and is never on the data path.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Final

Page = tuple[int, str, bytes]  # status, content type, content

_LIMIT: Final = 16384
_SECONDS: Final = 10.0
_REASONS: Final = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


class Pages:
    """Serves what functions give, by path."""

    def __init__(self, pages: Mapping[str, Callable[[], Page]]) -> None:
        self._pages = pages

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head))
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        page = self._pages.get(path)
        if page is None:
            status, kind, content = 404, "text/plain", f"There are {', '.join(self._pages)}.\n".encode()
        elif method not in ("GET", "HEAD"):
            status, kind, content = 405, "text/plain", b"GET and HEAD are answered.\n"
        else:
            status, kind, content = page()
        lines = [
            f"HTTP/1.1 {status} {_REASONS.get(status, '')}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(content)}",
            "Cache-Control: no-store",
            "Connection: close",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + (b"" if method == "HEAD" else content)


async def start(sockets: Sequence[socket.socket], pages: Mapping[str, Callable[[], Page]]) -> list[asyncio.Server]:
    """Serve `pages` on listening sockets."""
    made = Pages(pages)
    return [await asyncio.start_server(made.serve, sock=sock, limit=_LIMIT) for sock in sockets]
