"""What rules see and change while they decide on one request.

Knows a head, a peer, and the path as it becomes. Must not know rules, sockets or where a request goes.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Final

from perijove.engine import fields
from perijove.engine.head import consists, cut, place
from perijove.engine.target import broken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.engine.balance import Balance
    from perijove.engine.head import RequestHead, ResponseHead
    from perijove.engine.peer import Peer
    from perijove.engine.plan import Plan

# What becomes of encoded slashes in a path (Apache's AllowEncodedSlashes).
REFUSED: Final = 0
DECODED: Final = 1
KEPT: Final = 2

_escape: Final = re.compile(rb"%([0-9A-Fa-f]{2})").sub
_escape_but_slash: Final = re.compile(rb"%(?!2[Ff])([0-9A-Fa-f]{2})").sub
_slashes: Final = re.compile(rb"//+").sub
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986 §2.3


_HOST: Final = fields.HOST
_OTHER: Final = fields.OTHER

# What most requests begin and end with. Neither is ever changed, only exchanged for another.
_NO_NOTES: Final[dict[bytes, bytes]] = {}
_NO_LINES: Final[list[tuple[bytes, bytes]]] = []


class State:
    """One request on its way through the rules. Whoever runs them makes one for each."""

    __slots__ = (
        "address",
        "anew",
        "asked",
        "balance",
        "began",
        "came",
        "captures",
        "content",
        "content_lines",
        "counts",
        "elsewhere",
        "form",
        "head",
        "held",
        "host",
        "kept",
        "lines",
        "local",
        "location",
        "method",
        "minor",
        "notes",
        "onward",
        "origin",
        "out",
        "path",
        "peer",
        "phrase",
        "plan",
        "query",
        "raw",
        "request_id",
        "response",
        "scheme",
        "selected",
        "settings",
        "status",
        "target",
        "upgrade",
        "upstream",
        "user",
        "wanted",
        "whole",
    )

    def __init__(self, head: RequestHead, peer: Peer, settings: tuple[object, ...]) -> None:
        """Begin with a scanned head, and what is set before any rule has run."""
        self.head: RequestHead | None = head  # until the fields were kept: others are scanned into it then
        its = self.head
        self.peer = peer
        self.address = self.peer.address  # of the client
        self.scheme = self.peer.scheme
        self.host = its.host  # as the client named it, port included
        self.method = its.method
        self.whole = its.target  # the target of the request line, as it was sent
        self.wanted = its.path  # path and query, as they were sent
        self.minor = its.minor
        self.form = its.asked  # the scheme of the URL that was asked for, or connect; empty of a path
        self.upgrade = its.upgrade  # it is a WebSocket handshake
        at = place(self.wanted, 0x3F)
        self.raw = self.wanted if at < 0 else cut(self.wanted, 0, at)  # the path as it was sent
        self.path = self.raw  # decoded, without dots and double slashes; rewriting changes it
        self.query: bytes | None = None if at < 0 else cut(self.wanted, at + 1, len(self.wanted))
        self.asked = self.query  # the query as it was sent
        self.held = b""  # a text that rules work on
        # The URL it is sent to is these two together, the path not yet encoded.
        self.origin = b""
        self.onward = b""
        self.counts: dict[bytes, int] | None = None
        self.lines: list[tuple[bytes, bytes]] | None = None  # the request's fields, once they were kept
        self.came = _NO_LINES  # the same, before anything was edited
        self.notes = _NO_NOTES
        self.captures: tuple[bytes | None, ...] = ()
        self.kept: tuple[bytes | None, ...] = ()
        self.settings = settings  # never changed, but exchanged for others: whoever sets one knows which
        self.selected = 0  # edits that are to be made, as bits
        self.plan: Plan | None = None
        self.status = 0
        self.phrase = b""  # what is said beside the status; nothing is the usual
        self.location: bytes | None = None  # what a status is told with, where it has more to say: a URL, methods, a challenge
        self.content: bytes | None = None  # of an answer of our own that is no page, and its fields
        self.content_lines = _NO_LINES
        self.upstream: object = None
        self.balance: Balance | None = None  # which chose among several upstreams
        self.target = b""
        self.user = b""
        self.request_id = b""
        self.anew = False  # the status is an error of its own, whatever it was to be the page of
        self.elsewhere = False  # a forward proxy is asked for it
        self.local = peer.local  # the address that the request came to
        self.began = 0.0  # seconds since 1970, where a rule wants to know
        self.response: ResponseHead | None = None  # while fields of a response are edited
        self.out = _NO_LINES  # its fields, as they are by now

    def seen(self) -> State:
        """Return what is known now, for those who want to know how a decision came about."""
        found = copy.copy(self)
        found.notes = self.notes.copy()
        return found

    def note(self, name: bytes, value: bytes) -> None:
        """Set a variable."""
        if self.notes is _NO_NOTES:
            self.notes = {}
        self.notes[name] = value

    def snapshot(self) -> None:
        """Keep the request's fields: its head is about to go. From now on they may be edited."""
        head = self.head
        if head is None:
            return
        lines = combined(head.items())
        if head.absolute:
            # What the target names is the host, whatever the field says (RFC 9112 §3.2.2).
            lines = [line for line in lines if line[0].lower() != b"host"]
            lines.insert(0, (b"Host", self.host))
        self.lines = self.came = lines
        self.head = None

    def field(self, name: bytes) -> bytes:
        """Return the value of a request's field (name in lower case).

        Several that came are joined; of those that edits have added the first is meant (apr_table_get).
        """
        return self.value(fields.NUMBERS.get(name, _OTHER), name)

    def value(self, number: int, name: bytes) -> bytes:
        """Return what `field` does; its number is known already."""
        if self.lines is not None:
            for its, value in self.lines:
                if its.lower() == name:
                    return value
            return b""
        if number == _HOST:
            return self.host
        head = self.head
        if head is None:
            return b""
        if number == _OTHER:
            return b", ".join(head.named(name))
        if head.repeats >> number & 1:
            return b", ".join(head.values(number))
        return head.field(number) or b""

    def hostname(self) -> bytes:
        """Return the host without its port."""
        if self.host.endswith(b"]"):
            return self.host
        name, colon, port = self.host.rpartition(b":")
        return name if colon and port.isdigit() else self.host

    def called(self) -> bytes:
        """Return the host in lower case, without its port and without the dot that a full name may end with."""
        return self.hostname().lower().removesuffix(b".")

    def called_port(self) -> bytes:
        """Return the port that the client named, if it did."""
        return self.host[len(self.hostname()) + 1 :]


def combined(lines: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return lines with those of one name joined by a comma, in the place of the first (RFC 9110 §5.3)."""
    found: dict[bytes, int] = {}
    out: list[tuple[bytes, bytes]] = []
    for name, value in lines:
        lower = name.lower()
        at = found.get(lower, -1)
        if at < 0:
            found[lower] = len(out)
            out.append((name, value))
        else:
            out[at] = (out[at][0], out[at][1] + b", " + value)
    return out


def decoded(path: bytes, slashes: int, merge: bool) -> bytes | int:
    """Return a path decoded, without dot segments and, if `merge`, double slashes; or a status to refuse it with.

    As Apache reads one: `ap_normalize_path`, `ap_unescape_url_keep2f` (server/util.c), called by `ap_process_request_internal`.

    Args:
        path: as it was sent.
        slashes: what becomes of `%2F`: REFUSED (404), DECODED, KEPT.
        merge: whether slashes that follow each other are one.
    """
    if not path or path[0] != 0x2F:
        return path if path == b"*" else 400
    if b"%" not in path:
        if b"//" not in path and b"/." not in path:
            return path
        plain = undotted(path, merge, False)
        return 400 if plain is None else plain
    if broken(path):
        return 400
    # Dots are resolved before the rest is decoded, but those that are encoded are dots, too (AP_NORMALIZE_DECODE_UNRESERVED).
    plain = undotted(_escape(_unreserved, path), merge, False)
    if plain is None:
        return 400
    slashed = b"%2F" in plain or b"%2f" in plain
    if b"%00" in plain or (slashed and slashes == REFUSED):
        return 404
    if slashes == KEPT:
        return _escape_but_slash(_octet, plain)
    plain = _escape(_octet, plain)
    if slashed:
        # A slash that was encoded may have made a dot segment. This time Apache does not mind one above the root.
        plain = undotted(plain, merge, True)
    assert plain is not None
    return plain


def normalized(path: bytes, merge: bool) -> bytes:
    """Return a path without dot segments and, if `merge`, double slashes, in which all else stays encoded that needs to be.

    Nothing of one that cannot be read.
    """
    if path[:1] != b"/" or broken(path):
        return b""
    return undotted(_escape(_unreserved, path), merge, False) or b""


def refused(path: bytes, merge: bool) -> bytes:
    """Return what a path is known by that `decoded` refuses: as far as httpd has come with it.

    One that climbs above the root goes on there, and is not decoded, nor is one with broken escapes.
    """
    if not path or path[0] != 0x2F:
        return path
    plain = undotted(_escape(_unreserved, path), merge, True)
    assert plain is not None
    if broken(path) or undotted(_escape(_unreserved, path), merge, False) is None:
        return plain
    return _escape(_octet, plain).partition(b"\0")[0]


def _octet(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))


def _unreserved(found: re.Match[bytes]) -> bytes:
    """Decode what never needed encoding."""
    octet = int(found[1], 16)
    return bytes((octet,)) if octet in _UNRESERVED else found[0]


def undotted(path: bytes, merge: bool, stays: bool) -> bytes | None:
    """Return a path without dot segments, and without double slashes if `merge`.

    Where it climbs above the root, it is None, or, if it `stays`, goes on at the root.
    """
    if merge and b"//" in path:
        path = _slashes(b"/", path)
    if b"/." not in path:
        return path
    out: list[bytes] = []
    segments = path.split(b"/")[1:]
    last = len(segments) - 1
    for at, segment in enumerate(segments):
        if segment == b".":
            if at == last:
                out.append(b"")
        elif segment == b"..":
            if out:
                out.pop()
            elif not stays:
                return None
            if at == last:
                out.append(b"")
        else:
            out.append(segment)
    return b"/" + b"/".join(out)


_SAFE: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$-_.+!*'(),;:@&=/~"
_ENCODED: Final = [bytes((octet,)) if octet in _SAFE else b"%%%02X" % octet for octet in range(256)]
_IS_SAFE: Final = bytes(octet in _SAFE for octet in range(256))
_kept_slash: Final = re.compile(rb"(%2[Ff])").split


def encoded(path: bytes) -> bytes:
    """Return a decoded path percent-encoded, as Apache does for an upstream (`ap_proxy_canonenc`, proxy_util.c)."""
    return path if consists(path, _IS_SAFE) else b"".join([_ENCODED[octet] for octet in path])


def encoded_but_slashes(path: bytes) -> bytes | None:
    """Return a path percent-encoded whose encoded slashes were KEPT (PROXY_CANONENC_NOENCODEDSLASHENCODING).

    An octet that was `%` before it was decoded is taken for the beginning of an encoded one: without two digits it is None, and
    `%2F` behind it becomes a slash that stays encoded.
    """
    if consists(path, _IS_SAFE):
        return path
    if broken(path):
        return None
    return b"".join([part if at & 1 else encoded(part) for at, part in enumerate(_kept_slash(path))])


class Action:
    """Something that is done to the state. It answers whether the program goes on."""

    __slots__ = ()

    def act(self, state: State) -> bool:
        """Do it; False ends the program."""
        raise NotImplementedError
