"""An upstream that does as the path says: answers, stalls, is killed in the middle, says nothing in a WebSocket."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

from tests.server.parts import Conversation

_ACCEPT = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
MIB = 1 << 20


class Upstream:
    """Does as the path says. `closed` has the time at which each connection was seen to end, by its request's target."""

    def __init__(self) -> None:
        self.closed: dict[bytes, float] = {}
        self.served: list[bytes] = []
        self.kept: list[Conversation] = []  # WebSockets, which need no thread
        self.asked = threading.Event()
        self.stopping = False
        self.idle: set[socket.socket] = set()  # those that have been answered, and wait for a further request
        self.go = threading.Event()
        self.heard = b""

    def __call__(self, conversation: Conversation) -> None:
        sock = conversation.sock
        target = b""
        try:
            while (head := conversation.head()) is not None:
                self.idle.discard(sock)
                target = head.target
                self.asked.set()
                if target.startswith(b"/unread"):
                    self.go.wait(60)
                    return
                if target.startswith(b"/upload"):
                    conversation.rest()
                    return
                conversation.content(head)
                self.served.append(target)
                if self._special(conversation, target):
                    return
                conversation.send(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"
                    % (len(target), b"" if head.first[0] == b"HEAD" else target)
                )
                if self.stopping:
                    return
                self.idle.add(sock)
                if target.startswith(b"/once"):
                    self._hang_up(conversation, len(self.served))
                    return
        finally:
            self.idle.discard(sock)
            self.closed[target] = time.monotonic()
            sock.close() if target != b"/idle" else None

    def _hang_up(self, conversation: Conversation, number: int) -> None:
        """End a kept connection: at once, a moment later, or just when the next request has come, which nobody reads as one."""
        if number % 3 == 0:
            return
        conversation.sock.settimeout(0.002 if number % 3 == 1 else 0.5)
        with contextlib.suppress(OSError):
            conversation.sock.recv(65536)
        if number % 4 == 0:
            # As HAProxy, Node.js and others say of a connection that was idle for too long.
            conversation.send(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        if number % 2:
            conversation.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _special(self, conversation: Conversation, target: bytes) -> bool:
        sock = conversation.sock
        if target.startswith(b"/big"):
            block = bytes(1 << 18)
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * MIB))
            sock.settimeout(60)
            for _ in range(64 * MIB // len(block)):
                conversation.send(block)
            return False
        if target.startswith(b"/stall"):
            conversation.rest()
            return True
        if target.startswith(b"/drip"):
            conversation.send(b"HTTP/1.1 200 OK\r\nA: ")
            for _ in range(100):
                time.sleep(0.1)
                conversation.send(b"x")
            return True
        if target.startswith(b"/part"):
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nsome")
            conversation.rest()
            return True
        if target.startswith(b"/slow"):
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
            for _ in range(10):
                time.sleep(0.1)
                conversation.send(b"x")
            return False
        if target.startswith(b"/cut"):
            _, _, framing, end = target.split(b"/")[:4]
            conversation.send(
                b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nsome"
                if framing == b"length"
                else b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n"
            )
            time.sleep(0.1)
            if end == b"rst":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return True
        if target.startswith(b"/idle"):
            conversation.send(_ACCEPT)
            self.kept.append(Conversation(sock.dup()))
            return True
        if target.startswith(b"/ws"):
            conversation.send(_ACCEPT)
            while data := sock.recv(65536):
                self.heard += data
                if data == b"die":
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return True
                if data == b"end":
                    sock.shutdown(socket.SHUT_WR)
                    continue
                conversation.send(data)
            with contextlib.suppress(OSError):
                conversation.send(b"late")
            return True
        return False
