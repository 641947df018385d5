"""A strict reader of HTTP/1 messages, which judges what proxies write. It is a reading of RFC 9112 of its own.

Knows octets. Must not know perijove: an engine that misreads a message must not be judged by its own reading. What the RFC lets
a recipient guess at, it does not guess: a message that two readers could take for different ones is `Unclear`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_request_line = re.compile(rb"(%b) ([\x21-\x22\x24-\x7e]+) HTTP/1\.([01])" % _TOKEN).fullmatch
_status_line = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)").fullmatch
_field_line = re.compile(
    rb"(%b):[ \t]*([\x21-\x7e\x80-\xff]?(?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[ \t]*" % _TOKEN
).fullmatch
_host = re.compile(rb"(?:[0-9A-Za-z._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?").fullmatch
_size_line = re.compile(
    rb'([0-9A-Fa-f]{1,16})(?:;%b(?:=(?:%b|"(?:[\t\x20!\x23-\x5b\x5d-\x7e]|\\[\t\x20-\x7e])*"))?)*' % (_TOKEN, _TOKEN)
).fullmatch
# What a recipient that merges trailers into the header could be told: framing, routing, who asks (RFC 9110 §6.5.1).
NOT_IN_TRAILERS = frozenset(
    b"content-length transfer-encoding host connection upgrade te trailer authorization cookie set-cookie content-type "
    b"content-encoding x-forwarded-for x-forwarded-proto x-forwarded-host x-real-ip forwarded x-remote-user".split()
)
_FRAMING_LOOKALIKES = frozenset((b"content_length", b"transfer_encoding"))


class Unclear(Exception):
    """Octets that are not exactly one clean message."""


@dataclass
class Message:
    """A message that was read whole."""

    first: tuple[bytes, ...]  # method, target, minor version; or minor version, status, reason
    fields: list[tuple[bytes, bytes]]  # names in lower case
    content: bytes = b""
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)
    size: int = 0  # octets that it took

    def all(self, name: bytes) -> list[bytes]:
        return [value for known, value in self.fields if known == name]

    def get(self, name: bytes) -> bytes:
        return b", ".join(self.all(name))

    @property
    def tokens(self) -> list[bytes]:
        """The options of Connection."""
        return [token.strip().lower() for token in self.get(b"connection").split(b",")]


def _lines(block: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    for line in block.split(b"\r\n") if block else []:
        read = _field_line(line)
        if read is None:
            raise Unclear(f"field line {line[:80]!r}")
        found.append((read[1].lower(), read[2]))
    return found


def head(data: bytes, at: int = 0) -> tuple[bytes, list[tuple[bytes, bytes]], int] | None:
    """Return first line, fields, and where the head ends; None if it has not come whole."""
    end = data.find(b"\r\n\r\n", at)
    if end < 0:
        if re.search(rb"(?<!\r)\n|\r(?!\n|\Z)|\0", data[at:]):
            raise Unclear(f"head {data[at : at + 80]!r}")
        return None
    first, _, rest = data[at:end].partition(b"\r\n")
    return first, _lines(rest), end + 4


def _length(fields: list[tuple[bytes, bytes]], minor: int) -> int | None:
    """Return what the fields say: a length, -1 for chunked, None for nothing."""
    names = [name for name, _ in fields]
    if not _FRAMING_LOOKALIKES.isdisjoint(names):
        raise Unclear("a name that looks like one of framing")
    lengths = [value for name, value in fields if name == b"content-length"]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if codings:
        if lengths or len(codings) > 1 or codings[0].lower() != b"chunked" or minor == 0:
            raise Unclear(f"framing {lengths!r} {codings!r} in HTTP/1.{minor}")
        return -1
    if lengths:
        if len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
            raise Unclear(f"length {lengths!r}")
        return int(lengths[0])
    return None


def _chunked(data: bytes, at: int) -> tuple[bytes, list[tuple[bytes, bytes]], int] | None:
    """Return content, trailers, and where it ends; None if it has not come whole."""
    content = []
    while True:
        end = data.find(b"\r\n", at)
        line = data[at:end] if end >= 0 else data[at:]
        if end < 0:
            if len(line) > 4096 or b"\n" in line or (line.rstrip(b"\r") and not re.match(rb"[0-9A-Fa-f]+(;|\r?\Z)", line)):
                raise Unclear(f"chunk size {line[:80]!r}")
            return None
        found = _size_line(line)
        if found is None:
            raise Unclear(f"chunk size {line[:80]!r}")
        size = int(found[1], 16)
        at = end + 2
        if size == 0:
            break
        content.append(data[at : at + size])
        if len(data) < at + size + 2:
            if data[at + size :] not in (b"", b"\r"):
                raise Unclear("no CRLF behind a chunk")
            return None
        if data[at + size : at + size + 2] != b"\r\n":
            raise Unclear("no CRLF behind a chunk")
        at += size + 2
    if data[at : at + 2] == b"\r\n":
        return b"".join(content), [], at + 2
    read = data.find(b"\r\n\r\n", at)
    if read < 0:
        return None
    trailers = _lines(data[at:read])
    for name, _ in trailers:
        if name.replace(b"_", b"-") in NOT_IN_TRAILERS:
            raise Unclear(f"trailer {name!r}")
    return b"".join(content), trailers, read + 4


def _with_content(message: Message, data: bytes, at: int, length: int) -> Message | None:
    if length == -1:
        read = _chunked(data, at)
        if read is None:
            return None
        message.content, message.trailers, message.size = read
        return message
    if len(data) < at + length:
        return None
    message.content = data[at : at + length]
    message.size = at + length
    return message


def request(data: bytes) -> Message | None:
    """Return the request at the front of `data`, or None if it has not come whole. Raises Unclear."""
    found = head(data)
    if found is None:
        return None
    first, fields, at = found
    line = _request_line(first)
    if line is None:
        raise Unclear(f"request line {first[:80]!r}")
    method, target, minor = line[1], line[2], int(line[3])
    hosts = [value for name, value in fields if name == b"host"]
    if len(hosts) > 1 or (minor == 1 and len(hosts) != 1) or (hosts and not _host(hosts[0])):
        raise Unclear(f"Host {hosts!r}")
    if not (
        target.startswith(b"/")
        or (target == b"*" and method == b"OPTIONS")
        or target.lower().startswith((b"http://", b"https://"))
    ):
        raise Unclear(f"target {target[:80]!r}")
    length = _length(fields, minor)
    return _with_content(Message((method, target, line[3]), fields), data, at, length or 0)


def response(data: bytes, method: bytes, ended: str) -> Message | None:
    """Return the response at the front of `data`, or None if it has not come whole.

    Args:
        data: what came.
        method: that it answers.
        ended: how the connection stands: "open", "fin" or "rst".

    Raises: Unclear.
    """
    found = head(data)
    if found is None:
        return None
    first, fields, at = found
    line = _status_line(first)
    if line is None:
        raise Unclear(f"status line {first[:80]!r}")
    status = int(line[2])
    length = _length(fields, int(line[1]))
    message = Message((line[1], line[2], line[3]), fields)
    if method == b"HEAD" or status < 200 or status in (204, 304):
        if status == 204 and length:
            raise Unclear("a length for 204")
        message.size = at
        return message
    if length is None:
        if ended != "fin":
            return None  # it ends with the connection, and not by a reset
        message.content = data[at:]
        message.size = len(data)
        return message
    return _with_content(message, data, at, length)
