"""Routes and paths: what is found is what a plain look at all of them finds, and a path is forwarded under the route it was found by.

How an upstream reads the path does not matter: as it is, or decoded, with its dot segments and empty segments taken out.
"""

from __future__ import annotations

from typing import Final

from tests import reader
from tests.fuzz import tables
from tests.fuzz.target import Outcome, Target

from perijove.engine.buffer import Buffer
from perijove.engine.const import FORWARD, FOUND, REJECT
from perijove.engine.exchange import Exchange
from perijove.engine.head import Limits, RequestHead
from perijove.engine.plan import HostTable, Plan, Route, Table, Timeouts
from perijove.engine.request import write_request
from perijove.engine.routes import Dynamic, Routes
from perijove.engine.routes import Target as Leads
from perijove.engine.target import climbs, inside, normal, past, unescaped

_MOST: Final = 12  # routes
_TIMES: Final = Timeouts()


def _model_normal(path: bytes) -> bytes | None:
    """RFC 3986 §5.2.4 and §6.2.2, with slashes decoded and merged: written anew, octet by octet."""
    decoded, at = bytearray(), 0
    while at < len(path):
        digits = path[at + 1 : at + 3]
        if path[at] == 0x25 and len(digits) == 2 and all(chr(one) in "0123456789abcdefABCDEF" for one in digits):
            decoded.append(int(digits, 16))
            at += 3
        else:
            decoded.append(path[at])
            at += 1
    parts: list[bytes] = []
    segments = bytes(decoded).split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            if not parts:
                return None
            parts.pop()
        elif segment not in (b"", b"."):
            parts.append(segment)
    ends = not segments or segments[-1] in (b"", b".", b"..")
    return b"/" + b"/".join(parts) + (b"/" if ends and parts else b"")


def _under(path: bytes, prefix: bytes) -> bool:
    """Tell whether a path lies under a prefix by whole segments, segment by segment."""
    if prefix.endswith(b"/"):
        return path.startswith(prefix)
    one, other = path.split(b"/"), prefix.split(b"/")
    return one[: len(other)] == other


def _normalises(path: bytes) -> bytes | None:
    plain = normal(path)
    assert plain == _model_normal(path), (path, plain)
    assert b"?" in path or climbs(path) == (plain is None and path.startswith(b"/"))
    if plain is not None and b"%" not in plain:
        assert normal(plain) == plain, "normalised twice is not normalised once"
    return plain


def _head(path: bytes) -> RequestHead | None:
    head, buffer = RequestHead(), Buffer()
    buffer.append(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    return head if head.scan(buffer, Limits()) == FOUND and path.startswith(b"/") else None


def _sent(head: RequestHead, plan: Plan) -> bytes:
    exchange, out = Exchange(tables.peer(False, False)), Buffer()
    exchange.begin(head, plan)
    write_request(exchange, head, out)
    return reader.request(out.copy()).first[1]


def _plan(number: int, prefix: bytes, mapped: bytes) -> Plan:
    made = Plan(FORWARD, _TIMES)
    made.counted = number
    made.authority = b"up"
    if mapped:
        made.map_from, made.map_to = prefix, mapped
    return made


def _static(prefixes: list[bytes], mapped: bytes, head: RequestHead, path: bytes) -> object:
    """The first route that fits is taken; with `..` and escapes only if both readings lie under it."""
    routes = tuple(Route(prefix, _plan(number, prefix, mapped), number) for number, prefix in enumerate(prefixes))
    table = Table(HostTable(routes), {}, (), _TIMES)
    plan = table.resolve(head)
    first = next((route for route in routes if _under(path, route.prefix)), None)
    assert all(inside(path, route.prefix) == _under(path, route.prefix) for route in routes)
    plain = _normalises(path)
    if plan.kind == REJECT:
        assert plan is table.bad or first is None or plain is None
        if plan is table.missing:
            assert first is None
        else:
            assert plain is None or plain != path
        return plan.status
    assert first is not None
    assert plan is first.plan
    assert plain is not None
    target = _sent(head, plan)
    if not mapped:
        assert target == head.path, "the target was changed"
    # Whatever an upstream makes of it, it lies under what the route leads to.
    home = first.prefix if not mapped else b"/" + mapped.lstrip(b"/")
    read = _model_normal(target.split(b"?")[0])
    assert read is not None
    assert _under(read + b"/", (_model_normal(home) or b"/").rstrip(b"/") + b"/"), (target, read, home)
    return first.rule, target


def _dynamic(prefixes: list[bytes], head: RequestHead, path: bytes) -> object:
    """The longest prefix by whole segments is taken: as a look at all of them finds it."""
    routes, there = Routes(), {}
    for number, prefix in enumerate(prefixes):
        key = prefix.rstrip(b"/")
        if number % 5 == 4 and there:  # some go again
            gone = sorted(there)[number % len(there)]
            assert routes.remove(gone) is there.pop(gone)
            assert routes.remove(gone) is None
        before = routes.put(target := Leads(key, "http://up"))
        assert before is there.get(key)
        there[key] = target
    assert routes.deepest == max((key.count(b"/") for key in there), default=0)

    def longest(decoded: bytes) -> Leads | None:
        fits = [key for key in there if key == b"" or _under(decoded, key)]
        return there[max(fits, key=len)] if fits else None

    plain = _normalises(path)
    for one in (path, unescaped(path), plain or b"/"):
        assert routes.find(one) is longest(one), (one, sorted(there))
    missing, bad = Plan(REJECT, _TIMES), Plan(REJECT, _TIMES)

    def make(pattern: Plan, target: Leads) -> Plan:
        made = pattern.copy()
        made.kind = FORWARD
        made.map_from, made.map_to = target.prefix, b"/base" if target.prefix else b""
        return made

    dynamic = Dynamic(routes, _plan(0, b"", b""), missing, bad, make)
    plan = dynamic.plan(head)
    if plan is missing or plan is bad:
        return plan is bad
    assert plain is not None
    found = longest(unescaped(path))
    assert found is not None
    assert longest(plain) is found, "an upstream that normalises would find another route"
    assert plan is dynamic.plan(head)
    if found.prefix:
        rest = past(path, found.prefix)
        assert unescaped(path) == found.prefix + unescaped(rest)
        assert _sent(head, plan).startswith(b"/base")
    return found.prefix


def check(octets: bytes) -> Outcome:
    """Lines: prefixes, the last one is the path of a request."""
    *given, path = octets.split(b"\n")[:_MOST]
    mapped = b""
    if given and given[0].startswith(b">"):
        mapped = given.pop(0)[1:]
    prefixes = [one for one in given if one.startswith(b"/") and b"?" not in one]
    head = _head(path)
    if head is None:
        _normalises(b"/" + path)
        return ("no path",)
    bare = head.path.split(b"?", 1)[0]
    assert head.tidy == (b"%" not in bare and b"//" not in bare and b"/." not in bare)
    # Prefixes of a configuration are plain: values.py refuses others. Those of the API are decoded already.
    plain = [one for one in prefixes if _model_normal(one) == one and _head(one) is not None]
    to = (
        mapped
        if mapped.startswith(b"/") and b"?" not in mapped and _model_normal(mapped) == mapped and _head(mapped) is not None
        else b""
    )
    if len({one.endswith(b"/") for one in [to, *plain]}) > 1:
        to = b""  # both end in a slash, or neither: lower.py refuses what does not
    static = _static(plain, to, head, bare)
    dynamic = _dynamic(prefixes, head, bare)
    return "refused" if static in (400, 404) else "found", static, dynamic


_SEEDS: Final = (
    b"/user/\n/\n/user/x/lab?a=b",
    b"/a\n/a/b\n/a/b/\n/a/b/c",
    b">/new/\n/old/\n/old/a%2Fb",
    b">/new\n/old\n/old/../x",
    b"/a\n/a/%2e%2e/b",
    b"/user/x y\n/user/x%20y/..%2fz",
    b"/a/b/c\n/a\n/b\n/a/b\n/c\n//a/./b//c/..",
    b">/\n/a/\n/a/%252e%252e/",
)
_WORDS: Final = (
    b"\n", b"/", b"//", b"/.", b"/..", b"/../", b"%2e", b"%2E%2e", b"%2f", b"%5c", b"\\", b"%25", b"%", b"%0", b"%00", b"?", b"#", b";", b"/a", b"/b",
    b"/user/", b"/user", b">/", b">/x/y", b"%41", b"a", b"\xff", b"%ff", b"%c0%ae",
)  # fmt: skip

TARGET: Final = Target("routes", check, _SEEDS, _WORDS, ("found", "refused", "no path"), count=8000)
