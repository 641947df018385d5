"""Opens WebSockets over TLS, says READY, and holds them until its input ends: `python -m tests.bench.tunnels PORT COUNT`."""

from __future__ import annotations

import json
import socket
import ssl
import sys
from typing import Final

# As `tools/load.c` asks for the plain ones.
_REQUEST: Final = (
    b"GET /user/alice/api/kernels/abc/channels?session_id=%d HTTP/1.1\r\nHost: hub.example.org\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_PATIENCE: Final = 10.0  # seconds


def main() -> None:
    """Hold them."""
    port, count = int(sys.argv[1]), int(sys.argv[2])
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    held = []
    bad = 0
    for number in range(count):
        # A server of threads does not answer when there are no more of them.
        plain = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        sock = context.wrap_socket(plain, server_hostname="hub.example.org")
        sock.sendall(_REQUEST % number)
        head = b""
        while b"\r\n\r\n" not in head:
            piece = sock.recv(4096)
            head += piece
            if not piece:
                break
        bad += not head.startswith(b"HTTP/1.1 101 ")
        held.append(sock)
    print(json.dumps({"count": count, "bad": bad, "errors": 0, "seconds": 0}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
