"""A client that sends the requests of a case as they are written, and keeps what comes back.

Knows the proxy by its addresses only.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Mapping
from typing import Any, Final, cast

from tests.oracle import wire
from tests.oracle.case import Fields, Request
from tests.oracle.wire import Wire

HOST: Final = "hub.example.org"
_PATIENCE: Final = 10.0
_MASK: Final = b"\x01\x02\x03\x04"
_PING: Final = b"ping-perijove"


def send(request: Request, ports: Mapping[str, int]) -> dict[str, Any]:
    """Send a request on a connection of its own; return what comes back."""
    listener = "LISTEN_TLS" if request.get("tls") else "LISTEN2" if request.get("listen2") else "LISTEN"
    address = ("127.0.0.1", ports[listener])
    try:
        sock = socket.create_connection(address, _PATIENCE, (request.get("from", "127.0.0.1"), 0))
    except OSError as error:
        return {"status": 0, "error": f"connect: {error.__class__.__name__}"}
    try:
        if request.get("tls"):
            sock = _careless().wrap_socket(sock, server_hostname=request.get("sni", HOST) or None)
        return _exchange(Wire(sock), request)
    except (OSError, ValueError) as error:
        return {"status": 0, "error": error.__class__.__name__}
    finally:
        sock.close()


def _careless() -> ssl.SSLContext:
    """Return a context that believes any certificate: which one is sent is not what is asked here."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _exchange(connection: Wire, request: Request) -> dict[str, Any]:
    data, method = _written(request)
    connection.socket.sendall(data)
    found = _response(connection, method)
    if found["status"] == 101:
        found["websocket"] = _speak(connection, request, wire.get(found["headers"], "Sec-WebSocket-Accept"))
    elif method == "CONNECT" and found["status"] == 200 and "tunnel" in request:
        inner = cast("Request", request["tunnel"])
        if inner.get("tls"):
            with _careless().wrap_socket(connection.socket, server_hostname="localhost") as sock:
                found["tunnel"] = _exchange(Wire(sock), inner)
        else:
            found["tunnel"] = _exchange(connection, inner)
    elif "then" in request and found.get("framing") != "close":
        try:
            found["then"] = _exchange(connection, cast("Request", request["then"]))
        except (OSError, ValueError) as error:
            # Whoever goes on talking after the end sees it as a FIN or as a reset, as it happens to come: that is the same.
            closed = isinstance(error, ConnectionResetError | BrokenPipeError)
            name = "connection closed without a response" if closed else error.__class__.__name__
            found["then"] = {"status": 0, "error": name}
    return found


def _written(request: Request) -> tuple[bytes, str]:
    """Return a request as it is sent, and its method."""
    if "raw" in request:
        return request["raw"].encode("latin-1"), request["raw"].partition(" ")[0]
    method = request.get("method", "CONNECT" if "tunnel" in request else "GET")
    fields: Fields = [list(one) for one in request.get("headers", [])]
    named = {name.lower() for name, _ in fields}
    if "host" not in named and not request.get("no_host"):
        fields.insert(0, ["Host", HOST])
    if request.get("websocket"):
        wanted = [
            ["Upgrade", "websocket"],
            ["Connection", "Upgrade"],
            ["Sec-WebSocket-Version", "13"],
            ["Sec-WebSocket-Key", wire.KEY],
        ]
        fields += [one for one in wanted if one[0].lower() not in named]
    data = request.get("body", "").encode("latin-1")
    if request.get("chunked"):
        fields.append(["Transfer-Encoding", "chunked"])
        data = wire.chunks([data], request.get("trailers", []))
    elif "body" in request and "content-length" not in named:
        fields.append(["Content-Length", str(len(data))])
    head = f"{method} {request['target']} HTTP/{request.get('version', '1.1')}\r\n{wire.lines(fields)}\r\n"
    return head.encode("latin-1") + data, method


def _response(connection: Wire, method: str) -> dict[str, Any]:
    line = connection.line().decode("latin-1").rstrip("\r\n")
    if not line:
        return {"status": 0, "error": "connection closed without a response"}
    version, _, rest = line.partition(" ")
    number, _, reason = rest.partition(" ")
    status = int(number) if number.isdigit() else 0
    fields = connection.fields()
    if 100 <= status < 200 and status != 101:
        found = _response(connection, method)
        found["interim"] = [{"status": status, "headers": fields}, *found.get("interim", [])]
        return found
    found = {"status": status, "reason": reason, "version": version, "headers": fields}
    if status == 101 or (method == "CONNECT" and status == 200):
        return found
    body = b""
    if method == "HEAD" or status in (204, 304):
        pass
    elif "chunked" in wire.get(fields, "Transfer-Encoding").lower():
        body, trailers = connection.chunked()
        found["framing"] = "chunked"
        if trailers:
            found["trailers"] = trailers
    elif length := wire.get(fields, "Content-Length"):
        body, found["framing"] = connection.exactly(int(length)), "length"
    else:
        body, found["framing"] = connection.rest(), "close"
    found["body"] = body
    return found


def _speak(connection: Wire, request: Request, accepted: str) -> dict[str, Any]:
    """Talk over an accepted WebSocket; return what it did."""
    found: dict[str, Any] = {"accept_ok": accepted == wire.accept(wire.KEY)}
    answer = request.get("upstream")
    if isinstance(answer, dict) and "greeting" in answer:
        found["greeting"] = _named(connection.frame())
    if isinstance(answer, dict) and "hang_up" in answer:
        found["hang_up"] = _named(connection.frame())
    elif "frames" in request:
        found["frames"] = []
        for opcode, text in request["frames"]:
            connection.socket.sendall(wire.frame(opcode, text.encode("latin-1"), _MASK))
            found["frames"].append(_named(connection.frame()))
    else:
        size = request.get("ws_bytes", 0)
        message = bytes(range(256)) * (size // 256) if size else _PING
        connection.socket.sendall(wire.frame(wire.BINARY if size else wire.TEXT, message, _MASK))
        came = connection.frame()
        found["echo"] = came is not None and came[0] in (wire.TEXT, wire.BINARY) and came[1] == message
    connection.socket.sendall(wire.frame(wire.CLOSE, struct.pack("!H", 1000), _MASK))
    came = connection.frame()
    found["close_echo"] = came is not None and came[0] == wire.CLOSE
    return found


def _named(frame: tuple[int, bytes] | None) -> list[Any]:
    return ["end"] if frame is None else [frame[0], frame[1].decode("latin-1")]
