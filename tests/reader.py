"""A reader of HTTP/1.1 messages that takes RFC 9112 at its word: whatever two recipients could read in two ways is `Broken`.

It is the oracle of fuzz targets and of those who judge proxies, so it is written from the grammar alone. Must not know the engine:
one that misreads a message must not be judged by its own reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_TOKEN: Final = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE: Final = re.compile(rb"(%b) ([!-~]+) HTTP/1\.([01])" % _TOKEN)
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t -~\x80-\xff]*))?")
_FIELD: Final = re.compile(rb"(%b):([\t -~\x80-\xff]*)" % _TOKEN)
_CHUNK: Final = re.compile(
    rb'([0-9A-Fa-f]{1,16})(?:;%b(?:=(?:%b|"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*' % (_TOKEN, _TOKEN)
)
_SIZE_BEGUN: Final = re.compile(rb"(?:[0-9A-Fa-f]{1,16}(?:;[^\n]{,4096}|\r)?)?")  # what a line of a chunk's size may begin with
_NO_HEAD: Final = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|\0")
_HOST: Final = re.compile(rb"(?:[0-9A-Za-z._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")

Fields = list[tuple[bytes, bytes]]


class Broken(Exception):
    """It is no message, and will be none whatever comes behind it."""


class Short(Broken):
    """It may be the beginning of one: the octets end too soon. `message` is there if its head is."""

    message: Message | None = None


@dataclass
class Message:
    """A message, as it was sent."""

    first: tuple[bytes, bytes]  # method and target, or status and reason
    minor: int
    fields: Fields
    content: bytes = b""
    trailers: Fields = field(default_factory=list)
    chunked: bool = False
    until_close: bool = False
    size: int = 0  # octets it takes
    head: int = 0  # octets of its head

    @property
    def status(self) -> int:
        return int(self.first[0])

    def all(self, name: bytes) -> list[bytes]:
        return [value for known, value in self.fields if known == name]

    def get(self, name: bytes) -> bytes:
        """Return all values as one; empty if there is none."""
        return b", ".join(self.all(name))

    def tokens(self, name: bytes) -> list[bytes]:
        return [one.strip(b" \t").lower() for value in self.all(name) for one in value.split(b",") if one.strip(b" \t")]


def lines(block: bytes) -> Fields:
    """Read field lines, each ended by CRLF; names in lower case."""
    found: Fields = []
    for line in block.split(b"\r\n")[:-1]:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise Broken(line)
        found.append((match[1].lower(), match[2].strip(b" \t")))
    return found


def head(octets: bytes) -> tuple[bytes, Fields, int]:
    """Read a head: its first line, its fields, how many octets it takes. Raises Broken, Short."""
    end = octets.find(b"\r\n\r\n")
    if end < 0:
        if _NO_HEAD.search(octets):
            raise Broken(octets[:80])
        raise Short
    first, _, rest = octets[: end + 2].partition(b"\r\n")
    return first, lines(rest), end + 4


def _head(octets: bytes, shape: re.Pattern[bytes]) -> tuple[re.Match[bytes], Fields, int]:
    first, fields, size = head(octets)
    match = shape.fullmatch(first)
    if match is None:
        raise Broken(first)
    return match, fields, size


def _framing(message: Message) -> int | None:
    """Return how long the content is that the fields announce; -1 is chunked, None nothing at all."""
    lengths, codings = message.all(b"content-length"), message.all(b"transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise Broken("framed twice")
    if codings:
        if codings[0].lower() != b"chunked" or message.minor == 0:
            raise Broken(codings)
        return -1
    if lengths:
        if re.fullmatch(rb"[0-9]{1,18}", lengths[0]) is None:
            raise Broken(lengths)
        return int(lengths[0])
    return None


def chunks(octets: bytes) -> tuple[bytes, Fields, int]:
    """Read chunked content: what it is, its trailers, how many octets it takes."""
    content, at = [], 0
    while True:
        end = octets.find(b"\r\n", at)
        if end < 0:
            if _SIZE_BEGUN.fullmatch(octets, at) is None:
                raise Broken(octets[at : at + 80])
            raise Short
        match = _CHUNK.fullmatch(octets[at:end])
        if match is None:
            raise Broken(octets[at:end])
        size, at = int(match[1], 16), end + 2
        if size == 0:
            break
        if not b"\r\n".startswith(octets[at + size : at + size + 2]):
            raise Broken("a chunk is longer than it says")
        if len(octets) < at + size + 2:
            raise Short
        content.append(octets[at : at + size])
        at += size + 2
    start = at
    while octets[at : at + 2] != b"\r\n":
        end = octets.find(b"\r\n", at)
        if end < 0:
            raise Short
        at = end + 2
    return b"".join(content), lines(octets[start:at]), at + 2


def _content(message: Message, octets: bytes, length: int) -> None:
    try:
        if length < 0:
            message.chunked = True
            message.content, message.trailers, size = chunks(octets)
        else:
            if len(octets) < length:
                raise Short
            message.content, size = octets[:length], length
    except Short as short:
        short.message = message
        raise
    message.size += size


def request(octets: bytes) -> Message:
    """Read the request at the front. Raises Broken; Short if it is only its beginning."""
    match, fields, size = _head(octets, _REQUEST_LINE)
    message = Message((match[1], match[2]), int(match[3]), fields, size=size, head=size)
    hosts = message.all(b"host")
    if len(hosts) != 1 if message.minor else len(hosts) > 1:
        raise Broken(hosts)
    if hosts and _HOST.fullmatch(hosts[0]) is None:
        raise Broken(hosts)
    length = _framing(message)
    _content(message, octets[size:], length or 0)
    return message


def response(octets: bytes, method: bytes, ended: bool = False) -> Message:
    """Read the response to a request at the front, interim or final; `ended`: nothing more will come."""
    match, fields, size = _head(octets, _STATUS_LINE)
    message = Message((match[2], match[3] or b""), int(match[1]), fields, size=size, head=size)
    length = _framing(message)
    if method == b"HEAD" or message.status < 200 or message.status in (204, 304):
        length = 0
    if length is None:
        message.until_close = True
        message.content = octets[size:]
        message.size = len(octets)
        if not ended:
            short = Short()
            short.message = message
            raise short
        return message
    _content(message, octets[size:], length)
    return message


def responses(octets: bytes, method: bytes, ended: bool = False) -> tuple[list[Message], bytes]:
    """Read interim responses and the final one: all of them, and what is behind. Raises Broken, Short."""
    found: list[Message] = []
    while not found or (found[-1].status < 200 and found[-1].status != 101):
        found.append(response(octets, method, ended))
        octets = octets[found[-1].size :]
    return found, octets
