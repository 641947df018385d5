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
    from perijove.engine.head import RequestHead

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

Template = tuple[tuple[int, bytes], ...]


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
        "authority",
        "below",
        "body",
        "content_type",
        "cookies",
        "counted",
        "directory",
        "drop",
        "drop_names",
        "edits",
        "kind",
        "map_from",
        "map_to",
        "maps",
        "mount",
        "own",
        "preserve_host",
        "response_drop",
        "response_edits",
        "response_names",
        "rules",
        "sets_host",
        "status",
        "timeouts",
        "upstream",
        "varies",
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
        self.sets_host = False  # one of `edits` writes Host
        self.map_from = b""  # prefix of the path that is replaced; empty: the target goes on byte for byte
        self.map_to = b""
        self.own = fields.OWNED  # of the fields that tell of the client, those that are ours to write
        self.drop = fields.REQUEST_DROP
        self.drop_names: frozenset[bytes] = frozenset()
        self.edits: tuple[FieldEdit, ...] = ()
        self.varies = False  # an edit reads more than the connection and Host
        self.response_drop = fields.RESPONSE_DROP
        self.response_names: frozenset[bytes] = frozenset()
        self.response_edits: tuple[FieldEdit, ...] = ()
        self.maps: tuple[UrlMap, ...] = ()
        self.cookies: tuple[CookieMap, ...] = ()
        # RESPOND, REJECT
        self.status = 0
        self.body: Template = ()
        # RESPOND, FILE
        self.content_type = b""
        # FILE
        self.directory = b""
        self.below = b""  # the path that it stands for


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
    """The routes of one virtual host, in order."""

    __slots__ = ("routes", "single")

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self.routes = routes
        # One route for every path needs no look at the path, but for "..".
        self.single: Plan | None = None
        if routes and routes[0].prefix == b"/" and not routes[0].exact:
            self.single = routes[0].plan


class Table:
    """All that a listener decides by."""

    __slots__ = ("_begins", "bad", "before", "default", "missing", "named", "wild")

    def __init__(
        self,
        default: HostTable | None,
        named: dict[bytes, HostTable],
        wild: tuple[tuple[bytes, HostTable], ...],
        timeouts: Timeouts,
        before: tuple[Route, ...] = (),
    ) -> None:
        self.before = before  # looked at first, whatever the host
        self._begins = tuple(route.prefix for route in before)
        self.default = default
        self.named = named  # lower case, without port
        self.wild = wild  # (b".example.org", …), the longest first
        self.missing = Plan(REJECT, timeouts)
        self.missing.status = 404
        self.bad = Plan(REJECT, timeouts)
        self.bad.status = 400

    def resolve(self, head: RequestHead, trace: list[int] | None = None) -> Plan:
        """Return what to do with a request.

        Args:
            head: a scanned head.
            trace: gets the number of each rule that was looked at.
        """
        path = head.path
        if self.before:
            first = self._first(path, trace)
            if first is not None:
                return first
        host = self.default
        if self.named or self.wild:
            host = self._host(head.host)
        if host is None:
            return self.missing
        if host.single is not None:
            if trace is not None:
                trace.append(host.routes[0].rule)
            if b".." in path or b"%2" in path:
                return self.bad if climbs(path) else host.single
            return host.single
        path = path.split(b"?", 1)[0]
        route = _match(host.routes, path, trace)
        if b"%" in path or b"/." in path or b"//" in path:
            # The upstream may read the path as we would if we normalised it: both must lie under the same route.
            plain = normal(path)
            if plain is None or (plain != path and _match_plain(host.routes, plain) is not route):
                return self.bad
        return self.missing if route is None else route.plan

    def _first(self, path: bytes, trace: list[int] | None) -> Plan | None:
        """Return what is decided before any host is looked at, or None if nothing is."""
        if path.startswith(self._begins):
            route = _match(self.before, path.split(b"?", 1)[0], trace)
            if route is not None:
                return route.plan
        if b"%" in path or b"/." in path or b"//" in path:
            # What the upstream may read as one of these paths is none of its own, either.
            plain = normal(path.split(b"?", 1)[0])
            if plain is not None and _match_plain(self.before, plain) is not None:
                return self.bad
        return None

    def _host(self, host: bytes) -> HostTable | None:
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
        return self.default


def _match(routes: tuple[Route, ...], path: bytes, trace: list[int] | None) -> Route | None:
    for route in routes:
        if trace is not None:
            trace.append(route.rule)
        if (path == route.prefix) if route.exact else inside(path, route.prefix):
            return route
    return None


def _match_plain(routes: tuple[Route, ...], path: bytes) -> Route | None:
    for route in routes:
        if (path == route.plain) if route.exact else inside(path, route.plain):
            return route
    return None
