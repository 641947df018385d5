"""What scopes mean together: a Gateway.

All of httpd's precedence is here and nowhere else: rules come out in the order in which httpd would let them decide
(`ap_process_request_internal`, server/request.c: translate, header parser, access, fixups, and mod_proxy's handler).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from perijove.config.apache import answers, files, reasons
from perijove.config.apache.access import Access, both
from perijove.config.apache.directives import mod_remoteip
from perijove.config.apache.directives.mod_proxy import url_of
from perijove.config.apache.directives.mod_rewrite import Site, answers_of, rules_of_section, rules_of_server
from perijove.config.apache.directives.rewrite_text import own_names
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.forward import IS_FORWARD, Remote, own_urls, refusals, remote_when, rules_of_forward
from perijove.config.apache.hops import ASKS_FIRST, EXPECTS, connections, count_down, expectations, max_forwards, traces
from perijove.config.apache.identity import SCHEME, identity, own_url
from perijove.config.apache.mapping import UNDECODED, Mapper
from perijove.config.apache.patterns import compiled
from perijove.config.apache.responses import response_rules
from perijove.config.apache.scope import Kind, Scope, ifs
from perijove.config.apache.servers import listeners_of
from perijove.config.apache.via import via_rules
from perijove.gateway.conditions import (
    All,
    Always,
    Condition,
    Groups,
    HasNote,
    Never,
    Not,
    NotEmpty,
    PathPrefix,
    Setting,
    SettingIs,
)
from perijove.gateway.conditions import Any as Any_
from perijove.gateway.model import Gateway, Limits, Section, Stages, Timeouts, VirtualHost
from perijove.gateway.reasons import Fault, Reason
from perijove.gateway.rules import (
    Action,
    EditField,
    Encoding,
    ForwardAnywhere,
    ForwardTo,
    Nothing,
    Operation,
    Refuse,
    Rule,
    Set,
    SetNote,
    Template,
    Then,
    UnsetNote,
)
from perijove.gateway.templates import Fact, RequestField, Variable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.gateway.model import Upstream
    from perijove.text.source import Span

_EMPTY_LINES: Final = 10  # before a request (DEFAULT_LIMIT_BLANK_LINES, server/protocol.c)
_MOST_FIELDS: Final = 1000  # of a head, where httpd is told that there is no limit
_LARGEST_HEAD: Final = 1 << 17  # octets
_TIMEOUT: Final = 60.0  # core's Timeout, unless it says otherwise


def lower(server: Scope, hosts: list[Scope]) -> Gateway:
    """Return what a server with these virtual hosts means. Faults are told to the scopes' `tell`."""
    upstreams: dict[str, Upstream] = {}
    made: dict[int, VirtualHost] = {}
    for scope in (server, *hosts):
        made[id(scope)] = _Host(server, scope, upstreams).virtual_host()
    listeners = listeners_of(server, hosts, made)
    timeout = server.said.get("timeout", _TIMEOUT)
    return Gateway(
        listeners=listeners,
        hosts=(),
        upstreams=upstreams,
        limits=_limits([*hosts[:1], server]),
        timeouts=Timeouts(
            header=20.0,
            body=timeout,
            connect=timeout,
            response=timeout,
            stream=timeout,
            write=timeout,
            keepalive=float(server.said.get("keepalivetimeout", ("5",))[0]),
            tunnel=max(timeout, server.said.get("proxytimeout", 0.0)),
        ),
    )


def _limits(scopes: Sequence[Scope]) -> Limits:
    """What a head may have. httpd does not know yet which virtual host it is for, and takes the first one's word."""

    def said(name: str, default: int) -> int:
        return next((_count(one.said[name][0]) for one in scopes if name in one.said), default)

    # server/core.c: DEFAULT_LIMIT_REQUEST_LINE, _FIELDSIZE, _FIELDS; a line's method and version count with its target.
    line, field, fields = said("limitrequestline", 8190), said("limitrequestfieldsize", 8190), said("limitrequestfields", 100)
    most = fields or _MOST_FIELDS
    header = min(line + most * (field + 2), _LARGEST_HEAD)
    return Limits(request_line=line, field=field, fields=most, header=header, empty_lines=_EMPTY_LINES)


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def under(scope: Scope, also: Condition) -> Condition:
    """Return a condition that holds in a section only."""
    if isinstance(scope.condition, Always):
        return also
    if isinstance(also, Always):
        return scope.condition
    return All((scope.condition, also))


class _Host:
    """One virtual host, with what it has of the main server."""

    def __init__(self, server: Scope, scope: Scope, upstreams: dict[str, Upstream]) -> None:
        self.server = server
        self.scope = scope
        self.levels = [server] if scope is server else [server, scope]
        self.identity = identity(scope)
        self.mapper = Mapper(self.levels, upstreams)
        self.names = own_names(
            self.identity.name,
            self.identity.port,
            self.said("canonical-name", "off") == "on",
            self.said("documentroot", ("",))[0],
            self.identity.scheme,
            self.said("physical-port", "off") == "on",
        )
        # Sections apply in this order (ap_location_walk: those of the main server first; ap_if_walk last).
        sections = [one for level in self.levels for one in level.sections]
        self.locations = [one for one in sections if one.kind is Kind.LOCATION]
        self.ifs = ifs(sections)
        self.proxies = [one for one in sections if one.kind is Kind.PROXY]
        self.forwards: bool = self.said("proxy-requests", (False, None))[0]
        self.via = via_rules(self.said("proxy-via", "off"), self.identity.name.encode("utf-8", "surrogateescape"))
        # All scopes in the order in which they are merged: a later one wins.
        self.directories = files.in_order(sections)
        self.merged = [*self.levels, *self.directories, *self.proxies, *self.locations, *self.ifs]
        # Something speaks of Expect, or asks for it: else it is sent on as it comes.
        edited = any(edit.edit.name.lower() == b"expect" for one in self.merged for edit in one.request)
        self.expects = edited or self.mapper.pings

    def said(self, name: str, default: Any = None) -> Any:
        """Return what the host says, or else the main server."""
        for one in reversed(self.levels):
            if name in one.said:
                return one.said[name]
        return default

    def _warn_of_openness(self) -> None:
        """Tell of a forward proxy that nobody is kept from: strangers will find it, and send what they like through it."""
        if not self.forwards or self.said("proxy-requests")[1] is None:
            return
        if not Access([*self.levels, *self.proxies, *self.locations, *self.ifs], self._when).keeps_out():
            self.scope.warn(
                "forward-proxy-open",
                "everybody may use this forward proxy: nothing says who may",
                self.said("proxy-requests")[1],
                'write `<Proxy "*">`, `Require ip 10.0.0.0/8` (your own network), `</Proxy>`',
            )

    def virtual_host(self) -> VirtualHost:
        """Return it, with its rules."""
        self._warn_of_openness()
        return VirtualHost(
            names=(),
            stages=Stages(
                route=self._route(),
                request=self._request(),
                response=(
                    *answers_of(self.scope),
                    *response_rules(
                        self.merged, self.mapper.members, self.names.origin, self.via[1], bool(self.said("interpolate", False))
                    ),
                ),
                program=True,
                forwards=self.forwards,
                encoded_slashes=self.said("encoded-slashes", "off"),
                merge_slashes=self.said("merge-slashes", True),
                per_connection=self._per_connection(),
                ranges=True,
                undecoded=self.mapper.undecoded(),
                undecoded_note=UNDECODED,
                allow=self._allow(answers.ALLOWED),
                sections=tuple(
                    Section(self._when(one), one.origin) for one in self.merged[len(self.levels) :] if one.origin is not None
                ),
                reasons=self._reasons(),
            ),
            unnamed=self.scope.said.get("serverpath", ("",))[0].encode("utf-8", "surrogateescape"),
            server_name=self.identity.name if "server-name" in self.scope.said else "",
            origin=self.scope.origin,
        )

    def _per_connection(self) -> int:
        """KeepAlive and MaxKeepAliveRequests. Where nothing is said, there is no limit: httpd's 100 is for its own sake."""
        if self.said("keepalive", ("on",))[0].lower() == "off":
            return 1
        most = _count(self.said("maxkeepaliverequests", ("0",))[0])
        return most + 1 if most else 0  # it counts those after which the connection was kept (ap_set_keepalive)

    def _reasons(self) -> dict[Fault, Reason]:
        missing = reasons.FAULTS[Fault.NOWHERE]
        root = self.said("documentroot", ("",))[0]
        return {**reasons.FAULTS, Fault.NOWHERE: replace(missing, words=missing.words.replace("{root}", root))}

    # ------------------------------------------------------------------ translate

    def _route(self) -> tuple[Rule, ...]:
        self.mapper.instead = self._instead
        flow = _Flow(self._inside())
        proxied = Label()
        translated = Label()
        self._settings(flow, self.levels)
        whose = mod_remoteip.trusted(self.levels)
        if whose is not None:
            flow.add(Always(), whose)
        if self.identity.scheme:
            flow.add(Always(), SetNote(SCHEME, (self.identity.scheme.encode(),)))
        if self.expects:
            flow.add(ASKS_FIRST, SetNote(EXPECTS, (b"1",)))
        self._early(flow)
        self._notes(flow, self.levels, late=False)
        self._enter(flow)
        for scope in self.locations:  # what is refused from here on has their pages already
            if "pages" in scope.said:
                flow.add(scope.condition, Set(Setting.PAGES, tuple(scope.said["pages"].items())), origin=scope.origin)
        rules_of_forward(flow, self.said, own_urls(self._called()), self.scope.modules, self._remotes(), proxied)
        self._passes_encoded(flow, proxied)
        rules_of_server(self.scope, flow, proxied, translated, self._site())
        self._passes(flow, proxied)
        self._aliases(flow, translated)
        flow.place(translated)
        files.place(flow, self.said)
        flow.place(proxied)
        self._settings(flow, self.merged[len(self.levels) :])
        self._notes(flow, [*self.directories, *self.proxies, *self.locations, *self.ifs], late=False)
        Access(self.merged, self._when).rules(flow)
        self._notes(flow, self.merged, late=True)
        refusals(flow, self.said)
        self._fixups(flow)
        connections(flow)
        count_down(flow, self.said)
        done = Label()
        flow.go(done, NotEmpty((Fact.DESTINATION,)))
        self._handlers(flow, done)
        if any(one.response for one in self.merged):  # what is said of an answer of our own sees the edited fields
            for rule in self._edits():
                flow.add(rule.when, rule.do, origin=rule.origin)
        answers.files(flow, self._allow(answers.ALLOWED))
        overridden = any(one.said.get("allowoverride", ("None",))[0].lower() != "none" for one in self.directories)
        files.serve(flow, self.said, self.scope.modules, overridden)
        flow.place(done)
        flow.add(Always(), Nothing(), Then.STOP)
        return tuple(self._told(rule) for rule in flow.rules())

    def _allow(self, methods: bytes) -> bytes:
        """Return the methods that are allowed, with TRACE if the server has that (make_allow, modules/http/http_protocol.c)."""
        return b",".join((*((methods,) if methods else ()), *((b"TRACE",) if traces(self.said) else ())))

    def _told(self, rule: Rule) -> Rule:
        """Say with 405 and 501 what is allowed: nothing that anybody has named (ap_send_error_response)."""
        if isinstance(rule.do, Refuse) and rule.do.status in (405, 501) and rule.do.allow is None:
            return replace(rule, do=replace(rule.do, allow=self._allow(b"")))
        return rule

    def _inside(self) -> Condition:
        """Return whether a request is in any section, whatever that says."""
        if any(one.path == "*" for one in self.proxies):
            return Always()
        found = tuple(one.condition for one in [*self.locations, *self.ifs])
        return Any_(found) if found else Never()

    def _enter(self, flow: Flow) -> None:
        """Note which sections a path is in before rules change it (ap_location_walk): their ProxyPass and Redirect apply."""
        self.entered = {id(one): one.condition for one in [*self.locations, *self.ifs]}
        if not self.mapper.rewrites:
            return
        for number, section in enumerate([*self.locations, *self.ifs]):
            if "proxy-pass" in section.said or "redirects" in section.said:
                name = b"\0section %d" % number
                flow.add(Always(), UnsetNote(name))
                flow.add(section.condition, SetNote(name, (b"1",)), origin=section.origin)
                self.entered[id(section)] = HasNote(name)

    def _settings(self, flow: Flow, scopes: Sequence[Scope]) -> None:
        for scope in scopes:
            for setting, value in scope.settings.items():
                flow.add(self._when(scope), Set(setting, value), origin=scope.set_at.get(setting, scope.origin))
            if "pages" in scope.said:
                flow.add(self._when(scope), Set(Setting.PAGES, tuple(scope.said["pages"].items())), origin=scope.origin)

    def _early(self, flow: Flow) -> None:
        """Edits of the request that are made at once, with what is said outside sections (ap_headers_early)."""
        for level in self.levels:
            for one in level.request:
                if one.early:
                    flow.add(one.when, one.edit, origin=one.origin)

    def _when(self, scope: Scope) -> Condition:
        if scope.kind is Kind.PROXY:
            return self.mapper.proxied_to(scope)
        return scope.condition

    def _notes(self, flow: Flow, scopes: Sequence[Scope], late: bool) -> None:
        """Set variables. Those that are late are not set where there is one already (fixup_env_module), so the last goes first."""
        found = [(scope, one) for scope in scopes for one in scope.notes if one.late is late]
        if late:
            gone: dict[bytes, list[Condition]] = {}  # UnsetEnv takes away what SetEnv before it sets, not what others have
            for scope, one in reversed(found):
                without = gone.setdefault(one.name.lower(), [])
                if one.value is None:
                    without.append(self._when(scope))
                    continue
                when = both(self._when(scope), All((Not(HasNote(one.name)), *(Not(there) for there in without))))
                flow.add(when, SetNote(one.name, one.value), origin=one.origin)
            return
        for scope, one in found:
            when = both(self._when(scope), one.when)
            flow.add(when, UnsetNote(one.name) if one.value is None else SetNote(one.name, one.value), origin=one.origin)

    def _called(self) -> list[str]:
        return [self.identity.name, *self.scope.said.get("server-alias", ())]

    def _remotes(self) -> list[Remote]:
        """Return parent proxies (ProxyRemote), the host's behind the main server's."""
        found: list[Remote] = []
        for level in self.levels:
            for kind, what, url, span in level.said.get("proxy-remote", ()):
                target = url_of(url)
                pattern = compiled(what, False, span, level) if kind == "proxyremotematch" else None
                if target is None or target.scheme != "http" or (kind == "proxyremotematch" and pattern is None):
                    continue
                when = remote_when(kind, what, pattern, self.said("noproxy", []))
                found.append(Remote(when, self.mapper.upstream(target, {})))
        return found

    def _site(self) -> Site:
        """Return what mod_rewrite's rules need of the server."""
        return Site(
            self.names,
            self.mapper.by_url,
            _expression,
            encoding=self.mapper.encoding,
            own=own_url(self.scope, self.names.scheme),
            worker=self.mapper.worker,
            balancer=self.mapper.balanced,
            instead=self._instead,
            files=files.spoken_of(self.said, self.directories),
        )

    def _passes_encoded(self, flow: Flow, proxied: Label) -> None:
        """proxy_pre_translate_name (mod_proxy.c): what is for paths that are not decoded comes before all else."""
        declined = Label()
        found = [(one, level) for level in self.levels for one in level.said.get("proxy-pass", ()) if one.mapping]
        if found:
            flow.go(declined, HasNote(b"no-proxy"))
        for one, level in found:
            self.mapper.add(flow, one, self.mapper.where(one), proxied, declined, level)
        flow.place(declined)

    def _passes(self, flow: Flow, proxied: Label) -> None:
        """proxy_trans (modules/proxy/mod_proxy.c): the section's ProxyPass, then the server's list, main server's first."""
        server = Label()
        declined = Label()
        no_proxy = HasNote(b"no-proxy")
        flow.go(declined, no_proxy)
        for section in reversed([*self.locations, *self.ifs]):
            found = section.said.get("proxy-pass")
            if not found:
                continue
            one = found[-1]  # a section has one; a second is in place of the first
            after = Label()
            # Its path is a prefix, whatever the section takes it for.
            inside = self.entered[id(section)]
            certain = one.pattern is None and isinstance(inside, PathPrefix) and not self.mapper.slashes
            self.mapper.add(flow, one, inside if certain else All((inside, self.mapper.where(one))), proxied, declined, section)
            if not certain:
                flow.go(server, inside, one.origin)
            flow.place(after)
        flow.place(server)
        for level in self.levels:
            for one in level.said.get("proxy-pass", ()):
                if not one.mapping:
                    self.mapper.add(flow, one, self.mapper.where(one), proxied, declined, level)
        flow.place(declined)

    def _aliases(self, flow: Flow, translated: Label) -> None:
        """translate_alias_redir (modules/mappers/mod_alias.c): redirects, then aliases; the host's before the main server's.

        A section's Redirect without a path comes before all of them.
        """
        for section in reversed([*self.locations, *self.ifs]):
            whole = [one for one in section.said.get("redirects", ()) if not one.path and one.pattern is None]
            if whole:
                answers.redirect(flow, whole[-1], self.entered[id(section)], self.names.origin, self.mapper.slashes)
        for level in reversed(self.levels):
            for one in level.said.get("redirects", ()):
                answers.redirect(flow, one, Always(), self.names.origin, self.mapper.slashes)
        for section in reversed([*self.locations, *self.ifs]):
            for one in section.said.get("aliases", ()):
                files.alias(flow, one, self.entered[id(section)], translated, self.mapper.slashes)
        for level in reversed(self.levels):
            for one in level.said.get("aliases", ()):
                files.alias(flow, one, Always(), translated, self.mapper.slashes)

    # ------------------------------------------------------------------ fixups

    def _fixups(self, flow: Flow) -> None:
        """Redirect in a section (fixup_redir) is in place of whatever was chosen; the last section's comes first.

        One without a path beats all that have one, or a pattern.
        """
        after = Label()
        rules_of_section(self.scope, flow, after, self._site())
        flow.place(after)
        self._redirects(flow)

    def _handlers(self, flow: Flow, done: Label) -> None:
        """SetHandler: the last one that a request is in."""
        other = Label()
        for scope in reversed(self.merged):
            if "handler" in scope.said:
                text, span = scope.said["handler"]
                self.mapper.handler(flow, self._when(scope), text, span, done, other)
        flow.place(other)

    def _instead(self, flow: Flow) -> None:
        """What sections do to a request that is found to lead nowhere only when it is to be sent."""
        self._notes(flow, [*self.locations, *self.ifs], late=False)
        self._redirects(flow)

    def _redirects(self, flow: Flow) -> None:
        sections = [*reversed([*self.locations, *self.ifs])]
        for section in sections:
            whole = [one for one in section.said.get("redirects", ()) if not one.path and one.pattern is None]
            if whole:
                answers.redirect(flow, whole[-1], section.condition, self.names.origin, self.mapper.slashes)
        for section in sections:
            for one in section.said.get("redirects", ()):
                if one.path or one.pattern is not None:
                    answers.redirect(flow, one, section.condition, self.names.origin, self.mapper.slashes)

    # ------------------------------------------------------------------ fields upstream

    def _edits(self) -> list[Rule]:
        """What RequestHeader says (apply fixups of mod_headers.c)."""
        return [
            Rule(both(self._when(scope), one.when), one.edit, Then.NEXT, one.origin)
            for scope in self.merged
            for one in scope.request
            if not one.early
        ]

    def _request(self) -> tuple[Rule, ...]:
        rules = [*self._edits(), *(expectations() if self.expects else ())]
        # ap_proxy_create_hdrbrgd (modules/proxy/proxy_util.c)
        forwarded: list[tuple[bytes, Template]] = [(b"X-Forwarded-For", (Variable.CLIENT_IP,))]
        forwarded.append((b"X-Forwarded-Host", (RequestField(b"host"),)))
        forwarded.append((b"X-Forwarded-Server", (self.identity.name.encode("utf-8", "surrogateescape"),)))
        rules += max_forwards(self.said("max-forwards", ""))
        if self.forwards:  # who has told us is not told of (ap_proxy_create_hdrbrgd)
            told = All((NotEmpty((Fact.USER,)), Not(HasNote(b"proxy-chain-auth"))))
            rules.append(Rule(told, EditField(Operation.REMOVE, b"Proxy-Authorization", ()), Then.NEXT))
        rules += self.via[0]
        for field, value in forwarded:
            when: Condition = SettingIs(Setting.FORWARDED_FIELDS, True)
            if self.forwards:
                when = All((when, Not(IS_FORWARD)))
            if field == b"X-Forwarded-Host":
                when = All((when, NotEmpty(value)))
            rules.append(Rule(when, EditField(Operation.APPEND, field, value), Then.NEXT))
        return tuple(rules)


class _Flow(Flow):
    """Rules, with what becomes of kept slashes in sections.

    Where a section is merged, whatever it says, core's configuration has forgotten that encoded slashes are not decoded
    (merge_core_dir_configs, server/core.c): they are encoded once more then.
    """

    def __init__(self, inside: Condition) -> None:
        super().__init__()
        self.inside = inside

    def add(
        self,
        when: Condition,
        do: Action,
        then: Then | Label = Then.NEXT,
        origin: Span | None = None,
        otherwise: Then | Label = Then.NEXT,
    ) -> None:
        """Add a rule."""
        if (
            isinstance(do, ForwardTo | ForwardAnywhere)
            and do.encoding is Encoding.SLASHES
            and not isinstance(self.inside, Never)
        ):
            super().add(both(when, self.inside), replace(do, encoding=Encoding.CANONICAL), then, origin)
        super().add(when, do, then, origin, otherwise)


def _expression(scope: Scope, text: str, span: Span) -> Condition:
    from perijove.config.apache.expression import condition

    # What a pattern finds is `%1` for the rule (apply_rewrite_cond, CONDPAT_AP_EXPR).
    found = condition(text, span, scope, groups=Groups.KEPT)
    return Never() if found is None else found
