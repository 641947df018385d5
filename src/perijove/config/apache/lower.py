"""What scopes mean together: a Gateway.

All of httpd's precedence is here and in the modules that this one asks, in turn: rules come out in the order in which httpd would let
them decide (`ap_process_request_internal`, server/request.c: translate, header parser, access, fixups, and mod_proxy's handler).
Knows the order. Must not know what each of them decides.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from perijove.config.apache import (
    aliases,
    files,
    fixups,
    forward,
    handlers,
    hops,
    limits,
    methods,
    passes,
    reasons,
    requests,
    rewriting,
    settings,
    translate,
    variables,
)
from perijove.config.apache.access import Access
from perijove.config.apache.directives import mod_remoteip, rewrite_phases
from perijove.config.apache.flow import Label
from perijove.config.apache.host import TRANSLATED, WALKED, Host
from perijove.config.apache.identity import SCHEME, own_asked
from perijove.config.apache.mapping import Mapper
from perijove.config.apache.responses import response_rules
from perijove.config.apache.servers import listeners_of
from perijove.config.apache.slashes import SlashFlow
from perijove.config.apache.via import via_rules
from perijove.config.apache.words import octets
from perijove.gateway.conditions import All, Always, Not, NotEmpty
from perijove.gateway.model import Gateway, Section, Stages, VirtualHost
from perijove.gateway.reasons import Fault, Reason
from perijove.gateway.rules import Nothing, Refuse, Rule, SetNote, Then, UnsetNote
from perijove.gateway.templates import Fact, Variable

if TYPE_CHECKING:
    from perijove.config.apache.scope import Scope
    from perijove.gateway.model import Upstream


def lower(server: Scope, hosts: list[Scope]) -> Gateway:
    """Return what a server with these virtual hosts means. Faults are told to the scopes' `tell`."""
    upstreams: dict[str, Upstream] = {}
    made = {id(scope): _virtual_host(Host(server, scope), upstreams) for scope in (server, *hosts)}
    return Gateway(
        listeners=listeners_of(server, hosts, made),
        hosts=(),
        upstreams=upstreams,
        limits=limits.limits([*hosts[:1], server]),  # httpd does not know yet which host a head is for, and takes the first
        timeouts=limits.timeouts(server),
    )


def _virtual_host(host: Host, upstreams: dict[str, Upstream]) -> VirtualHost:
    forward.warn_if_open(host)
    mapper = Mapper(host, upstreams)
    # Something speaks of Expect, or asks for it: else it is sent on as it comes.
    edited = any(edit.edit.name.lower() == b"expect" for one in host.merged for edit in one.request)
    expects = edited or mapper.workers.pings or mapper.balancers.pings
    via = via_rules(host.said("proxy-via", "off"), octets(host.identity.name))
    interpolates = bool(host.said("interpolate", False))
    return VirtualHost(
        names=(),
        stages=Stages(
            route=_route(host, mapper, expects),
            request=requests.rules(host, via[0], expects),
            response=(
                *rewrite_phases.answers_of(host.scope),
                *response_rules(
                    host.merged,
                    host.answered,
                    mapper.balancers.urls,
                    host.names.origin,
                    via[1],
                    interpolates,
                    mapper.balancers.tells,
                ),
            ),
            program=True,
            forwards=host.forwards,
            own=own_asked(host.scope, host.called) if host.forwards else None,
            encoded_slashes=host.encoded_slashes,
            merge_slashes=host.said("merge-slashes", True),
            per_connection=limits.per_connection(host.levels),
            ranges=True,
            undecoded=tuple(passes.undecoded(one) for one in host.levels.each("proxy-pass") if one.mapping),
            undecoded_note=passes.UNDECODED,
            allow=methods.allow(methods.ALLOWED, host.said),
            sections=tuple(Section(host.when(one), one.origin) for one in host.inner if one.origin is not None),
            reasons=_reasons(host),
        ),
        unnamed=octets(host.scope.said.get("serverpath", ("",))[0]),
        server_name=host.identity.name if "server-name" in host.scope.said else "",
        origin=host.scope.origin,
    )


def _reasons(host: Host) -> dict[Fault, Reason]:
    missing = reasons.FAULTS[Fault.NOWHERE]
    root = host.said("documentroot", ("",))[0]
    return {**reasons.FAULTS, Fault.NOWHERE: replace(missing, words=missing.words.replace("{root}", root))}


def _route(host: Host, mapper: Mapper, expects: bool) -> tuple[Rule, ...]:
    """Return what decides over a request, in httpd's order."""
    flow = SlashFlow(host.inside())
    site = rewriting.site(host, mapper)
    proxied = Label()  # it is known to whom it is sent
    translated = Label()  # it is known to be a file
    done = Label()
    begin = Label()

    # A request has been read (post_read_request).
    settings.add(flow, host, host.levels.scopes)
    methods.registered(flow, host.said)
    if host.said("sslengine") == "on":
        # ssl_hook_ReadReq (modules/ssl/ssl_engine_kernel.c)
        named = NotEmpty((Fact.NAME_SHOWN,))
        flow.add(All((named, Not(NotEmpty((Variable.HOST,))))), Refuse(400, reasons.NO_NAME), Then.STOP)
    whose = mod_remoteip.trusted(host.levels.scopes)
    if whose is not None:
        flow.add(Always(), whose)
    if host.identity.scheme:
        flow.add(Always(), SetNote(SCHEME, (host.identity.scheme.encode(),)))
    if expects:
        flow.add(hops.ASKS_FIRST, SetNote(hops.EXPECTS, (b"1",)))
    requests.early(flow, host)
    variables.add(flow, host, host.levels.scopes)
    translate.enter(flow, host)
    settings.pages(flow, host, host.locations)  # what is refused from here on has their pages already

    flow.place(begin)
    if host.keeps_url:
        flow.add(Always(), UnsetNote(WALKED))
    # Where it goes (pre_translate_name, translate_name, map_to_storage).
    forward.add(flow, host, mapper.upstreams, proxied)
    translate.encoded(flow, host, mapper, proxied)
    rewrite_phases.rules_of_server(host.scope, flow, proxied, translated, site)
    translate.decoded(flow, host, mapper, proxied)
    aliases.translate(flow, host, translated)
    flow.place(translated)
    files.place(flow, host.said)
    flow.place(proxied)
    if host.noted():
        flow.add(Always(), SetNote(TRANSLATED, (b"1",)))
    if host.keeps_url:
        flow.add(NotEmpty((Fact.DESTINATION,)), SetNote(WALKED, (Fact.DESTINATION,)))

    # What sections say of it (header_parser, access_checker, auth_checker, fixups).
    variables.of_patterns(flow, host)
    settings.add(flow, host, host.inner)
    variables.add(flow, host, host.inner)
    Access(host.merged, host.when).rules(flow)
    variables.of_tls(flow, host)
    variables.add_late(flow, host)
    forward.refusals(flow, host)
    fixups.add(flow, host, site)

    # What answers it (handler).
    hops.connections(flow)
    hops.count_down(flow, host.said)
    fixups.refusals(flow, host)
    flow.go(done, NotEmpty((Fact.DESTINATION,)))
    handlers.add(flow, host, mapper, done)
    if any(one.response for one in host.merged):  # what is said of an answer of our own sees the edited fields
        for rule in requests.edits(host):
            flow.add(rule.when, rule.do, origin=rule.origin)
    limits.contents(flow, host)
    methods.of_files(flow, methods.allow(methods.ALLOWED, host.said))
    files.indexes(flow, host, begin)
    files.fallback(flow, host, begin)
    files.serve(flow, host)
    flow.place(done)
    flow.add(Always(), Nothing(), Then.STOP)
    return tuple(methods.told(rule, host.said) for rule in flow.rules())
