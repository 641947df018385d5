"""What is decided for a request, and how: Table and Plan.

A Table is made once per configuration and listener; `Table.resolve` is the one decider. A Plan holds nothing of a
request: whatever varies is a template that an exchange fills. Knows heads and fields. Must not know dialects, rules as
they were written (it carries their numbers only), sockets, or time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.engine import fields
from perijove.engine.const import REJECT
from perijove.engine.slots import FIRST_ROUTE
from perijove.engine.target import climbs, inside, normal

if TYPE_CHECKING:
    from perijove.engine.edits import FieldOperation
    from perijove.engine.head import RequestHead
    from perijove.engine.pattern import Pattern
    from perijove.engine.peer import Peer
    from perijove.engine.program import Program
    from perijove.engine.recipe import Recipe
    from perijove.engine.routes import Dynamic
    from perijove.engine.state import State
    from perijove.engine.texts import Text

# What a template may name. Kept in step with the words of a configuration by routing.compile.
LITERAL: Final = 0
CLIENT_IP: Final = 1
CLIENT_PORT: Final = 2
PUBLIC_HOST: Final = 3  # as the client named it, port included
PUBLIC_SCHEME: Final = 4
SERVER_PORT: Final = 5
METHOD: Final = 6
TARGET: Final = 7
PATH: Final = 8
QUERY: Final = 9
REQUEST_ID: Final = 10
UPSTREAM: Final = 11  # authority of the upstream
HOSTNAME: Final = 12  # as the client named it, without port
SEARCH: Final = 13  # "?" and the query, or nothing

_HOSTS: Final = 1024  # spellings that are remembered: clients may make up any number

Template = tuple[tuple[int, bytes], ...]
Look = tuple[int, bool, "State | None"]  # at a rule: its number, whether it held, what was known


class FieldEdit:
    """A line to add: `if_absent` only where the head has no field of that name."""

    __slots__ = ("if_absent", "name", "value")

    def __init__(self, name: bytes, value: Template, if_absent: bool = False) -> None:
        self.name = name
        self.value = value
        self.if_absent = if_absent


class UrlMap:
    """A URL prefix in the upstream's words, and what the public calls it."""

    __slots__ = ("public", "upstream")

    def __init__(self, upstream: Template, public: Template) -> None:
        self.upstream = upstream
        self.public = public


class CookieMap:
    """How attributes of Set-Cookie change. None leaves one alone.

    `secure` True adds it where the client speaks https, False takes it away where it speaks http.
    """

    __slots__ = ("domain_from", "domain_to", "path_from", "path_to", "secure")

    def __init__(
        self,
        path_from: bytes | None = None,
        path_to: bytes | None = None,
        domain_from: bytes | None = None,
        domain_to: bytes | None = None,
        secure: bool | None = None,
    ) -> None:
        self.path_from = path_from
        self.path_to = path_to
        self.domain_from = domain_from
        self.domain_to = domain_to
        self.secure = secure


class Timeouts:
    """Seconds; 0 is never."""

    __slots__ = (
        "body",
        "connect",
        "handshake",
        "header",
        "keepalive",
        "linger",
        "response",
        "stream",
        "tunnel",
        "write",
    )

    def __init__(
        self,
        header: float = 10.0,
        body: float = 60.0,
        connect: float = 5.0,
        response: float = 600.0,
        stream: float = 3600.0,
        write: float = 60.0,
        keepalive: float = 75.0,
        tunnel: float = 0.0,
        handshake: float = 10.0,
        linger: float = 2.0,
    ) -> None:
        self.header = header  # a whole request head, from its first octet
        self.body = body  # between two pieces of a request's content
        self.connect = connect
        self.response = response  # from the request to the response's head
        self.stream = stream  # between two pieces of a response's content
        self.write = write  # for which a client may take nothing of what lies ready for it
        self.keepalive = keepalive  # between two requests
        self.tunnel = tunnel  # in which neither side of a tunnel says anything
        self.handshake = handshake
        self.linger = linger  # for which a refused client's further octets are read and thrown away


class Plan:
    """Everything decided for one kind of request."""

    __slots__ = (
        "activity",
        "allow",
        "always_operations",
        "always_recipe",
        "authority",
        "below",
        "body",
        "content_type",
        "cookies",
        "counted",
        "directory",
        "drop",
        "drop_names",
        "dynamic",
        "edited",
        "edits",
        "error_pages",
        "keeps_fields",
        "kind",
        "map_from",
        "map_to",
        "maps",
        "mount",
        "once",
        "overridden",
        "own",
        "own_name",
        "pages",
        "passes_trailers",
        "per_connection",
        "persistence",
        "preserve_host",
        "ranges",
        "request_operations",
        "request_recipe",
        "response_drop",
        "response_edits",
        "response_names",
        "response_operations",
        "response_recipe",
        "rules",
        "sets_host",
        "status",
        "terse",
        "timeouts",
        "upgrade",
        "upstream",
        "varies",
        "version",
    )

    def __init__(self, kind: int, timeouts: Timeouts) -> None:
        self.kind = kind
        self.timeouts = timeouts
        self.rules: tuple[int, ...] = ()
        self.counted = FIRST_ROUTE  # where in the row of counters
        # FORWARD (const.py)
        self.upstream: object = None
        self.authority = b""
        self.mount = b"/"  # the prefix of its route, normalised
        self.preserve_host = True
        self.own_name = b""  # what Host says where the client's is kept and it has none
        self.sets_host = False  # one of `edits` writes Host
        self.map_from = b""  # prefix of the path that is replaced; empty: the target goes on byte for byte
        self.map_to = b""
        self.own = fields.OWNED  # of the fields that tell of the client, those that are ours to write
        self.drop = fields.REQUEST_DROP
        self.drop_names: frozenset[bytes] = frozenset()
        self.edits: tuple[FieldEdit, ...] = ()
        self.varies = False  # an edit reads more than the connection and Host
        self.upgrade = b"websocket"  # what a handshake asks for upstream: `*` is as the client has it; empty: it is none there
        # Fields are edited one after the other, as a program has chosen, in place of the edits that stand around here.
        self.edited = False
        self.request_operations: tuple[FieldOperation, ...] = ()
        self.response_operations: tuple[FieldOperation, ...] = ()
        self.always_operations: tuple[FieldOperation, ...] = ()  # of a table that is written first, also for our own answers
        # The same for heads that have none of these fields; None if some edits are too much for that.
        self.request_recipe: Recipe | None = None
        self.response_recipe: Recipe | None = None
        self.always_recipe: Recipe | None = None
        self.passes_trailers = True  # those of the response's content
        self.per_connection = 0  # requests of a client on one connection; 0 is no limit
        self.version = b"HTTP/1.1"  # as the upstream is spoken to where fields are edited one after the other
        self.persistence = b""  # what is said upstream of the connection
        self.once = False  # that is not kept for another request
        self.ranges: tuple[int, int, int] | None = None  # how many may be made of a content (ranges.py); None: none are
        self.keeps_fields = False  # the response's edits, or a page, need the request's fields
        self.pages: dict[
            int, tuple[int, bytes | Text]
        ] = {}  # of errors, in place of our own: a kind (const.py), and what it says
        self.overridden: frozenset[int] = frozenset()  # statuses of an upstream in whose place they are given, too
        self.response_drop = fields.RESPONSE_DROP
        self.response_names: frozenset[bytes] = frozenset()
        self.response_edits: tuple[FieldEdit, ...] = ()
        self.maps: tuple[UrlMap, ...] = ()
        self.cookies: tuple[CookieMap, ...] = ()
        # RESPOND, REJECT
        self.status = 0
        self.allow: bytes | None = None  # the methods that are said with 405 and 501 where nobody has named any
        self.body: Template = ()
        # DYNAMIC, and the plans that come of it
        self.dynamic: Dynamic | None = None
        self.activity = -1  # where in the row of counters it is noted when the route was last of use; -1 is nowhere
        self.error_pages: Plan | None = None  # of whom is asked for the page of an error, below `map_to`
        self.terse = False  # who wanted a WebSocket is answered with a status, and no page
        # RESPOND, FILE
        self.content_type = b""
        # FILE
        self.directory = b""
        self.below = b""  # the path that it stands for

    def copy(self) -> Plan:
        """Return another one that is the same."""
        made = Plan(self.kind, self.timeouts)
        for name in _SLOTS:
            setattr(made, name, getattr(self, name))
        return made


_SLOTS: Final = Plan.__slots__


class Route:
    """A prefix of paths and its plan. `prefix` is matched by whole segments; b"/" matches everything."""

    __slots__ = ("exact", "plain", "plan", "prefix", "rule")

    def __init__(self, prefix: bytes, plan: Plan, rule: int = 0, exact: bool = False) -> None:
        self.prefix = prefix
        self.plain = normal(prefix) or b"/"  # to compare normalised paths with
        self.plan = plan
        self.rule = rule
        self.exact = exact


class HostTable:
    """The routes of one virtual host, in order; or a program, where they are more than paths."""

    __slots__ = ("number", "program", "routes", "single")

    def __init__(self, routes: tuple[Route, ...], program: Program | None = None, number: int = 0) -> None:
        self.number = number  # among the listener's hosts
        self.routes = routes
        self.program = program
        # One route for every path needs no look at the path, but for "..".
        self.single: Plan | None = None
        if routes and routes[0].prefix == b"/" and not routes[0].exact:
            self.single = routes[0].plan


class Table:
    """All that a listener decides by."""

    __slots__ = (
        "_begins",
        "_known",
        "_last",
        "_last_host",
        "anywhere",
        "bad",
        "bare",
        "before",
        "default",
        "failures",
        "globs",
        "missing",
        "named",
        "notes",
        "phrases",
        "spoken",
        "state",
        "unnamed",
        "wild",
    )

    def __init__(
        self,
        default: HostTable | None,
        named: dict[bytes, HostTable],
        wild: tuple[tuple[bytes, HostTable], ...],
        timeouts: Timeouts,
        before: tuple[Route, ...] = (),
        globs: tuple[tuple[Pattern, HostTable], ...] = (),
    ) -> None:
        self.before = before  # looked at first, whatever the host
        self._begins = tuple(route.prefix for route in before)
        self.default = default
        self.named = named  # lower case, without port
        self.wild = wild  # (b".example.org", …), the longest first
        self.globs = globs  # names that a pattern is found in, in order
        self.bare = any(one.program is not None for one in (default, *named.values()) if one is not None)
        # What a client is answered when an upstream fails, by the numbers of const.py, from REFUSED on.
        self.failures = (503, 503, 500, 500, 502, 502, 502) if self.bare else (503, 504, 502, 502, 502, 502, 504)
        # What is said beside these; nothing is the usual (ap_proxyerror, modules/proxy/proxy_util.c).
        self.phrases = (b"", b"", *[b"Proxy Error"] * 5) if self.bare else (b"",) * 7
        self.notes: dict[bytes, bytes] | None = None  # variables that a program is to begin with
        self.state: State | None = None  # of the last request that a program decided on
        self.missing = Plan(REJECT, timeouts)
        self.missing.status = 404
        self.anywhere = False  # there is a forward proxy
        self.spoken = b""  # the one scheme of URLs in targets that name the host; empty: those of both do (RFC 9112 §3.2.2)
        self.unnamed: tuple[tuple[bytes, HostTable], ...] = ()  # prefixes of paths that choose a host where none is named
        self.bad = Plan(REJECT, timeouts)
        self.bad.status = 400
        self._known: dict[bytes, HostTable] = {}  # where a Host led to, as it was spelt
        # What the last one led to: the next is mostly the same.
        self._last_host = b""
        self._last = self.host_of(b"")

    def resolve(self, head: RequestHead, trace: list[Look] | None = None, peer: Peer | None = None) -> Plan:
        """Return what to do with a request.

        Args:
            head: a scanned head.
            trace: gets, of each rule that was looked at, its number, whether it held, and of a program what was known then.
            peer: who sent it; of need where a program decides, which leaves what is this request's own in `state`.
        """
        path = head.path
        if head.asked and head.method == b"OPTIONS" and not self.anywhere and _names_no_path(head):
            head.path = path = b"*"  # the whole server is meant (RFC 9112 §3.2.4)
        if self.before:
            first = self._first(head, trace)
            if first is not None:
                return first
        if head.absolute and self.spoken and not self.anywhere:
            # The host of a URL is taken in lower case; that of another scheme's is none: Host says it then.
            head.host = head.host.lower() if head.asked == self.spoken else head.field(fields.HOST) or b""
            head.absolute = head.asked == self.spoken
        elif head.absolute and self.anywhere and head.asked != b"connect":
            # What a forward proxy is asked for goes on so (ap_proxy_canon_netloc).
            head.host = head.host.lower().removesuffix(b":443" if head.asked == b"https" else b":80")
        host = self.default
        if self.named or self.wild or self.globs:
            if head.host == self._last_host:
                host = self._last
            else:
                host = self._known.get(head.host)
                if host is None:
                    host = self._known_now(head.host)
                self._last_host = head.host
                self._last = host
        if self.unnamed and not head.host:
            for prefix, its in self.unnamed:
                if inside(path.partition(b"?")[0], prefix):
                    host = its
                    break
        if host is None:
            return self.missing
        if host.program is not None:
            assert peer is not None
            self.state = host.program.run(head, peer, trace, self.notes)
            assert self.state.plan is not None
            return self.state.plan
        if host.single is not None:
            if trace is not None:
                trace.append((host.routes[0].rule, True, None))
            if host.single.dynamic is not None:
                return host.single.dynamic.plan(head)
            return self.bad if not head.tidy and climbs(path) else host.single
        path = path.split(b"?", 1)[0]
        route = _match(host.routes, path, trace)
        if not head.tidy:
            # The upstream may read the path as we would if we normalised it: both must lie under the same route.
            plain = normal(path)
            if plain is None or (plain != path and _match_plain(host.routes, plain) is not route):
                return self.bad
        return self.missing if route is None else route.plan

    def _first(self, head: RequestHead, trace: list[Look] | None) -> Plan | None:
        """Return what is decided before any host is looked at, or None if nothing is."""
        path = head.path
        if path.startswith(self._begins):
            route = _match(self.before, path.split(b"?", 1)[0], trace)
            if route is not None:
                return route.plan
        if not head.tidy:
            # What the upstream may read as one of these paths is none of its own, either.
            plain = normal(path.split(b"?", 1)[0])
            if plain is not None and _match_plain(self.before, plain) is not None:
                return self.bad
        return None

    def status_of_head(self, status: int) -> int:
        """Return what a client is answered whose head is refused with a status."""
        return 400 if self.bare and status == 431 else status  # httpd knows none but 400 for too many fields, or too long ones

    def _known_now(self, host: bytes) -> HostTable | None:
        """Return what `host_of` does, and keep it for the next request."""
        found = self.host_of(host)
        if found is not None:
            if len(self._known) >= _HOSTS:
                self._known.clear()
            self._known[host] = found
        return found

    def host_of(self, host: bytes) -> HostTable | None:
        """Return the table of the virtual host that a Host leads to, if there is one."""
        name = host.lower()
        if not name.endswith(b"]"):
            head, colon, port = name.rpartition(b":")
            if colon and port.isdigit():
                name = head
        name = name.rstrip(b".")
        found = self.named.get(name)
        if found is not None:
            return found
        for suffix, its in self.wild:
            if name.endswith(suffix):
                return its
        for pattern, its in self.globs:
            if pattern.search(name) is not None:
                return its
        return self.default


def _names_no_path(head: RequestHead) -> bool:
    """Tell whether a target in absolute-form ends with its authority."""
    return len(head.target) == len(head.asked) + len(b"://") + len(head.host)


def _match(routes: tuple[Route, ...], path: bytes, trace: list[Look] | None) -> Route | None:
    for route in routes:
        holds = (path == route.prefix) if route.exact else inside(path, route.prefix)
        if trace is not None:
            trace.append((route.rule, holds, None))
        if holds:
            return route
    return None


def _match_plain(routes: tuple[Route, ...], path: bytes) -> Route | None:
    for route in routes:
        if (path == route.plain) if route.exact else inside(path, route.plain):
            return route
    return None
