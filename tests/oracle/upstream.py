"""An upstream that keeps what reaches it and answers as the case says. Speaks HTTP/1.1, plain, over TLS or over a Unix socket.

Knows nothing of the proxy in front of it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from tests.oracle import wire
from tests.oracle.case import Answer, Fields
from tests.oracle.wire import Wire

DATE: Final = "Mon, 23 Nov 2026 00:00:00 GMT"
SERVER: Final = "TornadoServer/6.4"
_PATIENCE: Final = 20.0


@dataclass
class Desk:
    """What all upstreams of a case share: the answers to give, and what has come."""

    answers: list[Answer] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)

    def expect(self, answers: Answer | list[Answer] | None) -> None:
        """Prepare for the next request."""
        self.answers = answers if isinstance(answers, list) else [answers or {}]
        self.records = []

    def take(self, record: dict[str, Any]) -> Answer:
        """Keep a request that has come; return how to answer it."""
        self.records.append(record)
        return self.answers[min(len(self.records), len(self.answers)) - 1]


class _Named(ssl.SSLSocket):
    """A TLS socket that knows the name it was asked for."""

    name: str | None = None


def secured(certificate: Path) -> ssl.SSLContext:
    """Return what an upstream speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslsocket_class = _Named
    context.load_cert_chain(certificate)

    def asked(sock: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if isinstance(sock, _Named):
            sock.name = name

    context.sni_callback = asked
    return context


class Upstream:
    """A server on a listening socket."""

    def __init__(self, name: str, listener: socket.socket, desk: Desk, tls: ssl.SSLContext | None = None) -> None:
        self.name = name
        self._desk = desk
        self._tls = tls
        self._listener = listener
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # this wakes the thread in accept()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        # What is tested may break off anywhere, or send nonsense: the record shows it.
        with contextlib.suppress(OSError, ValueError):
            try:
                sock.settimeout(_PATIENCE)
                if self._tls:
                    sock = self._tls.wrap_socket(sock, server_side=True)
                connection = Wire(sock)
                while self._exchange(connection):
                    pass
            finally:
                sock.close()

    def _exchange(self, connection: Wire) -> bool:
        """Take one request and answer it; tell whether another may follow."""
        line = connection.line()
        if not line.strip() or line[0] == 0x16:  # the end, or a TLS hello where TLS is not spoken (RFC 8446, 5.1)
            return False
        fields = connection.fields()
        record: dict[str, Any] = {
            "upstream": self.name,
            "request_line": line.decode("latin-1").rstrip("\r\n"),
            "headers": fields,
        }
        if isinstance(connection.socket, _Named):
            record["sni"] = connection.socket.name
        if wire.get(fields, "Expect").lower() == "100-continue":
            connection.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in wire.get(fields, "Transfer-Encoding").lower():
            record["body"], trailers = connection.chunked()
            record["framing"] = "chunked"
            if trailers:
                record["trailers"] = trailers
        elif length := wire.get(fields, "Content-Length"):
            record["body"], record["framing"] = connection.exactly(int(length)), "length"
        answer = self._desk.take(record)
        time.sleep(answer.get("delay", 0))
        if "raw" in answer:
            connection.socket.sendall(answer["raw"].encode("latin-1"))
            return False
        key = wire.get(fields, "Sec-WebSocket-Key")
        upgrade = wire.get(fields, "Upgrade").lower() == "websocket" and "upgrade" in wire.get(fields, "Connection").lower()
        if upgrade and key and not answer.get("refuse_upgrade"):
            _speak(connection, answer, fields, key)
            return False
        method = record["request_line"].partition(" ")[0]
        connection.socket.sendall(_response(answer, method, self.name))
        return not answer.get("close") and wire.get(fields, "Connection").lower() != "close"


def _speak(connection: Wire, answer: Answer, fields: Fields, key: str) -> None:
    """Accept a WebSocket and send every frame back, up to a close frame."""
    more = list(answer.get("headers", []))
    offered = wire.get(fields, "Sec-WebSocket-Protocol")
    protocol = answer.get("protocol", offered.partition(",")[0].strip())
    if protocol:
        more.append(["Sec-WebSocket-Protocol", protocol])
    head = [["Server", SERVER], ["Upgrade", "websocket"], ["Connection", "Upgrade"], ["Sec-WebSocket-Accept", wire.accept(key)]]
    data = f"HTTP/1.1 101 Switching Protocols\r\n{wire.lines(head + more)}\r\n".encode("latin-1")
    if "greeting" in answer:
        data += wire.frame(wire.TEXT, answer["greeting"].encode())
    if "hang_up" in answer:
        data += wire.frame(wire.CLOSE, answer["hang_up"].to_bytes(2, "big"))
    connection.socket.sendall(data)
    while found := connection.frame():
        if found[0] == wire.CLOSE and "hang_up" in answer:
            return
        connection.socket.sendall(wire.frame(*found))
        if found[0] == wire.CLOSE:
            return


def _response(answer: Answer, method: str, name: str) -> bytes:
    status = answer.get("status", 200)
    reason = answer.get("reason", HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "X")
    body = answer.get("body", f"from {name}\n").encode("latin-1")
    fields = [["Server", SERVER], ["Date", DATE], *answer.get("headers", [])]
    payload = b""
    if status not in (204, 304):
        if not wire.get(fields, "Content-Type"):
            fields.append(["Content-Type", "text/plain"])
        payload = body
        if answer.get("chunked"):
            fields.append(["Transfer-Encoding", "chunked"])
            half = len(body) // 2
            payload = wire.chunks([body[:half], body[half:]], answer.get("trailers", []))
        elif not answer.get("nolength") and not wire.get(fields, "Content-Length"):
            fields.append(["Content-Length", str(len(body))])
    if answer.get("close"):
        fields.append(["Connection", "close"])
    data = b""
    for early, early_fields in answer.get("interim", []):
        data += f"HTTP/1.1 {early} {HTTPStatus(early).phrase}\r\n{wire.lines(early_fields)}\r\n".encode("latin-1")
    data += f"HTTP/1.1 {status} {reason}\r\n{wire.lines(fields)}\r\n".encode("latin-1")
    return data if method == "HEAD" else data + payload
