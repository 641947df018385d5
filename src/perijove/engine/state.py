"""What rules see and change while they decide on one request.

Knows a head, a peer, and the path as it becomes. Must not know rules, sockets or where a request goes.
"""

from __future__ import annotations

import copy
import re
import time
from typing import TYPE_CHECKING, Final

from perijove.engine import fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.engine.exchange import Peer
    from perijove.engine.head import RequestHead, ResponseHead
    from perijove.engine.plan import Plan

# What becomes of encoded slashes in a path (Apache's AllowEncodedSlashes).
REFUSED: Final = 0
DECODED: Final = 1
KEPT: Final = 2

_plain: Final = re.compile(rb"/(?:[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9_~!$&'()*+,;=:@.-]*/?)*\Z").match
_escape: Final = re.compile(rb"%(..)?", re.DOTALL).sub
_encoded_slashes: Final = re.compile(rb"(%2[Ff])").split
_slashes: Final = re.compile(rb"//+").sub


class State:
    """One request on its way through the rules. Whoever runs them makes one and begins it for each."""

    __slots__ = (
        "address",
        "began",
        "captures",
        "counts",
        "destination",
        "head",
        "held",
        "host",
        "inside",
        "kept",
        "lines",
        "local",
        "location",
        "notes",
        "path",
        "peer",
        "plan",
        "query",
        "raw",
        "response",
        "scheme",
        "selected",
        "settings",
        "status",
        "target",
        "upstream",
        "user",
    )

    def __init__(self) -> None:
        self.head: RequestHead = None  # type: ignore[assignment]
        self.peer: Peer = None  # type: ignore[assignment]
        self.response: ResponseHead | None = None  # while fields of a response are edited
        self.address = b""  # of the client
        self.scheme = b""
        self.host = b""  # as the client named it, port included
        self.lines: list[tuple[bytes, bytes]] | None = None  # the request's fields, when its head is gone
        self.raw = b""  # the path as it was sent
        self.path = b""  # decoded, without dots and double slashes; rewriting changes it
        self.query: bytes | None = None
        self.held = b""  # a text that rules work on
        self.destination = b""  # the URL it is sent to, its path not yet encoded
        self.counts: dict[bytes, int] = {}
        self.notes: dict[bytes, bytes] = {}
        self.captures: tuple[bytes | None, ...] = ()
        self.kept: tuple[bytes | None, ...] = ()
        self.settings: list[object] = []
        self.selected = 0  # edits that are to be made, as bits
        self.plan: Plan | None = None
        self.status = 0
        self.location = b""
        self.upstream: object = None
        self.target = b""
        self.user = b""
        self.inside = False  # it stands for the page of an error, which has none of its own
        self.local = b""  # the address that the request came to
        self.began = time.time_ns() // 1000  # microseconds since 1970

    def begin(self, head: RequestHead, peer: Peer, settings: list[object]) -> None:
        """Stand for another request."""
        self.head = head
        self.peer = peer
        self.response = None
        self.address = peer.address
        self.scheme = peer.scheme
        self.host = head.host
        path, mark, query = head.path.partition(b"?")
        self.raw = path
        self.path = path
        self.query = query if mark else None
        self.held = b""
        self.destination = b""
        self.counts = {}
        self.notes = {}
        self.captures = ()
        self.kept = ()
        self.settings = settings.copy()
        self.selected = 0
        self.plan = None
        self.status = 0
        self.location = b""
        self.upstream = None
        self.target = b""
        self.user = b""

    def seen(self) -> State:
        """Return what is known now, for those who want to know how a decision came about."""
        found = copy.copy(self)
        found.notes = self.notes.copy()
        found.settings = self.settings.copy()
        return found

    def snapshot(self) -> None:
        """Keep the request's fields: its head is about to go."""
        if self.lines is None:
            self.lines = combined(self.head.items())

    def field(self, name: bytes) -> bytes:
        """Return the value of a request's field (name in lower case); several are joined."""
        if self.lines is not None:
            return b", ".join(value for its, value in self.lines if its.lower() == name)
        number = fields.NUMBERS.get(name, fields.OTHER)
        values = self.head.named(name) if number == fields.OTHER else self.head.values(number)
        return values[0] if len(values) == 1 else b", ".join(values)

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
        at = found.get(lower)
        if at is None:
            found[lower] = len(out)
            out.append((name, value))
        else:
            out[at] = (out[at][0], out[at][1] + b", " + value)
    return out


def decoded(path: bytes, slashes: int, merge: bool) -> bytes | int:
    """Return a path decoded, with dot segments resolved and, if `merge`, double slashes merged; or a status to refuse it with.

    As Apache reads one: `ap_normalize_path`, `ap_unescape_url_keep2f` (server/util.c), called from `ap_process_request_internal`.

    Args:
        path: as it was sent.
        slashes: what becomes of `%2F`: REFUSED (404), DECODED, KEPT.
        merge: whether slashes that follow each other are one.
    """
    if _plain(path):
        return path
    if not path.startswith(b"/"):
        return path if path == b"*" else 400
    if b"%" in path:
        verdict = 0

        def unescape(found: re.Match[bytes]) -> bytes:
            nonlocal verdict
            try:
                octet = int(found[1] or b"x", 16)
            except ValueError:
                verdict = 400
                return b""
            if octet == 0:
                verdict = verdict or 404
            if octet == 0x2F:
                if slashes == REFUSED:
                    verdict = verdict or 404
                elif slashes == KEPT:
                    return found[0]
            return bytes((octet,))

        # Dots are resolved before the rest is decoded, but those that are encoded are dots, too (AP_NORMALIZE_DECODE_UNRESERVED).
        path = _escape(_unreserved, path)
        plain = undotted(path, merge)
        if plain is None:
            return 400
        path = _escape(unescape, plain)
        if verdict:
            return verdict
        return path
    plain = undotted(path, merge)
    return 400 if plain is None else plain


def _unreserved(found: re.Match[bytes]) -> bytes:
    """Decode what never needed encoding (RFC 3986 §2.3)."""
    try:
        octet = int(found[1] or b"x", 16)
    except ValueError:
        return found[0]
    return bytes((octet,)) if chr(octet).isascii() and (chr(octet).isalnum() or octet in b"-._~") else found[0]


def undotted(path: bytes, merge: bool) -> bytes | None:
    """Return a path without dot segments, and without double slashes if `merge`; None if it climbs above the root."""
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
            if not out:
                return None
            out.pop()
            if at == last:
                out.append(b"")
        else:
            out.append(segment)
    return b"/" + b"/".join(out)


_SAFE: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$-_.+!*'(),;:@&=/~")
_ENCODED: Final = [bytes((octet,)) if octet in _SAFE else b"%%%02X" % octet for octet in range(256)]


def encoded(path: bytes) -> bytes:
    """Return a decoded path percent-encoded, as Apache does for an upstream (`ap_proxy_canonenc`, modules/proxy/proxy_util.c)."""
    return path if _plain(path) else b"".join([_ENCODED[octet] for octet in path])


def encoded_but_slashes(path: bytes) -> bytes:
    """Return a path percent-encoded whose slashes were left encoded (Apache's AllowEncodedSlashes NoDecode): they stay so."""
    return b"".join([one if at & 1 else encoded(one) for at, one in enumerate(_encoded_slashes(path))])
