"""What mod_rewrite's rules need of the host that they stand in, and of mod_proxy.

Source: hook_uri2file and proxy_handler, of requests that [P] has sent. Knows what a URL leads to. Must not know what a rule does
(`directives/rewrite_rules`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.config.apache import files, fixups, reasons
from perijove.config.apache.directives.mod_proxy import Pass
from perijove.config.apache.directives.rewrite_phases import Site
from perijove.config.apache.directives.rewrite_results import PATH_NEXT
from perijove.config.apache.expression import condition
from perijove.config.apache.identity import own_url
from perijove.config.apache.scope import Kind
from perijove.config.apache.targets import beginning, target_of
from perijove.config.apache.words import octets
from perijove.gateway.conditions import Always, Condition, Groups, Matches, Never, Setting
from perijove.gateway.rules import Encoding, ForwardTo, Refuse, Set

if TYPE_CHECKING:
    from perijove.config.apache.flow import Flow, Label
    from perijove.config.apache.host import Host
    from perijove.config.apache.mapping import Mapper
    from perijove.config.apache.scope import Scope
    from perijove.config.apache.targets import Target
    from perijove.gateway.templates import Template
    from perijove.text.source import Span


def site(host: Host, mapper: Mapper) -> Site:
    """Return what rules need of a host."""
    proxying = _Proxying(host, mapper)
    return Site(
        host.names,
        proxying.upstream,
        _expression,
        encoding=host.encoding,
        own=own_url(host.scope, host.names.scheme),
        worker=mapper.workers.of_rule,
        balancer=proxying.balanced,
        sections=proxying.sections,
        refuse=lambda flow, refusal, to, span: fixups.refuse(flow, host, Always(), refusal, to, span),
        instead=lambda flow: fixups.instead(flow, host),
        files=files.spoken_of(host.said, host.directories),
    )


class _Proxying:
    """[P]: what URLs that rules have made lead to."""

    def __init__(self, host: Host, mapper: Mapper) -> None:
        self.host = host
        self.mapper = mapper
        self.upstreams = mapper.upstreams
        self.balancers = mapper.balancers

    def upstream(self, scope: Scope, url: str, _span: Span) -> str | Refuse:
        """Return the upstream of a URL, or how such requests are refused."""
        target = target_of(url)
        if target is None:
            return Refuse(500)
        if target.scheme == "balancer" and "proxy_balancer" in self.upstreams.modules:
            return ""  # `balanced` says which
        # What rules in sections lead to is in no <Proxy>: that has been looked at before (proxy_walk).
        section = self.upstreams.deciding(target)[-1] if scope.kind in (Kind.SERVER, Kind.HOST) else None
        failing = self.upstreams.failing(target, section)
        if failing:
            return Refuse(failing, self.upstreams.why(target) if failing == 500 else None)
        return self.upstreams.name(target, {}, section)

    def sections(self, flow: Flow, url: str, path: Template, encoding: Encoding, proxied: Label, span: Span) -> None:
        """Add what sends a path to a URL where <Proxy> sections say something else of TLS."""
        target = target_of(url)
        assert target is not None
        to = ForwardTo("", path, encoding, named=octets(url))
        deciding = self.upstreams.deciding(target)[:-1]
        self.mapper.forward(flow, Matches(path, PATH_NEXT), target, {}, to, deciding, proxied, span)

    def balanced(self, flow: Flow, url: str, path: Template, encoding: Encoding, proxied: Label, span: Span) -> None:
        """Add what sends a request to a balancer, with a path (rewrite_url, mod_proxy_balancer.c)."""
        target = target_of(url)
        assert target is not None
        one = Pass("", target, span)

        section = self.upstreams.deciding(target)[-1]

        def send(its: Pass, member: Target) -> None:
            base = octets(member.path)
            name = self.upstreams.name(member, its.parameters, section)
            flow.add(Always(), ForwardTo(name, (base, *path), encoding, named=octets(beginning(target))), proxied, span)

        members = self.balancers.members(target, spares=True)
        if self.balancers.chooses(target, members):
            self.balancers.choose(flow, one, Always(), members, send)
            return
        found = self.balancers.only(target)
        if found is None:
            fixups.refuse(flow, self.host, Always(), Refuse(503, reasons.no_workers(url)), proxied, span)
            return
        member, one.parameters = found
        failing = self.upstreams.failing(member, section)
        if failing:
            fixups.refuse(flow, self.host, Always(), Refuse(failing, self.upstreams.why(member)), proxied, span)
            return
        flow.add(Always(), Set(Setting.UPGRADES, self.upstreams.upgrades(member, one.parameters)), origin=span)
        send(one, member)


def _expression(scope: Scope, text: str, span: Span) -> Condition:
    # What a pattern finds is `%1` for the rule (apply_rewrite_cond, CONDPAT_AP_EXPR).
    found = condition(text, span, scope, groups=Groups.KEPT)
    return Never() if found is None else found
