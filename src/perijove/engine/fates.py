"""Actions that decide what becomes of a request: it is sent on, answered, or refused.

Knows the state of a request and what it may be answered with. Must not know conditions, nor in which order steps are taken.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from perijove.engine.head import consists
from perijove.engine.state import Action, State, encoded, encoded_but_slashes

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.engine.local import Tree
    from perijove.engine.plan import Plan
    from perijove.engine.texts import Text
    from perijove.engine.upstream import Upstream

# How a path is spelt for an upstream.
CANONICAL: Final = 0
ESCAPED: Final = 1
AS_IS: Final = 2
SLASHES: Final = 3  # canonical, but for slashes that are encoded already: where they have been kept


class Forward(Action):
    """Send it to an upstream."""

    __slots__ = ("absolute", "encoding", "origin", "path", "upstream", "whole")

    def __init__(self, upstream: Any, path: Text | None, encoding: int, whole: bool = False, named: bytes = b"") -> None:
        self.upstream = upstream
        self.origin = named or b"%b://%b" % (b"https" if upstream.tls else b"http", upstream.authority)
        self.absolute: bytes = getattr(upstream, "absolute", b"")
        self.path = path  # None: as it was sent
        self.encoding = encoding
        self.whole = whole  # the path has the query in it

    def act(self, state: State) -> bool:
        """Do it."""
        state.status = 0
        state.upstream = self.upstream
        if self.path is None:
            state.target = state.wanted
            state.origin = self.origin
            state.onward = state.raw
            return True
        path = self.path.text(state)
        state.origin = self.origin
        state.onward = path
        spelt = _spelt(path, self.encoding)
        if spelt is None:
            state.status = 400
            return False
        path = spelt
        if not path or path[0] != 0x2F:
            path = b"/" + path
        if self.whole:
            target = path
        elif spelt is state.raw and state.query is state.asked:
            target = state.wanted  # path and query are what they were
        else:
            target = path if state.query is None else path + b"?" + state.query
        # What is canonical, and a query as it came, can stand in a request line.
        if (self.encoding != CANONICAL or state.query is not state.asked) and not consists(target, _IS_TARGET):
            state.status = 403  # Apache's AH10415: what cannot stand in a request line
            return False
        state.target = self.absolute + target if self.absolute else target
        return True


# RFC 9110 §5.5 calls the upper ones obs-text; httpd lets them pass in a target that is sent as it is.
_IS_TARGET: Final = bytes(0x21 <= octet < 0x7F or octet >= 0x80 for octet in range(256))
_FIELD_OCTETS: Final = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
_ESCAPE_KEEPS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$-_.+!*'(),:@&=/~;%")
_ESCAPED: Final = [bytes((octet,)) if octet in _ESCAPE_KEEPS else b"%%%02x" % octet for octet in range(256)]


def _escaped(path: bytes) -> bytes:
    return b"".join([_ESCAPED[octet] for octet in path])


def _spelt(path: bytes, encoding: int) -> bytes | None:
    """Return a path as it goes upstream; None if it cannot be spelt so."""
    if encoding == CANONICAL:
        return encoded(path)
    if encoding == SLASHES:
        return encoded_but_slashes(path)
    return _escaped(path) if encoding == ESCAPED else path


class Anywhere(Action):
    """Send it to where a URL says."""

    __slots__ = ("encoding", "find", "url", "whole")

    def __init__(self, url: Text, encoding: int, find: Callable[[bytes, bytes], object], whole: bool = False) -> None:
        self.url = url
        self.encoding = encoding
        self.whole = whole  # the URL has the query in it
        self.find = find  # an upstream for a scheme and an authority; None if that is nonsense

    def act(self, state: State) -> bool:
        """Do it."""
        url = self.url.text(state)
        scheme, _, rest = url.partition(b"://")
        authority, slash, path = rest.partition(b"/")
        port = authority.rpartition(b"]")[2].rpartition(b":")
        named = b"?" in authority or b"#" in authority
        if port[1] and (port[2] or named) and not (port[2].isdigit() and 0 < int(port[2][:6]) < 65536):
            # What is no number is a part of a name that nobody has; with a question mark it is not even that.
            # That nobody has it is found out behind what cannot stand in a request line.
            spelt = _spelt(slash + path, self.encoding)
            odd = spelt is not None and not consists(spelt, _IS_TARGET)
            state.status = 400 if port[2].isdigit() or named else 403 if odd else 500
            return False
        if authority[:1] in (b"", b":"):  # there is no host (AH01083)
            state.status = 400
            return False
        upstream = self.find(scheme.lower(), authority.lower())
        if upstream is None:
            state.status = 500
            return False
        state.status = 0
        state.upstream = upstream
        state.origin = scheme + b"://" + authority
        state.onward = slash + path
        spelt = _spelt(slash + path or b"/", self.encoding)
        if spelt is None:
            state.status = 400
            return False
        path = spelt
        state.target = path if self.whole or state.query is None else path + b"?" + state.query
        if not consists(state.target, _IS_TARGET):
            state.status = 403
            return False
        return True


class ForwardAsked(Action):
    """Send it to where its own target says: a forward proxy's request."""

    __slots__ = ("by", "find")

    def __init__(self, find: Callable[[bytes, bytes], object], by: object) -> None:
        self.find = find  # an upstream for a scheme and an authority; None if none of them is spoken
        self.by = by  # another proxy that is asked

    def act(self, state: State) -> bool:
        """Do it."""
        state.elsewhere = True
        upstream = self.find(state.form, state.host) if self.by is None else self.by
        if upstream is None:
            state.status = 500
            return False
        state.status = 0
        state.upstream = upstream
        state.target = state.wanted
        if state.form != b"connect":
            rest = state.whole[state.whole.find(b"://") + 3 :]
            asked = rest.find(b"?")
            if asked >= 0 and b"/" not in rest[:asked]:  # there is no path, and what is made of that is no authority
                if self.by is None:
                    state.status = 400
                    return False
                state.target = rest[asked:] + b"/"
        if self.by is not None:
            # As proxy_http_canon has it.
            state.target = state.whole if state.form == b"connect" else state.form + b"://" + state.host + state.target
        state.origin = state.host if state.form == b"connect" else state.whole
        state.onward = b""
        return True


class Bar(Action):
    """Refuse what is asked of a forward proxy; whether anybody has the name of its host is asked first, if it is a name."""

    __slots__ = ("find", "refuse")

    def __init__(self, find: Callable[[bytes, bytes, bool], Upstream | None], refuse: Finish) -> None:
        self.find = find
        self.refuse = refuse

    def act(self, state: State) -> bool:
        """Do it."""
        upstream = self.find(state.form, state.host, False)
        # By way of another proxy, and of an address, there is nothing to look up.
        found = upstream is not None and upstream is state.upstream and upstream.host
        barred = self.find(state.form, state.host, True) if found else None
        if barred is None:
            return self.refuse.act(state)
        state.upstream = barred
        return True


class Finish(Action):
    """Answer with a status, and perhaps a Location; with 405 and 200, that is Allow. `phrase`: in place of the usual."""

    __slots__ = ("anew", "location", "phrase", "status")

    def __init__(self, status: int, location: Text | None, phrase: bytes, anew: bool = False) -> None:
        self.status = status
        self.anew = anew  # whatever this was to be the page of
        self.location = location
        self.phrase = phrase

    def act(self, state: State) -> bool:
        """Do it."""
        state.status = self.status
        state.anew = self.anew
        state.phrase = self.phrase
        if self.location is None:
            return False
        location = self.location.text(state)
        if location.translate(None, _FIELD_OCTETS):  # what would end a field line (RFC 9110 §5.5)
            state.status = 500
            location = b""
        state.location = location
        return False


class ServeTree(Action):
    """Answer with a file of a tree."""

    __slots__ = ("path", "tree")

    def __init__(self, path: Text, tree: Tree) -> None:
        self.path = path
        self.tree = tree

    def act(self, state: State) -> bool:
        """Do it."""
        fields = {name: value for name in _CONDITIONAL if (value := state.field(name))}
        found = self.tree.answer(self.path.text(state), fields, state.method in _READS)
        state.status = found.status
        state.content = found.content
        state.content_lines = found.lines
        if found.status == 301:
            state.location = state.scheme + b"://" + state.host + encoded(state.path) + b"/"
            if state.query is not None:
                state.location += b"?" + state.query
        return False


_CONDITIONAL: Final = (b"range", b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range")
_READS: Final = (b"GET", b"HEAD")


class Answer(Action):
    """Answer as a plan says that was made beforehand."""

    __slots__ = ("plan",)

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def act(self, state: State) -> bool:
        """Do it."""
        state.plan = self.plan
        return False


class Authenticate(Action):
    """Ask for a name and a password (RFC 7617)."""

    __slots__ = ("challenge", "right")

    def __init__(self, realm: bytes, right: Callable[[bytes, bytes], bool]) -> None:
        self.challenge = b'Basic realm="%b"' % realm.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        self.right = right  # whether a password is that of a user

    def act(self, state: State) -> bool:
        """Do it."""
        # A forward proxy asks for itself, not for the server behind it (RFC 9110 §11.7; ap_get_basic_auth_pw,
        # server/protocol.c).
        asked = b"proxy-authorization" if state.elsewhere else b"authorization"
        scheme, _, credentials = state.field(asked).partition(b" ")
        if scheme.lower() == b"basic":
            try:
                name, colon, password = base64.b64decode(credentials.strip(), validate=True).partition(b":")
            except binascii.Error:
                name = colon = password = b""
            if colon and self.right(name, password):
                state.user = name
                return True
        state.status = 407 if state.elsewhere else 401
        state.location = self.challenge
        return False
