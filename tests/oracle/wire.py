"""HTTP/1.1 and WebSocket frames over a blocking socket, for both ends of what is tested.

Knows messages as lines, fields and octets; forgives much, for what is tested may be wrong. Knows no case and no proxy.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
from typing import Final

from tests.oracle.case import Fields

KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, 1.3
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE = 1, 2, 8


class Wire:
    """A socket that is read in pieces."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.buffer = b""

    def more(self) -> bool:
        """Read what there is; False at the end."""
        data = self.socket.recv(1 << 16)
        self.buffer += data
        return bool(data)

    def line(self) -> bytes:
        """Read to the end of a line, or to the end."""
        while b"\n" not in self.buffer:
            if not self.more():
                data, self.buffer = self.buffer, b""
                return data
        data, _, self.buffer = self.buffer.partition(b"\n")
        return data + b"\n"

    def exactly(self, size: int) -> bytes:
        """Read so many octets, or to the end."""
        while len(self.buffer) < size and self.more():
            pass
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def rest(self) -> bytes:
        """Read to the end."""
        while self.more():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def fields(self) -> Fields:
        """Read field lines up to the empty one."""
        found: Fields = []
        while (line := self.line()) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").rstrip("\r\n").partition(":")
            found.append([name, value.strip(" \t")])
        return found

    def chunked(self) -> tuple[bytes, Fields]:
        """Read a chunked body; return it and its trailers."""
        body = b""
        while line := self.line():
            size = int(line.split(b";")[0].strip() or b"0", 16)
            if size == 0:
                return body, self.fields()
            body += self.exactly(size)
            self.line()
        return body, []

    def frame(self) -> tuple[int, bytes] | None:
        """Read a WebSocket frame: its opcode and its payload, unmasked. None at the end."""
        head = self.exactly(2)
        if len(head) < 2:
            return None
        size = head[1] & 127
        if size == 126:
            (size,) = struct.unpack("!H", self.exactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.exactly(8))
        key = self.exactly(4) if head[1] & 128 else bytes(4)
        return head[0] & 15, mask(self.exactly(size), key)


def mask(data: bytes, key: bytes) -> bytes:
    """Mask or unmask a payload (RFC 6455, 5.3)."""
    repeated = (key * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(data), "big")


def frame(opcode: int, data: bytes, key: bytes | None = None) -> bytes:
    """Return a final frame; a client gives a key to mask it with."""
    bit = 0 if key is None else 128
    if len(data) < 126:
        head = bytes([128 | opcode, bit | len(data)])
    elif len(data) < 1 << 16:
        head = bytes([128 | opcode, bit | 126]) + struct.pack("!H", len(data))
    else:
        head = bytes([128 | opcode, bit | 127]) + struct.pack("!Q", len(data))
    return head + data if key is None else head + key + mask(data, key)


def accept(key: str) -> str:
    """Return the `Sec-WebSocket-Accept` for a key."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


def get(fields: Fields, name: str) -> str:
    """Return the first value of a field, or nothing."""
    return next((value for known, value in fields if known.lower() == name.lower()), "")


def lines(fields: Fields) -> str:
    """Return field lines."""
    return "".join(f"{name}: {value}\r\n" for name, value in fields)


def chunks(parts: list[bytes], trailers: Fields) -> bytes:
    """Return a chunked body."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part) + f"0\r\n{lines(trailers)}\r\n".encode(
        "latin-1"
    )
