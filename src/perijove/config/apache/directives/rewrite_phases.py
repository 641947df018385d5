"""The two moments at which mod_rewrite acts: for a server before anything else, for sections behind access control.

Sources: hook_uri2file and hook_fixup (modules/mappers/mod_rewrite.c). Knows which lists of rules are run, for whom and when. Must not know
what a rule does (`rewrite_rules`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perijove.config.apache.directives import rewrite_answers, rewrite_rules
from perijove.config.apache.directives.rewrite_inheritance import (
    enabled,
    maps_of,
    merged,
    options_of,
    rewriting_of,
    sections_of,
    server_rules,
)
from perijove.config.apache.directives.rewrite_place import Labels, Place
from perijove.config.apache.directives.rewrite_text import Around
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.own_names import Names
from perijove.config.apache.scope import Kind, Scope, within
from perijove.config.apache.words import octets
from perijove.gateway.actions import Encoding, Hold, Refuse
from perijove.gateway.conditions import All, Always, Any, Compares, Comparison, Condition, Never, Not, PathIs
from perijove.gateway.templates import Fact, Template

if TYPE_CHECKING:
    from perijove.config.apache.directives.rewrite_syntax import RuleLine
    from perijove.gateway.rules import Rule
    from perijove.text.source import Span


@dataclass(frozen=True, slots=True)
class Site:
    """What rules need of the server that they stand in, and of other modules."""

    names: Names
    # The name of an upstream for a URL's scheme and authority, or how such requests are refused.
    upstream: Callable[[Scope, str, Span], str | Refuse]
    expression: Callable[[Scope, str, Span], Condition]  # what RewriteCond expr says
    encoding: Encoding = Encoding.CANONICAL  # of paths for upstreams
    own: Condition | None = None  # it is a URL of this server; the first capture is the path behind the slash
    refuse: Callable[[Flow, Refuse, Label, Span | None], None] | None = None  # what refuses when it is to be sent
    instead: Callable[[Flow], None] | None = None  # what comes before a failure that is only seen later
    worker: Callable[[Flow, str, Template, Span], None] | None = None  # what else holds for URLs that begin so
    # What sends a path to a URL whose <Proxy> sections say something else of TLS.
    sections: Callable[[Flow, str, Template, Encoding, Label, Span], None] | None = None
    balancer: Callable[[Flow, str, Template, Encoding, Label, Span], None] | None = None  # what sends a path to a balancer
    files: Condition | None = None  # the held text is the name of a file that may be served


def rules_of_server(scope: Scope, flow: Flow, proxied: Label, done: Label, site: Site) -> None:
    """Write what the rules of a server or virtual host do before anything else chooses where a request goes.

    Args:
        scope: the server or virtual host.
        flow: gets the rules. Whatever they leave alone, or only change the path of, goes on behind them.
        proxied: where a request goes on that is to be forwarded: to access control and `rules_of_section`.
        done: where one goes on that is a file now: no upstream is to be chosen.
        site: what is known of the server.
    """
    sections = sections_of(scope)
    if sections:
        flow.add(Always(), Hold(()))
    rules = server_rules(scope, sections)
    on_when = enabled(scope, sections)
    if not rules or isinstance(on_when, Never):
        return
    on = Label()
    idle: list[Condition] = []
    if not isinstance(on_when, Always):
        idle.append(Not(on_when))
    if "allowanyuri" not in options_of(scope):
        idle.append(PathIs(b"*"))
    if _has_end(rules) or any(_has_end(rewriting_of(one).rules) for one in sections):
        idle.append(rewrite_rules.ended())
    if idle:
        flow.go(on, idle[0] if len(idle) == 1 else Any(tuple(idle)))
    flow.add(Always(), Hold((Fact.PATH,)))
    place = _place(scope, scope, site, None, b"", b"server")
    rewrite_rules.lower(rules, flow, place, Labels(proxied, done, on))
    flow.place(on)
    if sections:
        flow.add(Always(), Hold(()))


def rules_of_section(scope: Scope, flow: Flow, proxied: Label, site: Site) -> None:
    """Write what rules in sections do, behind whatever has chosen where a request goes, and behind access control.

    They may choose anew, and a path begins the whole stage anew. Of several sections the last has its way.

    Args:
        scope: the server or virtual host.
        flow: gets the rules. Requests that they leave alone go on behind them.
        proxied: where a request goes on that is to be forwarded: behind these rules.
        site: what is known of the server.
    """
    sections = sections_of(scope)
    if not any(rewriting_of(one).rules for one in sections):
        return
    on = Label()
    idle: list[Condition] = [Not(Any(tuple(one.condition for one in sections)))]
    if _has_end(server_rules(scope, sections)) or any(_has_end(rewriting_of(one).rules) for one in sections):
        idle.append(rewrite_rules.ended())
    flow.go(on, idle[0] if len(idle) == 1 else Any(tuple(idle)))
    walks = rewrite_rules.walks([rule for one in sections for rule in rewriting_of(one).rules])
    rewrite_rules.begin_section(flow, site.names.document_root.rstrip(b"/"), walks)
    for number in range(len(sections) - 1, -1, -1):
        section = sections[number]
        other = Label()
        flow.go(other, Not(section.condition))
        on_when = enabled(scope, sections[: number + 1], certain=section)
        if not isinstance(on_when, Never):
            if not isinstance(on_when, Always):
                flow.go(on, Not(on_when))
            directory = octets(section.path.rstrip("/")) + b"/"
            if section.kind is Kind.DIRECTORY and "allownoslash" not in rewriting_of(section).options:
                # The directory itself, without its slash, is mod_dir's to redirect.
                flow.go(on, Compares((Fact.HELD,), Comparison.SAME, (directory[:-1],)))
            for one in merged(sections, number):
                without = Label()
                if one.beside:
                    flow.go(without, Not(All(one.beside)))
                base = octets(one.base)
                base = base + b"/" if base and not base.endswith(b"/") else base
                place = _place(scope, section, site, directory, base, b"section %d" % number)
                place = replace(place, info=rewrite_rules.INFO if walks else ())
                rewrite_rules.lower(one.rules, flow, place, Labels(proxied, on, on))
                if one.beside:
                    flow.go(on)
                flow.place(without)
        flow.go(on)
        flow.place(other)
    flow.place(on)


def answers_of(scope: Scope) -> list[Rule]:
    """Return the edits of answers that the rules of a server or virtual host, and of its sections, ask for."""
    servers = [one.rewriting for one in (*within(scope), *sections_of(scope)) if one.rewriting is not None]
    return rewrite_answers.edits([line for one in servers for line in one.rules])


def _has_end(rules: Sequence[RuleLine]) -> bool:
    return any(one.flags.end for one in rules)


def _place(server: Scope, scope: Scope, site: Site, directory: bytes | None, base: bytes, counted: bytes) -> Place:
    def upstream(url: str, span: Span) -> str | Refuse:
        return site.upstream(scope, url, span)

    def expression(text: str, span: Span) -> Condition:
        return site.expression(scope, text, span)

    return Place(
        around=Around(site.names, maps_of(server), section=directory is not None),
        upstream=upstream,
        expression=expression,
        proxies="proxy" in server.modules or "proxy_module" in server.modules,
        own=site.own,
        worker=site.worker,
        sections=site.sections if directory is None else None,
        balancer=site.balancer,
        files=site.files,
        refuse=site.refuse,
        instead=site.instead,
        directory=directory,
        base=base,
        encoding=site.encoding,
        counted=counted,
    )
