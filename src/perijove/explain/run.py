"""Ask the tables about a request, and put what they say beside the rules as they were written.

Knows gateway, routing and engine. Must not know dialects, nor how an explanation is shown.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from perijove.engine import const
from perijove.engine.buffer import Buffer
from perijove.engine.exchange import Exchange
from perijove.engine.head import RequestHead
from perijove.engine.peer import Peer
from perijove.explain import choice, outcome, refusal, words
from perijove.explain.model import Considered, Explanation, InForce, Place, Refusal, Request, Value
from perijove.explain.request import head as head_of
from perijove.explain.request import parts
from perijove.gateway import actions, conditions
from perijove.gateway.conditions import Setting
from perijove.gateway.model import TcpAddress
from perijove.gateway.rules import Then
from perijove.routing import upstreams
from perijove.routing.compile import compile_table, head_limits, timeouts
from perijove.routing.conditions import SETTINGS, test
from perijove.routing.texts import text
from perijove.routing.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.engine.plan import Look, Plan, Table
    from perijove.engine.state import State
    from perijove.engine.upstream import Upstream
    from perijove.gateway.model import Gateway, Listener, Stages, VirtualHost
    from perijove.gateway.rules import Rule

_MOST: Final = 500  # rules that are told of; one that goes round in a circle is looked at thousands of times
_PORT: Final = 50000  # of the client: one that a system might choose
_SETTINGS: Final = (Setting.PRESERVE_HOST, Setting.FORWARDED_FIELDS, Setting.UPGRADES, Setting.OVERRIDE_ERRORS, Setting.PAGES)
_DEFAULTS: Final[dict[Setting, object]] = {
    Setting.PRESERVE_HOST: False,
    Setting.FORWARDED_FIELDS: True,
    Setting.OVERRIDE_ERRORS: False,
    Setting.PAGES: (),
}


@dataclass(frozen=True, slots=True)
class _Looked:
    """A rule that was looked at, and what was known then."""

    number: int
    stage: str
    rule: Rule
    held: bool
    state: State | None


class Tables:
    """The tables of a gateway, each with the program of one host: most requests are for few of the hosts that there are."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._upstreams: dict[str, Upstream] = {}
        self._made: dict[tuple[int, int | None], Table] = {}

    def of(self, listener: Listener, head: RequestHead | None = None) -> Table:
        """Return a table that decides on a request as that of the whole listener does; without one, what heads are read by."""
        only: int | None = -1
        if head is not None:
            found = self.of(listener).host_of(head.host) if head.host and not head.absolute else None
            only = None if found is None else found.number
        key = (id(listener), only)
        if key not in self._made:
            self._made[key] = self._table(listener, only)
        return self._made[key]

    def _table(self, listener: Listener, only: int | None) -> Table:
        gateway, made = self._gateway, self._upstreams
        times = timeouts(gateway.timeouts)
        for name, one in gateway.upstreams.items() if not made else ():
            made[name] = upstreams.upstream(one)
            if one.tls is not None:
                made[name].tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing is ever sent: that there is one is enough

        def find(scheme: bytes, authority: bytes, barred: bool = False) -> Upstream | None:
            # Of what is refused it does not matter here whether anybody has the name: none is looked up.
            return None if barred else upstreams.visited(scheme, authority, times)

        return compile_table(gateway, listener, made, {}, find, only=only)


def explain(gateway: Gateway, request: Request, tables: Tables | None = None, *, brief: bool = False) -> Explanation:
    """Return what would happen to a request, and why.

    Args:
        gateway: what the configuration means.
        request: what is asked about.
        tables: keeps those that were made, for whoever asks this gateway more than once.
        brief: only the rules that chose where the request goes are told of, and nothing of lines that were not reached, of
            sections, settings and variables: for whoever asks many times, of thousands of rules.
    """
    found = Explanation(request)
    listener, found.listener = choice.listener(gateway, request.url)
    head = RequestHead()
    buffer = Buffer()
    proxied = _forwards(gateway, listener) and _is_elsewhere(listener, request)
    buffer.append(head_of(request, proxied))
    if proxied:
        found.listener = replace(found.listener, why="it is a forward proxy's, which clients ask for URLs of other servers")
    tables = tables or Tables(gateway)
    table = tables.of(listener)
    verdict = head.scan(buffer, head_limits(gateway, table))
    if verdict != const.FOUND:
        _refused(found, refusal.of_head(table.status_of_head(verdict) if verdict >= 400 else 400))
        return found
    table = tables.of(listener, head)
    peer = _peer(gateway, listener, request.source)
    if listener.tls is not None:
        peer.shown = head.host.partition(b":")[0] if head.host[:1] != b"[" else b""  # addresses are not shown (RFC 6066 §3)
        peer.protocol = b"TLSv1.3"
    found.trusted = peer.trusted
    trace: list[Look] = []
    plan = table.resolve(head, trace, peer)
    hosts = listener.hosts or gateway.hosts
    at = None if listener.redirect_to is not None else table.host_of(head.host)
    host = None if at is None else hosts[at.number]
    if at is not None:
        found.host = choice.host(hosts, at.number, words.octets(head.host))
    looked = _looked(gateway, host, trace, brief)
    state = table.state if plan.edited else None
    found.rules, found.more = _considered(looked, state)
    if host is not None and not brief:
        found.unreached = _unreached(host.stages, looked)
        if state is None:
            found.rules += _of_route(host.stages, looked)
        else:
            _of_program(found, host.stages, looked, state)
    exchange = Exchange(peer)
    outcome.begun(exchange, head, plan, state)
    if plan.kind == const.CONNECT:
        found.outcome = "forwarded"
        found.summary = f"a tunnel to {words.octets(head.host)}: what is said in it is not read"
    elif plan.kind == const.FORWARD:
        _forwarded(gateway, found, exchange, head, plan, state)
    else:
        _ended(found, exchange, head, plan, host, looked)
    if found.outcome != "forwarded":
        found.rules = [one for one in found.rules if one.stage not in ("request", "response")]
    if listener.redirect_to is not None and plan.kind == const.RESPOND:
        found.summary += f": this listener leads everything to https on port {listener.redirect_to}"
    return found


def _is_elsewhere(listener: Listener, request: Request) -> bool:
    """Tell whether a URL leads to another port than the listener's: its client asks a forward proxy for it."""
    return isinstance(listener.address, TcpAddress) and parts(request.url)[2] != listener.address.port


def _forwards(gateway: Gateway, listener: Listener) -> bool:
    return any(host.stages.forwards for host in listener.hosts or gateway.hosts)


def _peer(gateway: Gateway, listener: Listener, source: str) -> Peer:
    trust = Trust(gateway.trust)
    address = listener.address
    port = address.port if isinstance(address, TcpAddress) else 0
    scheme = b"http" if listener.tls is None else b"https"
    peer = Peer(source.encode(), _PORT, scheme, port, trust("" if source == "unix:" else source), trust)
    if isinstance(address, TcpAddress):
        peer.local = _local(address.host).encode()
    return peer


def _local(host: str) -> str:
    """Return the address that a client would have come to: a loopback's, where the listener has every one."""
    try:
        found = ip_address(host)
    except ValueError:
        return "127.0.0.1"
    if found.is_unspecified:
        return "127.0.0.1" if found.version == 4 else "::1"
    return host


# ---------------------------------------------------------------------- rules


def _looked(gateway: Gateway, host: VirtualHost | None, trace: Sequence[Look], brief: bool) -> list[_Looked]:
    """Return the rules of a trace. Of a listener that redirects everything there are none.

    If it is to be `brief`, those that held and chose a route, and the last that was looked at there, held or not.
    """
    routes = () if host is None else host.stages.route
    more = [] if host is None or not host.stages.program else [*host.stages.request, *host.stages.response]
    requests = 0 if host is None else len(routes) + len(host.stages.request)
    before = gateway.before
    if brief:
        chose = [one for one in trace if one[0] < len(routes)]
        trace = [one for one in chose if one[1] or one is chose[-1]]
    found = []
    for number, held, state in trace:
        if number < 0:
            found.append(_Looked(number, "before", before[number + len(before)], held, state))
        elif number < len(routes):
            found.append(_Looked(number, "route", routes[number], held, state))
        elif more:
            stage = "request" if number < requests else "response"
            found.append(_Looked(number, stage, more[number - len(routes)], held, state))
    return found


def _considered(looked: Sequence[_Looked], state: State | None) -> tuple[list[Considered], int]:
    """Return what is told of each rule, and how many are not told of. What one line says is told once."""
    found: list[Considered] = []
    before: _Looked | None = None
    told = False  # the line that is being told of is for this request
    more = 0
    for at, one in enumerate(looked):
        after = looked[at + 1].state if at + 1 < len(looked) else state
        if one.rule.origin is None:
            continue  # nobody wrote it
        follows = before is not None and _follows(before, one)
        if follows and told:
            if one.held:
                found[-1] = _more(found[-1], one, after)
        elif follows and before is not None and not one.held and _narrows(before.rule, one.rule):
            found[-1] = _told(one, after)  # that the line is not for this request says all
        elif len(found) >= _MOST:
            more += 1
        else:
            found.append(_told(one, after))
            told = one.held
        before = one
    return found, more


def _follows(before: _Looked, one: _Looked) -> bool:
    """Tell whether a rule goes on with what a line says."""
    return before.stage == one.stage and before.number < one.number and _same(before.rule, one.rule)


def _more(told: Considered, one: _Looked, after: State | None) -> Considered:
    """Return what is told of a line with what it does besides."""
    does = _does(one.rule, one.state)
    return replace(told, does=(*told.does, *([does] if does else [])), values=(*told.values, *_changes(one, after)))


def _narrows(one: Rule, other: Rule) -> bool:
    """Tell whether a rule is for some of the requests that another one is for."""
    return one.when == other.when or (isinstance(one.when, conditions.All) and other.when in one.when.of)


def _same(one: Rule, other: Rule) -> bool:
    return one.origin is not None and other.origin is not None and str(one.origin) == str(other.origin)


def _told(one: _Looked, after: State | None) -> Considered:
    rule = one.rule
    values: list[Value] = []
    captures: tuple[str | None, ...] = ()
    if one.state is not None:
        for subject in words.subjects(rule.when):
            name = words.template(subject).removeprefix("{").removesuffix("}")
            values.append(Value(name, words.octets(text(subject).text(one.state))))
        if one.held and words.captures(rule.when):
            captures = tuple(None if each is None else words.octets(each) for each in one.state.captures)
    return Considered(
        one.stage,
        choice.place(rule.origin),
        one.held,
        words.condition(rule.when),
        (_does(rule, one.state) or _leads(rule),),
        (*values, *(_changes(one, after) if one.held else ())),
        captures,
    )


def _does(rule: Rule, state: State | None) -> str:
    """Return what a rule does, in words: what becomes of URLs is said for this request, since names and ports are looked up."""
    match rule.do:
        case actions.MapUrl(upstream=inside, public=public) | actions.ReplacePrefix(prefix=inside, public=public) if (
            state is not None
        ):
            inner, outer = (words.octets(text(each).text(state)) for each in (inside, public))
            return f"URLs: {inner} becomes {outer}"
    return words.action(rule.do)


def _leads(rule: Rule) -> str:
    """Return what a rule is for that does nothing but lead on."""
    return "nothing more" if rule.then is Then.STOP else "go on" if rule.then is Then.NEXT else "leave out what follows"


def _changes(one: _Looked, after: State | None) -> tuple[Value, ...]:
    """Return what the path, the query and the held text have become by a rule."""
    if one.state is None or after is None or not one.held:
        return ()
    pairs = (
        ("text", one.state.held, after.held),
        ("path", one.state.path, after.path),
        ("query", one.state.query or b"", after.query or b""),
    )
    return tuple(Value(f"{name} becomes", words.octets(now)) for name, then, now in pairs if then != now)


def _unreached(stages: Stages, looked: Sequence[_Looked]) -> list[Place]:
    """Return the lines of rules that would decide, and that were not looked at, each once."""
    numbers = {one.number for one in looked if one.stage == "route"}
    seen = {str(one.rule.origin) for one in looked}
    left = [
        choice.place(rule.origin)
        for number, rule in enumerate(stages.route)
        if number not in numbers and rule.origin is not None and str(rule.origin) not in seen and not _prepares(rule)
    ]
    return list(dict.fromkeys(one for one in left if one is not None))


def _prepares(rule: Rule) -> bool:
    """Tell whether a rule decides nothing by itself."""
    return isinstance(rule.do, actions.Set | actions.SetNote | actions.UnsetNote)


def _of_route(stages: Stages, looked: Sequence[_Looked]) -> list[Considered]:
    """Return the rules that go with the route that was chosen."""
    chosen = next((one.rule for one in reversed(looked) if one.held and one.stage == "route"), None)
    if chosen is None:
        return []
    return [
        _told(_Looked(0, stage, rule, True, None), None)
        for stage, rules in (("request", stages.request), ("response", stages.response))
        for rule in rules
        if rule.when == chosen.when
    ]


def _of_program(found: Explanation, stages: Stages, looked: Sequence[_Looked], state: State) -> None:
    """Add what sections, settings and variables there are."""
    for section in stages.sections:
        holds = test(section.when)
        if holds is None or holds.holds(state.seen()):
            place = choice.place(section.origin)
            assert place is not None
            found.sections.append(place)
    if state.upstream is not None and not state.status:
        for setting in _SETTINGS:
            set_by = [one for one in looked if one.held and isinstance(one.rule.do, actions.Set)]
            last = next((one.rule.origin for one in reversed(set_by) if _sets(one.rule, setting)), None)
            value = state.settings[SETTINGS[setting]]
            if last is not None or (setting in _DEFAULTS and value != _DEFAULTS[setting]) or setting is Setting.PRESERVE_HOST:
                found.settings.append(InForce(words.setting_name(setting), words.shown(setting, value), choice.place(last)))
    found.variables = [
        Value(words.octets(name), words.octets(value))
        for name, value in state.notes.items()
        if not name.startswith(b"\0")  # those are ours
    ]


def _sets(rule: Rule, setting: Setting) -> bool:
    return isinstance(rule.do, actions.Set) and rule.do.setting is setting


# ---------------------------------------------------------------------- what comes of it


def _refused(found: Explanation, why: Refusal) -> None:
    found.outcome = "refused"
    found.refusal = why
    said = f"{why.code}: {why.words}" if why.code else why.plain
    found.summary = f"refused with {why.status}: {said}"


def _forwarded(
    gateway: Gateway, found: Explanation, exchange: Exchange, head: RequestHead, plan: Plan, state: State | None
) -> None:
    limit = gateway.limits.body
    if head.method == b"TRACE" and not plan.edited:
        _refused(found, refusal.of_head(405))
        return
    if 0 < limit < head.length:
        _refused(found, refusal.of_head(413))
        return
    upgrades = exchange.upgrade
    found.sent = outcome.sent(gateway, exchange, head, plan)
    found.outcome = "forwarded"
    found.summary = f"forwarded to {found.sent.upstream}: {found.sent.line.removesuffix(' HTTP/1.1')}"
    if upgrades:
        found.summary += ", a WebSocket's handshake"
    elif head.upgrade:
        found.summary += ", a plain request: WebSockets are not passed on there"
    if not upgrades:
        found.mapped, found.added = outcome.responses(exchange, head, plan, state, found.sent)


def _ended(
    found: Explanation, exchange: Exchange, head: RequestHead, plan: Plan, host: VirtualHost | None, looked: Sequence[_Looked]
) -> None:
    """Say what is answered where nothing is forwarded."""
    found.answer = outcome.answer(exchange, head, plan)
    found.summary = f"answered with {found.answer.status}"
    found.outcome = "answered"
    location = next((value for name, value in found.answer.fields if name.lower() == "location"), "")
    if plan.kind == const.FILE:
        file = f"{words.octets(plan.directory)}/{words.octets(head.path.split(b'?', 1)[0][len(plan.below) :])}"
        if found.answer.status == 200:
            found.summary += f": the file {file}"
        else:
            _refused(found, refusal.of_file(found.answer.status, file))
    elif plan.kind == const.REJECT and plan.status >= 400:
        state = exchange.state
        if state is None or host is None:
            _refused(found, refusal.of_route(plan.status, host is not None))
        else:
            last = next((one.rule for one in reversed(looked) if one.stage == "route"), None)
            _refused(found, refusal.of_program(state, last, host.stages.reasons))
        if plan.pages.get(plan.status):
            found.summary += f" (the client sees {found.answer.status} {location})".rstrip() if location else ""
    elif location:
        found.summary += f", Location: {location}"
