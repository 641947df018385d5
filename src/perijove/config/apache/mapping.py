"""Rules that a ProxyPass becomes: what is forwarded where, with which path.

Knows one ProxyPass; `passes` knows its paths, `upstreams` its URL. Must not know which of several comes first (`translate`).
Sources: modules/proxy/mod_proxy.c (ap_proxy_trans_match, proxy_fixup), mod_proxy_http.c (proxy_http_canon), mod_proxy_wstunnel.c.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from perijove.config.apache import fixups, passes, reasons, variables
from perijove.config.apache.balancers import Balancers
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.hops import EXPECTS, HAS_CONTENT
from perijove.config.apache.host import WALKED
from perijove.config.apache.proxy_sections import proxied_to
from perijove.config.apache.targets import BAD_PORT, beginning, split, usual_port
from perijove.config.apache.upstreams import Upstreams
from perijove.config.apache.words import octets
from perijove.config.apache.worker_settings import WorkerSettings
from perijove.gateway.conditions import (
    All,
    Always,
    Compares,
    Comparison,
    Condition,
    Matches,
    Not,
    NotEmpty,
    Pattern,
    Setting,
    both,
)
from perijove.gateway.rules import Encoding, ForwardAnywhere, ForwardTo, Hold, Refuse, Set, SetNote, Template, Then
from perijove.gateway.templates import Capture, Fact, Given, RequestField, Rest, Variable, Without

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from perijove.config.apache.directives.mod_proxy import Pass
    from perijove.config.apache.host import Host
    from perijove.config.apache.scope import Scope
    from perijove.config.apache.targets import Target
    from perijove.gateway.model import Upstream
    from perijove.text.source import Span

_PATH_NEXT: Final = Pattern(rb"\A(?:/|\Z)")
_IS_WEBSOCKET: Final = Compares((RequestField(b"upgrade"),), Comparison.SAME_FOLDED, (b"websocket",))


class Mapper:
    """What one virtual host sends on, and to whom."""

    def __init__(self, host: Host, made: dict[str, Upstream]) -> None:
        self.host = host
        self.upstreams = Upstreams(host.levels, made)
        self.balancers = Balancers(host.levels, self.upstreams, variables.asks_of_balancers(host.merged))
        self.workers = WorkerSettings(host, self.upstreams)
        # Requests that cannot be sent have a URL all the same.
        passes = [
            *host.levels.each("proxy-pass"),
            *(one for section in host.walked for one in section.said.get("proxy-pass", ())),
        ]
        if any(one.target is not None and self.upstreams.failing(one.target) for one in passes):
            host.keeps_url |= bool(host.proxies)

    def add(self, flow: Flow, one: Pass, when: Condition, proxied: Label, declined: Label) -> None:
        """Add the rules of a ProxyPass: where it applies, the request is forwarded, or `!` ends the search."""
        if one.target is None:
            flow.go(declined, when, one.origin)
        elif one.target.scheme == "balancer":
            self._balance(flow, one, when, one.target, proxied)
        else:
            self._map(flow, replace(one, parameters=self.workers.shared(one)), when, one.target, proxied)

    def _balance(self, flow: Flow, one: Pass, when: Condition, target: Target, proxied: Label) -> None:
        """Add the rules of a ProxyPass to a balancer."""
        if "proxy_balancer" not in self.upstreams.modules:
            fixups.refuse(flow, self.host, when, Refuse(500, self.upstreams.why(target)), proxied, one.origin)
            return
        members = self.balancers.members(target, spares=True)
        if self.balancers.chooses(target, members):
            self.balancers.choose(flow, one, when, members, lambda its, member: self._member(flow, its, member, proxied))
            return
        found = self.balancers.only(target)
        if found is None:
            # No balancer of that name, or none of its workers.
            fixups.refuse(flow, self.host, when, Refuse(503, reasons.no_workers(target.url)), proxied, one.origin)
            return
        member, its = found
        self._map(flow, replace(one, parameters=its), when, member, proxied)

    def _map(self, flow: Flow, one: Pass, when: Condition, target: Target, proxied: Label) -> None:
        """Add the rules of a ProxyPass that leads to one place."""
        assert one.target is not None
        if not target.socket and not 0 < split(target.authority, usual_port(target.scheme))[1] < 65536:
            # AH01083: proxy_fixup comes before all that sections do to a request.
            flow.add(when, Refuse(400), Then.STOP, one.origin)
            return
        failing = [self.upstreams.failing(target, section) for section in self._deciding(one)]
        if all(failing):
            if self.host.keeps_url:
                base = octets(one.target.path)
                path = (
                    (base, passes.behind(one, self.host.slashes))
                    if one.pattern is None
                    else passes.with_captures(base, Fact.PATH)
                )
                flow.add(when, SetNote(WALKED, (octets(beginning(one.target)), *path)), origin=one.origin)
            fixups.refuse(flow, self.host, when, Refuse(failing[-1], self.upstreams.why(target)), proxied, one.origin)
            return
        if self.upstreams.tunnels(target):
            flow.add(both(when, Not(_IS_WEBSOCKET)), Refuse(404, reasons.NOT_A_WEBSOCKET), Then.STOP, one.origin)
        after = Label()
        upgrades = self.upstreams.upgrades(target, one.parameters)
        flow.add(when, Set(Setting.UPGRADES, upgrades), origin=one.origin, otherwise=after)
        self._expect(flow, one)
        if one.interpolate and self.host.said("interpolate", False) and "${" in one.target.url:
            url = passes.interpolated(one)
            self.workers.reuse(flow, url, "", one.origin)
            flow.add(Always(), ForwardAnywhere(url, self.host.encoding), proxied, one.origin)
        else:
            self._forward(flow, one, when, target, proxied)
        flow.place(after)

    def _member(self, flow: Flow, one: Pass, target: Target, proxied: Label) -> None:
        """Add what sends a request to a member of a balancer that was chosen."""
        self._expect(flow, one)
        self._forward(flow, one, Always(), target, proxied)

    def _expect(self, flow: Flow, one: Pass) -> None:
        if "ping" in one.parameters:
            flow.add(HAS_CONTENT, SetNote(EXPECTS, (b"1",)), origin=one.origin)

    def _forward(self, flow: Flow, one: Pass, when: Condition, target: Target, proxied: Label) -> None:
        """Add what sends a request that a ProxyPass is for, with the path that it has there (ap_proxy_trans_match)."""
        cut = target.authority.find("$")
        if cut > 0:
            target = replace(target, authority=target.authority[:cut], path=target.authority[cut:] + target.path)
        base = octets(target.path)
        if one.mapping:
            whole_sent = (base, Capture(1)) if one.pattern is None else passes.with_captures(base, Fact.PATH)
            self._send(flow, one, target, whole_sent, Encoding.NONE, proxied)
            return
        if one.nocanon:
            # What was sent is passed on as it was; but only if that fits, too (AH01135, AH01136).
            canonical = Label()
            flow.go(canonical, Not(passes.as_sent(one)), one.origin)
            if one.pattern is None and not self.host.rewrites and not self.host.proxies:
                raw = (base, Rest(len(octets(one.path)), True))
                self._send(flow, one, target, raw, Encoding.NONE, proxied)
            else:
                # The path is what was sent, with its query.
                sent = Without((Variable.TARGET,), octets(one.path))
                whole_path = (base, sent) if one.pattern is None else passes.with_captures(base, Variable.TARGET)
                flow.add(Always(), Hold(whole_path), origin=one.origin)
                self._send(flow, one, target, (Fact.HELD,), Encoding.NONE, proxied, True)
            flow.place(canonical)
        path: Template
        if one.pattern is None:
            path = (base, passes.behind(one, self.host.slashes))
            if one.target is not None and one.target.scheme == "balancer" and not one.target.path:
                path = (base, Given(path[1:], path[1:], (b"/",)))  # proxy_balancer_canon
        else:
            path = passes.with_captures(base, Fact.PATH)
        if one.nocanon and one.pattern is not None:
            flow.add(when, Hold(path), origin=one.origin)
            path = (Fact.HELD,)
        self._send(flow, one, target, path, self.host.encoding, proxied)

    def _deciding(self, one: Pass) -> list[Scope | None]:
        """Return the sections that decide of TLS; of a balancer one alone, as members are made before it is known what is asked."""
        assert one.target is not None
        found = self.upstreams.deciding(one.target, one.pattern is not None)
        return found[-1:] if one.target.scheme == "balancer" else found

    def _send(
        self,
        flow: Flow,
        one: Pass,
        target: Target,
        path: Template,
        encoding: Encoding,
        proxied: Label,
        whole: bool = False,
    ) -> None:
        """Add a forward; a path that begins with no slash becomes a part of the host's name. `whole`: it has the query in it."""
        if one.target is not None and one.target.scheme != "balancer":
            self.workers.of_pass(flow, one, target, path, encoding, whole)
        known = target.path.startswith("/") or bool(target.socket)
        named = octets(beginning(target if one.target is None or one.target.scheme != "balancer" else one.target))
        if not known and encoding is Encoding.NONE:  # the name has the query in it, too
            rooted = Matches(path, Pattern(b"/"))
            asked = Matches(path, Pattern(rb"\?")) if whole else NotEmpty((Variable.SEARCH,))
            fixups.refuse(flow, self.host, All((asked, Not(rooted))), Refuse(400), proxied, one.origin)
        when: Condition = Always() if known else Matches(path, _PATH_NEXT)
        to = ForwardTo("", path, encoding, whole, named)
        self.forward(flow, when, target, one.parameters, to, self._deciding(one), proxied, one.origin)
        if not known:
            flow.add(Always(), Hold(path), origin=one.origin)
            path = (Fact.HELD,)
            origin = octets(f"{target.scheme}://{target.authority}")
            flow.add(Matches((origin, Fact.HELD), BAD_PORT), Refuse(400), Then.STOP, one.origin)
            fixups.instead(flow, self.host)
            flow.add(Always(), ForwardAnywhere((origin, *path), encoding, whole), proxied, one.origin)

    def forward(
        self,
        flow: Flow,
        when: Condition,
        target: Target,
        parameters: Mapping[str, str],
        to: ForwardTo,
        sections: Iterable[Scope | None],
        proxied: Label,
        origin: Span | None,
    ) -> None:
        """Add what sends requests to a target, with the TLS that the <Proxy> section which they are in asks for, or refuses them.

        Args:
            flow: where it is added.
            when: which requests are sent.
            target: to whom.
            parameters: of its worker.
            to: how; the name of the upstream is filled in.
            sections: those that decide, the first that a request is in. None is for all others.
            proxied: where it goes on.
            origin: the line that says so.
        """
        for section in sections:
            within = when if section is None else both(when, proxied_to(section, (to.named, *to.path)))
            failing = self.upstreams.failing(target, section)
            if failing:
                fixups.refuse(flow, self.host, within, Refuse(failing, self.upstreams.why(target)), proxied, origin)
            else:
                name = self.upstreams.name(target, parameters, section)
                flow.add(within, replace(to, upstream=name), proxied, origin)
