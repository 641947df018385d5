"""Make the tables that an engine decides by.

All that can be decided without a request is decided here, once: which fields a route drops and adds, what of an upstream's URLs
and cookies changes, in which order prefixes are looked at.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from perijove.engine import const, fields, plan, slots
from perijove.engine.head import Limits
from perijove.gateway import rules
from perijove.gateway.model import Stages, VirtualHost
from perijove.gateway.rules import Operation, Variable
from perijove.routing import program as programs
from perijove.routing.texts import pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perijove.engine.pattern import Pattern
    from perijove.engine.upstream import Upstream
    from perijove.gateway.model import Gateway, Listener, Timeouts
    from perijove.routing.dynamic import Destinations
    from perijove.routing.steps import Find

_VARIABLES: Final[dict[object, int]] = {
    Variable.CLIENT_IP: plan.CLIENT_IP,
    Variable.CLIENT_PORT: plan.CLIENT_PORT,
    Variable.HOST: plan.PUBLIC_HOST,
    Variable.HOSTNAME: plan.HOSTNAME,
    Variable.SCHEME: plan.PUBLIC_SCHEME,
    Variable.SERVER_PORT: plan.SERVER_PORT,
    Variable.METHOD: plan.METHOD,
    Variable.TARGET: plan.TARGET,
    Variable.PATH: plan.PATH,
    Variable.QUERY: plan.QUERY,
    Variable.SEARCH: plan.SEARCH,
    Variable.REQUEST_ID: plan.REQUEST_ID,
    Variable.UPSTREAM: plan.UPSTREAM,
}
_NOBODY: Final = VirtualHost(names=(), stages=Stages(program=True))
_EVERYWHERE: Final = ("*",)  # the names of the host that has no name
# What stays the same for all requests of a connection with the same Host (see exchange.Peer).
_STEADY: Final = frozenset(
    (Variable.CLIENT_IP, Variable.CLIENT_PORT, Variable.HOST, Variable.HOSTNAME, Variable.SCHEME, Variable.SERVER_PORT)
)


def timeouts(written: Timeouts) -> plan.Timeouts:
    """Return them as the engine has them."""
    return plan.Timeouts(
        header=written.header,
        body=written.body,
        connect=written.connect,
        response=written.response,
        stream=written.stream,
        write=written.write,
        keepalive=written.keepalive,
        tunnel=written.tunnel,
        handshake=written.handshake,
        linger=written.linger,
    )


def head_limits(gateway: Gateway, table: plan.Table) -> Limits:
    """Return how large heads of requests may be, and how strictly they are read, for a table of the gateway's."""
    written = gateway.limits
    return Limits(
        written.request_line,
        written.header,
        written.fields,
        table.anywhere or table.bare,
        written.field,
        written.empty_lines,
        gateway.routing is not None,
        written.clear_hosts,
    )


def template(written: rules.Template) -> plan.Template:
    """Return a template with numbers for variables."""
    return tuple((plan.LITERAL, part) if isinstance(part, bytes) else (_VARIABLES[part], b"") for part in written)


def compile_table(
    gateway: Gateway,
    listener: Listener,
    upstreams: Mapping[str, Upstream],
    counted: Mapping[str, int],
    find: Find = programs.nowhere,
    destinations: Destinations | None = None,
    only: int | None = None,
) -> plan.Table:
    """Return the table of one listener.

    Args:
        gateway: what is meant.
        listener: one of its listeners.
        upstreams: the engine's upstreams, by the names that the gateway uses.
        counted: where routes are counted, by their labels; see `labels`.
        find: an upstream for a scheme and an authority that a request names.
        destinations: what routes that come and go lead to.
        only: the number of the one host that requests will be for, or -1: of the others, programs are left out.
    """
    times = timeouts(gateway.timeouts)
    hosts = listener.hosts or gateway.hosts
    before = _routes(_EVERYWHERE, Stages(route=gateway.before), upstreams, times, counted, -len(gateway.before))
    if listener.redirect_to is not None:
        return plan.Table(_to_https(listener.redirect_to, times), {}, (), times, before)
    default: plan.HostTable | None = None
    named: dict[bytes, plan.HostTable] = {}
    wild: list[tuple[bytes, plan.HostTable]] = []
    globs: list[tuple[Pattern, plan.HostTable]] = []
    tables: dict[int, plan.HostTable] = {}
    nobody: plan.HostTable | None = None
    for number, host in enumerate(hosts):
        if host.stages.program:
            # A host may stand here twice: by its names, and as the one for all others.
            key = id(host.stages)
            table = tables.get(key)
            if table is None and (only is None or only == number):
                table = programs.host_table(host, upstreams, times, counted.get(_name(host), slots.FIRST_ROUTE), find, number)
            elif table is None:
                nobody = nobody or programs.host_table(_NOBODY, upstreams, times, slots.FIRST_ROUTE, find)
                table = plan.HostTable((), nobody.program, number)
            tables[key] = table
        else:
            table = plan.HostTable(_routes(host.names, host.stages, upstreams, times, counted), None, number)
        globs += [(pattern(one), table) for one in host.patterns]
        for name in host.names:
            if name == "*":
                default = table
            elif name.startswith("*."):
                wild.append((name[1:].encode(), table))
            else:
                named[name.encode()] = table
    wild.sort(key=lambda one: -len(one[0]))
    made = plan.Table(default, named, tuple(wild), times, before, tuple(globs))
    if destinations is not None:
        for its in dict.fromkeys((default, *named.values(), *(one for _, one in wild))):
            for route in () if its is None else its.routes:
                if route.plan.kind == const.DYNAMIC:
                    route.plan.dynamic = destinations.dynamic(route.plan, made.bad)
                    made.failures = (503, 503, 503, 503, 503, 503, 503)  # as configurable-http-proxy has it for all of them
    made.spoken = listener.spoken
    made.unnamed = tuple(
        (host.unnamed, tables[id(host.stages)])
        for host in hosts
        if host.unnamed and host.names != ("*",) and host.stages.program
    )
    made.anywhere = any(host.stages.forwards for host in hosts)
    return made


def _to_https(port: int, times: plan.Timeouts) -> plan.HostTable:
    public: rules.Template = (b"https://", Variable.HOSTNAME, b"" if port == 443 else b":%d" % port, Variable.TARGET)
    return plan.HostTable((plan.Route(b"/", _redirect(308, public, times)),))


def _redirect(status: int, location: rules.Template, times: plan.Timeouts) -> plan.Plan:
    made = plan.Plan(const.RESPOND, times)
    made.status = status
    made.response_edits = (plan.FieldEdit(b"Location", template(location)),)
    return made


def labels(gateway: Gateway) -> list[str]:
    """Return what the routes are called where they are counted, each name once: the path, or the first host's name and it."""
    found = [_label(_EVERYWHERE, rule) for rule in gateway.before]
    every = [*gateway.hosts, *(host for listener in gateway.listeners for host in listener.hosts)]
    found += [_label(host.names, rule) for host in every for rule in host.stages.route if not host.stages.program]
    found += [_name(host) for host in every if host.stages.program]
    return list(dict.fromkeys(found))


def _name(host: VirtualHost) -> str:
    return f"{host.server_name or 'the main server'}/"


def _label(names: tuple[str, ...], rule: rules.Rule) -> str:
    name = "" if names == _EVERYWHERE else names[0]
    return name + _prefix(rule.when).decode("ascii", "backslashreplace")


def _routes(
    names: tuple[str, ...],
    stages: Stages,
    upstreams: Mapping[str, Upstream],
    times: plan.Timeouts,
    counted: Mapping[str, int],
    first: int = 0,
) -> tuple[plan.Route, ...]:
    """Return the routes of a host, or of all; `first` is the number of the first rule."""
    routes = tuple(_route(number, rule, stages, upstreams, times) for number, rule in enumerate(stages.route, first))
    for route, rule in zip(routes, stages.route, strict=True):
        route.plan.counted = counted.get(_label(names, rule), slots.FIRST_ROUTE)
    return routes


def _route(
    number: int, rule: rules.Rule, stages: Stages, upstreams: Mapping[str, Upstream], times: plan.Timeouts
) -> plan.Route:
    action = rule.do
    made: plan.Plan
    match action:
        case rules.Redirect(status, location):
            made = _redirect(status, location, times)
        case rules.Respond(status, content_type, body):
            made = plan.Plan(const.RESPOND, times)
            made.status = status
            made.content_type = content_type.encode()
            made.body = template(body)
        case rules.ServeFile(directory, content_type):
            made = plan.Plan(const.FILE, times)
            made.directory = os.fsencode(directory)
            made.below = _prefix(rule.when)
            made.content_type = content_type.encode()
        case rules.Forward(name, mapping, preserve_host):
            made = plan.Plan(const.FORWARD, times)
            made.upstream = upstreams[name]
            made.authority = upstreams[name].authority
            made.preserve_host = preserve_host
            if mapping is not None:
                made.map_from = mapping.public
                made.map_to = mapping.upstream
        case rules.ForwardDynamic():
            made = plan.Plan(const.DYNAMIC, times)
        case other:
            raise TypeError(f"{other!r} does not choose a route")
    made.rules = (number,)
    _request(made, [one.do for one in stages.request if one.when == rule.when])
    _response(made, [one.do for one in stages.response if one.when == rule.when])
    route = plan.Route(_prefix(rule.when), made, number, exact=isinstance(rule.when, rules.PathIs))
    if isinstance(rule.when, rules.PathPrefix):
        made.mount = route.plain
    return route


def _prefix(when: rules.Condition) -> bytes:
    match when:
        case rules.Always():
            return b"/"
        case rules.PathPrefix(path) | rules.PathIs(path):
            return path
    raise TypeError(f"{when!r} is no path")


def _request(made: plan.Plan, actions: list[rules.Action]) -> None:
    drop, names, edits = _edits(actions)
    made.drop |= drop
    made.drop_names = names
    # A field that is set by hand is not ours to write any more.
    made.own = fields.OWNED & ~drop
    made.edits = edits
    made.sets_host = bool(drop >> fields.HOST & 1)
    made.varies = any(edit.if_absent for edit in edits) or any(
        isinstance(part, Variable) and part not in _STEADY
        for action in actions
        if isinstance(action, rules.EditField)
        for part in action.value
    )


def _response(made: plan.Plan, actions: list[rules.Action]) -> None:
    drop, names, edits = _edits(actions)
    made.response_drop |= drop
    made.response_names = names
    made.response_edits += edits
    made.maps = tuple(
        plan.UrlMap(template(action.upstream), template(action.public))
        for action in actions
        if isinstance(action, rules.MapUrl)
    )
    made.cookies = tuple(
        plan.CookieMap(action.path_from, action.path_to, action.domain_from, action.domain_to, action.secure)
        for action in actions
        if isinstance(action, rules.MapCookie)
    )


def _edits(actions: list[rules.Action]) -> tuple[int, frozenset[bytes], tuple[plan.FieldEdit, ...]]:
    drop = 0
    names: set[bytes] = set()
    edits: list[plan.FieldEdit] = []
    for action in actions:
        if not isinstance(action, rules.EditField):
            continue
        if action.operation in (Operation.SET, Operation.REMOVE):
            number = fields.NUMBERS.get(action.name.lower(), fields.OTHER)
            if number == fields.OTHER:
                names.add(action.name.lower())
            else:
                drop |= 1 << number
            edits = [edit for edit in edits if edit.name.lower() != action.name.lower()]
        if action.operation is not Operation.REMOVE:
            edits.append(plan.FieldEdit(action.name, template(action.value), action.operation is Operation.DEFAULT))
    return drop, frozenset(names), tuple(edits)
