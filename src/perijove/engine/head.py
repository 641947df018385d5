"""The head of a message: found, checked, taken apart and written on. Pure form; `head.pyx` is its twin.

Knows RFC 9112 §2–§6 and is stricter than it allows: a head that two readers could read in two ways is refused.
Must not know routes, connections or sockets. One object serves many messages, one after the other, and stands for a head only
until the buffer it was found in changes: what a caller needs later it copies.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from perijove.engine import fields
from perijove.engine.const import CHUNKED, FOUND, MORE, NO_BODY, UNTIL_CLOSE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perijove.engine.buffer import Buffer

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # RFC 9110 §5.6.2
_is_token: Final = re.compile(_TOKEN + rb"\Z").match
_names: Final = re.compile(rb"\r\n(" + _TOKEN + rb"):").findall
# reg-name without percent-encoding or sub-delims, which no real host has, or an IPv6 literal; RFC 3986 §3.2.2
_PORT: Final = rb"(?::(?!0{1,5}\Z)(?:[0-5]?[0-9]{1,4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?\Z"  # 1 to 65535
_is_host: Final = re.compile(rb"(?:[0-9A-Za-z_](?:[0-9A-Za-z._-]*)|\[[0-9A-Fa-f:.]{2,45}\])" + _PORT).match
# A name, or four decimal numbers (RFC 3986 §3.2.2, RFC 1123 §2.1; strict_hostname_check, server/vhost.c of httpd): what else
# ends with a number, such as 127.1, is an address to some and a name to others.
_is_clear: Final = re.compile(
    rb"(?![^:]*\.\.)(?:\[.*|(?:(?:0|[1-9][0-9]*)\.){3}(?:0|[1-9][0-9]*)\.?"
    rb"|(?=[^:]*[A-Za-z_-])(?:[^:]*\.[A-Za-z][^:.]*|[^:.]+)\.?)(?::[0-9]*)?\Z"
).match
# The same with octets that are encoded: who speaks to a Unix socket puts its path there.
_is_encoded_host: Final = re.compile(rb"(?:[0-9A-Za-z._~-]|%[0-9A-Fa-f]{2})+" + _PORT).match
_is_version: Final = re.compile(rb"HTTP/[0-9]\.[0-9]\Z").match
_is_length: Final = re.compile(rb"[0-9]{1,18}\Z").match
_is_status_line: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?\Z").match
_any_absolute: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)(.*)\Z", re.DOTALL).match
_port: Final = re.compile(rb":[0-9]{1,5}\Z").search
_absolute: Final = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://([^/?#]*)(.*)\Z", re.DOTALL).match

_TARGET_OCTETS: Final = bytes(c for c in range(0x21, 0x7F) if c != 0x23)  # visible, without "#" (RFC 9112 §3.2)
_VALUE_OCTETS: Final = bytes(c for c in range(256) if c == 9 or 32 <= c != 127)  # RFC 9110 §5.5
# What nearly all messages say, for `_connection`.
_OPTIONS: Final[dict[bytes, int]] = {
    b"Connection: keep-alive": 2,
    b"Connection: close": 1,
    b"Connection: Upgrade": 4,
    b"Connection: keep-alive, Upgrade": 6,
}
_METHODS: Final = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"))
_VALUE: Final = rb"[\t\x20-\x7e\x80-\xff]*"
_SHAPES_KEPT: Final = 1024
_NAMES_KEPT: Final = 2048  # octets of the names of one
_MATCHED_FIELDS: Final = 40  # the most fields for which a pattern is made


class Limits:
    """Bounds on a head: octets, and a count of fields; `anywhere`: whether a forward proxy's targets are read.

    `field` is for each line of a field, without its end; 0 is none but the head's. `empty` lines before a request are forgiven.
    `encoded`: whether a host may have encoded octets. `clear`: whether it must be a name or a whole IP address.
    """

    __slots__ = ("anywhere", "clear", "count", "empty", "encoded", "field", "line", "size")

    def __init__(
        self,
        line: int = 16384,
        size: int = 65536,
        count: int = 200,
        anywhere: bool = False,
        field: int = 0,
        empty: int = 1,
        encoded: bool = False,
        clear: bool = False,
    ) -> None:
        self.line = line
        self.size = size
        self.count = count
        self.anywhere = anywhere
        self.field = field
        self.empty = empty
        self.encoded = encoded
        self.clear = clear


class _Shape:
    """What the names of a head alone decide, for all heads with the same names in the same order."""

    __slots__ = (
        "at",
        "connection",
        "doubled",
        "framed",
        "getters",
        "lookalike",
        "lower",
        "match",
        "names",
        "numbers",
        "repeats",
        "seen",
    )

    def __init__(self, names: tuple[bytes, ...]) -> None:
        self.names = names
        self.match: Callable[[bytes], re.Match[bytes] | None] | None = None
        self.lower = tuple(name.lower() for name in names)
        self.numbers: list[int] = []
        self.at: list[int] = [0] * fields.COUNT  # number -> line of the first of that name, from 1
        self.connection: list[int] = []
        self.repeats = 0
        self.lookalike = False
        for line, name in enumerate(self.lower, 1):
            number = fields.NUMBERS.get(name, fields.OTHER)
            if number == fields.OTHER and b"_" in name:
                number = fields.NUMBERS.get(name.replace(b"_", b"-"), fields.OTHER)
                if number != fields.OTHER and fields.FRAMING >> number & 1:
                    self.lookalike = True
            self.numbers.append(number)
            if number == fields.CONNECTION:
                self.connection.append(line)
            if self.at[number]:
                self.repeats |= 1 << number
            else:
                self.at[number] = line
        self.seen = sum(1 << number for number in set(self.numbers))
        self.doubled = len(set(self.lower)) < len(self.lower)
        self.framed = bool(self.at[fields.TRANSFER_ENCODING] or self.at[fields.CONTENT_LENGTH])
        self.getters: dict[tuple[int, frozenset[bytes]], Callable[[Sequence[bytes]], object]] = {}

    def matcher(self) -> Callable[[bytes], re.Match[bytes] | None]:
        """Return what takes apart a block with these very names, as `_names` and `split` would, in one go."""
        if self.match is None:
            lines = b"".join(rb"\r\n(%b:%b)" % (re.escape(name), _VALUE) for name in self.names)
            self.match = re.compile(b"()" + lines).fullmatch
        return self.match

    def getter(self, drop: int, names: frozenset[bytes]) -> Callable[[Sequence[bytes]], object]:
        """Return what picks the lines that remain, and line 0, which is empty."""
        found = self.getters.get((drop, names))
        if found is None:
            keep = [
                line
                for line, (number, name) in enumerate(zip(self.numbers, self.lower, strict=True), 1)
                if not drop >> number & 1 and name not in names
            ]
            found = itemgetter(0, *keep) if keep else _only_first
            if len(self.getters) < 16:
                self.getters[(drop, names)] = found
        return found


def _only_first(lines: Sequence[bytes]) -> tuple[bytes]:
    return (lines[0],)


_shapes: dict[tuple[bytes, ...], _Shape] = {}


def _shape(names: tuple[bytes, ...]) -> _Shape:
    shape = _Shape(names)
    if sum(map(len, names)) > _NAMES_KEPT:
        return shape  # nobody's, but somebody's who wants memory
    if len(_shapes) >= _SHAPES_KEPT:  # names come from the network: start anew rather than grow
        _shapes.clear()
    _shapes[names] = shape
    return shape


class Head:
    """What requests and responses share: the field lines of a scanned head."""

    __slots__ = ("_again", "_lines", "_shape", "declared", "length", "minor", "nominated", "repeats", "size")

    def __init__(self) -> None:
        self._lines: Sequence[bytes] = ()
        self._again = False  # the shape came twice running: the next head will mostly have it, too
        self._shape: _Shape = _shape(())
        self.size = 0  # octets in the buffer, the empty line included
        self.minor = 1  # of HTTP/1.x
        self.length = NO_BODY  # octets of content, or CHUNKED, or UNTIL_CLOSE
        self.declared = -1  # what Content-Length says; -1 if it is not there
        self.repeats = 0  # mask of names that came more than once
        self.nominated: frozenset[bytes] = frozenset()  # names that Connection declares hop-by-hop

    def _scan_fields(self, block: bytes, limits: Limits) -> int:
        """Take `block` (each line after a CRLF) apart; return FOUND or a status."""
        if self.nominated:
            self.nominated = frozenset()
        over = 0 < limits.field < len(block) and max(map(len, block.split(b"\r\n"))) > limits.field
        if self._again:
            found = self._shape.matcher()(block)
            if found is not None:
                self._lines = found.groups()
                self.repeats = self._shape.repeats
                return 431 if over else FOUND
        names = tuple(_names(block))
        count = block.count(b"\r\n")
        # Each line begins with a name and a colon, and no octet is a control, nor CR or LF but in a CRLF.
        if len(names) != count or len(block.translate(None, _VALUE_OCTETS)) != 2 * count:
            return 400
        if count > limits.count or over:
            return 431
        shape = _shapes.get(names) or _shape(names)
        if shape.lookalike:
            return 400
        self._again = shape is self._shape and count <= min(limits.count, _MATCHED_FIELDS)
        self._shape = shape
        self.repeats = shape.repeats
        self._lines = block.split(b"\r\n")
        return FOUND

    def field(self, number: int) -> bytes | None:
        """Return the value of the first field of that number, or None."""
        line = self._shape.at[number]
        if not line:
            return None
        return self._lines[line].split(b":", 1)[1].strip(b" \t")

    def values(self, number: int) -> list[bytes]:
        """Return the values of all fields of that number, in order."""
        return [
            self._lines[line].split(b":", 1)[1].strip(b" \t")
            for line, its in enumerate(self._shape.numbers, 1)
            if its == number
        ]

    def named(self, name: bytes) -> list[bytes]:
        """Return the values of all fields of that name (lower case), in order."""
        return [
            self._lines[line].split(b":", 1)[1].strip(b" \t") for line, its in enumerate(self._shape.lower, 1) if its == name
        ]

    def items(self) -> list[tuple[bytes, bytes]]:
        """Return the names, as they were written, and the values of all fields, in order."""
        found = [line.split(b":", 1) for line in self._lines[1:]]
        return [(name, value.strip(b" \t")) for name, value in found]

    def has(self, number: int) -> bool:
        """Tell whether a field of that number is there."""
        return self._shape.at[number] != 0

    def has_all(self, numbers: int) -> bool:
        """Tell whether every one of these is there: a mask of numbers."""
        return self._shape.seen & numbers == numbers

    def doubled(self) -> bool:
        """Tell whether a name is there more than once."""
        return self._shape.doubled

    def lacks(self, numbers: int, names: frozenset[bytes]) -> bool:
        """Tell whether none of these is there: a mask of numbers, and names (lower case) that have no number."""
        shape = self._shape
        return not shape.seen & numbers and (not names or names.isdisjoint(shape.lower))

    def _connection(self) -> int:
        """Read all Connection fields: 1 close, 2 keep-alive, 4 upgrade; other tokens become `nominated`."""
        seen = 0
        others: list[bytes] = []
        if len(self._shape.connection) == 1:
            known = _OPTIONS.get(self._lines[self._shape.connection[0]])
            if known is not None:
                return known
        for line in self._shape.connection:
            value = self._lines[line][11:].lower()
            for token in value.split(b","):
                token = token.strip(b" \t")
                if token == b"keep-alive":
                    seen |= 2
                elif token == b"close":
                    seen |= 1
                elif token == b"upgrade":
                    seen |= 4
                elif token:
                    number = fields.NUMBERS.get(token, fields.OTHER)
                    if not fields.NOT_NOMINATED >> number & 1:
                        others.append(token)
        if others:
            self.nominated = frozenset(others)
        return seen

    def _length(self) -> int:
        """Return the framing that the fields declare, or a negated status; -1 for none."""
        self.declared = -1
        if not self._shape.framed:
            return -1
        at = self._shape.at
        coding = at[fields.TRANSFER_ENCODING]
        if coding:
            if at[fields.CONTENT_LENGTH] or self.repeats >> fields.TRANSFER_ENCODING & 1 or self.minor == 0:
                return -400
            # A tab behind it is white space (RFC 9110 §5.6.3), but llhttp takes it for a part of the value.
            value = self._lines[coding].split(b":", 1)[1].lstrip(b" \t").rstrip(b" ").lower()
            return CHUNKED if value == b"chunked" else -501
        if at[fields.CONTENT_LENGTH]:
            value = self._lines[at[fields.CONTENT_LENGTH]].split(b":", 1)[1].strip(b" \t")
            if self.repeats >> fields.CONTENT_LENGTH & 1 or not _is_length(value):
                return -400
            self.declared = int(value)
            return self.declared
        return -1

    def _write(self, out: Buffer, first: bytes, drop: int, names: frozenset[bytes], tail: bytes, front: bytes) -> None:
        shape = self._shape
        if self.nominated:
            names |= self.nominated
            shape = _Shape(shape.names)  # what a client nominates is not remembered
        if front:
            first = first + b"\r\n" + front[:-2]
        lines = shape.getter(drop, names)(self._lines)
        out.append(b"".join((first, b"\r\n".join(lines), b"\r\n", tail, b"\r\n")))  # type: ignore[arg-type]


def place(text: bytes, octet: int) -> int:
    """Return where an octet is for the first time, or -1."""
    return text.find(octet)


def cut(text: bytes, start: int, end: int) -> bytes:
    """Return a part of a text; 0 <= start <= end <= its size."""
    return text[start:end]


def content_length(size: int) -> bytes:
    """Return the line that says how long content is (RFC 9110 §8.6)."""
    return b"Content-Length: %d\r\n" % size


def consists(text: bytes, octets: bytes) -> bool:
    """Tell whether a text has no other octets than some: `octets` has, for each of the 256, 1 if it may be there, or 0."""
    return text.translate(octets).find(0) < 0


def _is_tidy(path: bytes) -> bool:
    return path.find(b"%") < 0 and path.find(b"//") < 0 and path.find(b"/.") < 0


class RequestHead(Head):
    """The head of a request (RFC 9112 §3).

    After `scan` answered FOUND: `method`, `target` (as sent), `path` (origin-form of it), `host` (b"" if none),
    `keep_alive`, `upgrade` (a WebSocket handshake, RFC 6455 §4.1), `expect` (100-continue), `absolute`, `asked` (the scheme of
    a target in absolute-form, in lower case; b"connect" of one in authority-form), `tidy` (before its query, the path has
    nothing encoded, no dot segment and no empty one: there is one way to read it).
    """

    __slots__ = ("absolute", "asked", "expect", "host", "keep_alive", "method", "path", "target", "tidy", "upgrade")

    def __init__(self) -> None:
        super().__init__()
        self.method = b""
        self.target = b""
        self.path = b""
        self.host = b""
        self.keep_alive = False
        self.upgrade = False
        self.expect = False
        self.absolute = False
        self.asked = b""
        self.tidy = False

    def scan(self, source: Buffer, limits: Limits) -> int:
        """Look for a request head at the front of `source`, and leave it there.

        Returns: MORE, FOUND, or the status to refuse it with.
        """
        data = source.data
        start = source.start
        most = start + 2 * limits.empty
        while start < most and data.startswith(b"\r\n", start):  # empty lines before a request are forgiven, RFC 9112 §2.2
            start += 2
        end = data.find(b"\r\n\r\n", start)
        if end < 0:
            return _incomplete(data, start, limits)
        if end - start > limits.size:
            return 431
        line_end = data.find(b"\r\n", start)
        if line_end - start > limits.line:
            return 414
        parts = data[start:line_end].split(b" ")
        if len(parts) != 3:
            return 400
        method, target, version = parts
        if version == b"HTTP/1.1":
            self.minor = 1
        elif version == b"HTTP/1.0":
            self.minor = 0
        else:
            return 505 if _is_version(version) and version[5:6] != b"0" else 400
        if (method not in _METHODS and not _is_token(method)) or target.translate(None, _TARGET_OCTETS):
            return 400
        if method == b"CONNECT" and target[:1] == b"/":
            return 400  # RFC 9110 §9.3.6: it names a host and a port
        self.method = method
        self.target = target
        self.size = end + 4 - source.start
        verdict = self._scan_fields(data[line_end:end], limits)
        if verdict != FOUND:
            return verdict
        at = self._shape.at
        if at[fields.HOST]:
            if self.repeats >> fields.HOST & 1:
                return 400
            host = self._lines[at[fields.HOST]][5:].strip(b" \t")
            if host != self.host or not host:
                if not _is_host(host) and not (limits.encoded and _is_encoded_host(host)):
                    return 400
                if limits.clear and host and not _is_clear(host):
                    return 400
                self.host = host
        elif self.minor == 1:
            return 400  # RFC 9112 §3.2
        else:
            self.host = b""
        if target[:1] == b"/":
            self.path = target
            self.absolute = False
            self.asked = b""
        else:
            verdict = self._other_form(target, limits)
            if verdict != FOUND:
                return verdict
        self.tidy = _is_tidy(self.path.partition(b"?")[0])
        length = self._length()
        if length < -1 and length != CHUNKED:
            return -length
        self.length = NO_BODY if length == -1 else length
        options = self._connection() if self._shape.connection else 0
        self.keep_alive = not options & 1 and (self.minor == 1 or options & 2 != 0)
        self.expect = False
        if at[fields.EXPECT] and self.minor == 1:
            if (self.field(fields.EXPECT) or b"").lower() != b"100-continue":
                return 417  # RFC 9110 §10.1.1
            self.expect = True
        self.upgrade = options & 4 != 0 and at[fields.UPGRADE] != 0 and self._is_handshake()
        return FOUND

    def _is_handshake(self) -> bool:
        return (
            self.method == b"GET"
            and self.minor == 1
            and self.length == NO_BODY
            and not self.repeats >> fields.UPGRADE & 1
            and (self.field(fields.UPGRADE) or b"").lower() == b"websocket"
            and self.field(fields.SEC_WEBSOCKET_VERSION) == b"13"
            and self._shape.at[fields.SEC_WEBSOCKET_KEY] != 0
        )

    def _other_form(self, target: bytes, limits: Limits) -> int:
        """Read a target that is not in origin-form (RFC 9112 §3.2.2–§3.2.4)."""
        if target == b"*":
            if self.method != b"OPTIONS":
                return 400
            self.path = target
            self.absolute = False
            self.asked = b""
            return FOUND
        if self.method == b"CONNECT":
            if not limits.anywhere:
                return 405  # a gateway is no tunnel to elsewhere
            if not _is_host(target) or not _port(target) or (self.minor == 0 and self._shape.framed):
                return 400
            if limits.clear and not _is_clear(target):
                return 400
            self.host = target
            self.path = b"/"
            self.asked = b"connect"
            self.absolute = True
            return FOUND
        found = _absolute(target)
        if not found and limits.anywhere:
            found = _any_absolute(target)
        if not found or not _is_host(found[1]) or (limits.clear and not _is_clear(found[1])):
            return 400
        self.asked = target[: target.find(b":")].lower()
        # RFC 9112 §3.2.2: the authority of the target replaces Host.
        self.host = found[1]
        rest = found[2]
        self.path = rest if rest[:1] == b"/" else b"/" + rest
        self.absolute = True
        return FOUND

    def write(self, out: Buffer, target: bytes, drop: int, names: frozenset[bytes], tail: bytes, front: bytes = b"") -> None:
        """Write the head on, as HTTP/1.1.

        Args:
            out: where to.
            target: the request target to send.
            drop: mask of numbered fields that stay behind.
            names: lower-case names of others that stay behind.
            tail: field lines to add, each ended by CRLF.
            front: the same, before all others.
        """
        self._write(out, b"%b %b HTTP/1.1" % (self.method, target), drop, names, tail, front)


class ResponseHead(Head):
    """The head of a response (RFC 9112 §4).

    After `scan` answered FOUND: `status`, `reason`, `keep_alive` (may the connection be used again), `upgrade`
    (it offers to switch to WebSocket).
    """

    __slots__ = ("keep_alive", "reason", "status", "upgrade")

    def __init__(self) -> None:
        super().__init__()
        self.status = 0
        self.reason = b""
        self.keep_alive = False
        self.upgrade = False

    def scan(self, source: Buffer, limits: Limits, to_head: bool) -> int:
        """Look for a response head at the front of `source`, and leave it there.

        Args:
            source: what came from upstream.
            limits: bounds.
            to_head: whether the request was HEAD, so that no content follows whatever the fields say.

        Returns: MORE, FOUND, or 502.
        """
        data = source.data
        start = source.start
        end = data.find(b"\r\n\r\n", start)
        if end < 0:
            return MORE if _incomplete(data, start, limits) == MORE and _may_be_status(data, start) else 502
        if end - start > limits.size:
            return 502
        line_end = data.find(b"\r\n", start)
        if line_end - start > limits.line:  # as `_incomplete` says when less of it has come
            return 502
        found = _is_status_line(data[start:line_end])
        if not found:
            return 502
        self.minor = int(found[1])
        self.status = status = int(found[2])
        self.reason = found[3] or b""
        self.size = end + 4 - start
        if self._scan_fields(data[line_end:end], limits) != FOUND:
            return 502
        length = self._length()
        if length < -1 and length != CHUNKED:
            return 502
        if to_head or status < 200 or status in (204, 304):
            # RFC 9112 §6.3: never content, whatever the fields say. HEAD and 304 may declare the length of a GET.
            self.length = NO_BODY
        else:
            self.length = UNTIL_CLOSE if length == -1 else length
        options = self._connection() if self._shape.connection else 0
        self.keep_alive = not options & 1 and (self.minor == 1 or options & 2 != 0)
        self.upgrade = (
            options & 4 != 0
            and not self.repeats >> fields.UPGRADE & 1
            and (self.field(fields.UPGRADE) or b"").lower() == b"websocket"
        )
        return FOUND

    def compact(self, number: int) -> bool:
        """Tell whether what there is of a field is one list without white space and empty elements."""
        value = self.field(number)
        if value is None:
            return True
        return not self.repeats >> number & 1 and b" " not in value and b"\t" not in value and b"" not in value.split(b",")

    def dated(self, date: bytes) -> bytes:
        """Return the lines Date and Server; `date` is taken where there is none. Nothing if no server is named."""
        server = self.field(fields.SERVER)
        if not server:
            return b""
        date = self.field(fields.DATE) or date
        return b"Date: %b\r\nServer: %b\r\n" % (date, server) if date else b"Server: %b\r\n" % server

    def write(self, out: Buffer, drop: int, names: frozenset[bytes], tail: bytes, front: bytes = b"") -> None:
        """Write the head on, as HTTP/1.1; the arguments are as `RequestHead.write` has them."""
        self._write(out, b"HTTP/1.1 %d %b" % (self.status, self.reason), drop, names, tail, front)


def _may_be_status(data: bytes, start: int) -> bool:
    """Tell whether what has come so far can begin a status line: a server that speaks otherwise is not waited for."""
    return data[start : start + 7] == b"HTTP/1."[: len(data) - start]


def _incomplete(data: bytes, start: int, limits: Limits) -> int:
    """Judge a head that has not ended yet: MORE, or the status to refuse it with already."""
    size = len(data) - start
    if size == 0:
        return MORE
    # Its end may be there in part: CRLFCRLF but for the last octet, or the line's CR.
    ending = 3 if data.endswith(b"\r\n\r") else 2 if data.endswith(b"\r\n") else 1 if data.endswith(b"\r") else 0
    first = data.find(b"\r\n", start)
    if (first < 0 and size - ending > limits.line) or first - start > limits.line:
        return 414
    if size - ending > limits.size:
        return 431
    # A bare LF would keep us waiting for a CRLF that never comes; and no request begins with a control (TLS does).
    if data.count(b"\n", start) != data.count(b"\r\n", start) or (data[start] < 0x21 and data[start] != 13):
        return 400
    if data.count(b"\n", start) > limits.count + 1:
        return 431
    return MORE
