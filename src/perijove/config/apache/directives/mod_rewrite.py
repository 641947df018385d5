"""mod_rewrite: what its directives add to a scope, and which of its rules a request meets where.

Knows how sections and servers inherit rules (config_server_merge, config_perdir_merge of modules/mappers/mod_rewrite.c). What a
list of rules does is `rewrite_rules`' to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from perijove.config.apache.directives import rewrite_answers, rewrite_rules
from perijove.config.apache.directives.rewrite_syntax import Cond, RuleLine, Wrong, condition, rule
from perijove.config.apache.directives.rewrite_text import Around, Map, Names, octets, read_table
from perijove.config.apache.files import in_order
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.scope import Kind, Scope, ifs, within
from perijove.gateway.actions import Encoding, Hold, Refuse
from perijove.gateway.conditions import All, Always, Any, Compares, Comparison, Condition, Never, Not, PathIs
from perijove.gateway.templates import Fact, Function, Template

if TYPE_CHECKING:
    from perijove.gateway.rules import Rule
    from perijove.text.source import Span


class Word(Protocol):
    """An argument."""

    @property
    def text(self) -> str:
        """Without its quotes."""


class Line(Protocol):
    """A directive as it stands."""

    @property
    def words(self) -> Sequence[Word]:
        """Its arguments."""

    @property
    def rest(self) -> Word:
        """What follows its name, as it stands."""

    @property
    def span(self) -> Span:
        """Where it stands."""


@dataclass(slots=True)
class Rewriting:
    """What a scope says about rewriting."""

    engine: bool | None = None
    options: set[str] = field(default_factory=set)
    base: str = ""
    rules: list[RuleLine] = field(default_factory=list)
    conditions: list[Cond] = field(default_factory=list)  # that wait for their rule
    maps: dict[str, Map] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Site:
    """What rules need of the server that they stand in, and of other modules."""

    names: Names
    # The name of an upstream for a URL's scheme and authority, or how such requests are refused.
    upstream: Callable[[Scope, str, Span], str | Refuse]
    expression: Callable[[Scope, str, Span], Condition]  # what RewriteCond expr says
    encoding: Encoding = Encoding.CANONICAL  # of paths for upstreams
    own: Condition | None = None  # it is a URL of this server; the first capture is the path behind the slash
    instead: Callable[[Flow], None] | None = None  # what comes before a failure that is only seen later
    worker: Callable[[Flow, str, Template, Span], None] | None = None  # what else holds for URLs that begin so
    balancer: Callable[[Flow, str, Template, Encoding, Label, Span], None] | None = None  # what sends a path to a balancer
    files: Condition | None = None  # the held text is the name of a file that may be served


def rewriting(scope: Scope) -> Rewriting:
    """Return what a scope says about rewriting, to be added to."""
    if scope.rewriting is None:
        scope.rewriting = Rewriting()
    found: Rewriting = scope.rewriting
    return found


# ---- directives


def rewrite_engine(line: Line, scope: Scope) -> None:
    """Turn rewriting on or off."""
    word = line.words[0].text.lower() if len(line.words) > 0 else ""
    if word not in ("on", "off"):
        scope.error("rewrite-engine", "RewriteEngine must be On or Off", line.span, "write `RewriteEngine On`")
        return
    rewriting(scope).engine = word == "on"


_OPTIONS: Final = frozenset(
    (
        "inherit", "inheritbefore", "inheritdown", "inheritdownbefore", "ignoreinherit", "allownoslash", "allowanyuri",
        "mergebase", "ignorecontextinfo", "legacyprefixdocroot",
    )
)  # fmt: skip


def rewrite_options(line: Line, scope: Scope) -> None:
    """Say what is inherited, and the like."""
    for word in line.words:
        name = word.text.lower()
        if name.startswith("maxredirects="):
            scope.warn("rewrite-options", "RewriteOptions: MaxRedirects is ignored by httpd 2.4", line.span, "leave it out")
        elif name in _OPTIONS:
            rewriting(scope).options.add(name)
        else:
            known = "Inherit, InheritBefore, InheritDown, InheritDownBefore, IgnoreInherit and AllowAnyURI are known"
            scope.error("rewrite-options", f"RewriteOptions: unknown option '{word.text}'", line.span, known)


def rewrite_base(line: Line, scope: Scope) -> None:
    """Say which path a section's relative results belong to."""
    path = line.words[0].text if line.words else ""
    if scope.kind in (Kind.SERVER, Kind.HOST):
        message, help_text = "only valid in per-directory config files", "it belongs into a section"
    elif not path:
        message, help_text = "empty URL not allowed", "write a path, as in `RewriteBase /`"
    elif not path.startswith("/"):
        message, help_text = "argument is not a valid URL", f"write `RewriteBase /{path}`"
    else:
        rewriting(scope).base = path
        return
    scope.error("rewrite-base", f"RewriteBase: {message}", line.span, help_text)


_FUNCTIONS: Final = {
    "tolower": Function.LOWER,
    "toupper": Function.UPPER,
    "escape": Function.ESCAPE,
    "unescape": Function.UNESCAPE,
}
_FOREIGN: Final = ("dbm:", "dbm=", "dbd:", "fastdbd:", "prg:")


def rewrite_map(line: Line, scope: Scope) -> None:
    """Name a table or a function."""
    if not 2 <= len(line.words) <= 3:
        message = "RewriteMap takes two or three arguments, a mapname and a filename and options"
        scope.error("rewrite-map", message, line.span, "write `RewriteMap NAME txt:/path/to/file`")
        return
    name, source = line.words[0].text, line.words[1].text
    maps = rewriting(scope).maps
    if source.lower().startswith(_FOREIGN):
        kind = source.partition(":")[0].partition("=")[0]
        help_text = "a text map (`txt:`) can stand for it; until then the map has nothing"
        scope.warn("not-emulated", f"RewriteMap of type `{kind}` is not emulated", line.span, help_text)
        maps[name] = Map()
        return
    if source.lower().startswith("int:"):
        function = _FUNCTIONS.get(source[4:])
        if function is None:
            known = "tolower, toupper, escape and unescape are there"
            scope.error("rewrite-map", f"RewriteMap: internal map not found:{source[4:]}", line.span, known)
            return
        maps[name] = Map(function)
        return
    draw = source.lower().startswith("rnd:")
    path = Path(source[4:] if draw or source.lower().startswith("txt:") else source)
    root = next((one.said["ServerRoot"] for one in within(scope) if "ServerRoot" in one.said), "")
    path = Path(root, path)
    try:
        maps[name] = Map(None, read_table(path.read_bytes()), draw)
    except OSError:
        message = f"RewriteMap: file for map {name} not found:{path}"
        scope.error("rewrite-map", message, line.span, "name a file that can be read")


def rewrite_cond(line: Line, scope: Scope) -> None:
    """Say when the next rule is for a request."""

    def warn(message: str) -> None:
        scope.warn("rewrite-nocase", f"RewriteCond: {message}", line.span, "leave out NC")

    try:
        rewriting(scope).conditions.append(condition(line.rest.text, line.span, warn))
    except Wrong as fault:
        scope.error("rewrite-cond", f"RewriteCond: {fault.args[0]}", line.span, fault.args[1])


def rewrite_rule(line: Line, scope: Scope) -> None:
    """Add a rule, with the conditions before it."""
    ours = rewriting(scope)
    conditions = tuple(ours.conditions)
    ours.conditions.clear()
    try:
        made = rule(line.rest.text, line.span, conditions)
    except Wrong as fault:
        scope.error("rewrite-rule", f"RewriteRule: {fault.args[0]}", line.span, fault.args[1])
        return
    for flag in made.flags.unknown:
        help_text = "cookies, types and handlers are the upstream's to set; the rest of the rule is in force"
        scope.warn("not-emulated", f"RewriteRule: the flag `{flag}` is not emulated", line.span, help_text)
    for one in made.flags.environment:
        if {"$", "%"} & set(one.partition(":")[0]):
            help_text = "write the name as it is; only its value may be made of a request"
            scope.warn("not-emulated", f"RewriteRule: the name in `E={one}` is not made of a request", line.span, help_text)
    ours.rules.append(made)


DIRECTIVES: Final = (
    ("RewriteEngine", rewrite_engine),
    ("RewriteOptions", rewrite_options),
    ("RewriteBase", rewrite_base),
    ("RewriteMap", rewrite_map),
    ("RewriteCond", rewrite_cond),
    ("RewriteRule", rewrite_rule),
)


# ---- lowering


def rules_of_server(scope: Scope, flow: Flow, proxied: Label, done: Label, site: Site) -> None:
    """Write what the rules of a server or virtual host do before anything else chooses where a request goes.

    Args:
        scope: the server or virtual host.
        flow: gets the rules. Whatever they leave alone, or only change the path of, goes on behind them.
        proxied: where a request goes on that is to be forwarded: to access control and `rules_of_section`.
        done: where one goes on that is a file now: no upstream is to be chosen.
        site: what is known of the server.
    """
    sections = _sections(scope)
    if sections:
        flow.add(Always(), Hold(()))
    rules = _server_rules(scope, sections)
    enabled = _enabled(scope, sections)
    if not rules or isinstance(enabled, Never):
        return
    on = Label()
    idle: list[Condition] = []
    if not isinstance(enabled, Always):
        idle.append(Not(enabled))
    if "allowanyuri" not in _options(scope):
        idle.append(PathIs(b"*"))
    if _has_end(rules) or any(_has_end(_rewriting(one).rules) for one in sections):
        idle.append(rewrite_rules.ended())
    if idle:
        flow.go(on, idle[0] if len(idle) == 1 else Any(tuple(idle)))
    flow.add(Always(), Hold((Fact.PATH,)))
    place = _place(scope, scope, site, None, b"", b"server")
    rewrite_rules.lower(rules, flow, place, rewrite_rules.Labels(proxied, done, on))
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
    sections = _sections(scope)
    if not any(_rewriting(one).rules for one in sections):
        return
    on = Label()
    idle: list[Condition] = [Not(Any(tuple(one.condition for one in sections)))]
    if _has_end(_server_rules(scope, sections)) or any(_has_end(_rewriting(one).rules) for one in sections):
        idle.append(rewrite_rules.ended())
    flow.go(on, idle[0] if len(idle) == 1 else Any(tuple(idle)))
    walks = rewrite_rules.walks([rule for one in sections for rule in _rewriting(one).rules])
    rewrite_rules.begin_section(flow, site.names.document_root.rstrip(b"/"), walks)
    for number in range(len(sections) - 1, -1, -1):
        section = sections[number]
        other = Label()
        flow.go(other, Not(section.condition))
        enabled = _enabled(scope, sections[: number + 1], certain=section)
        if not isinstance(enabled, Never):
            if not isinstance(enabled, Always):
                flow.go(on, Not(enabled))
            directory = octets(section.path.rstrip("/")) + b"/"
            base = octets(_base(sections[: number + 1]))
            if base and not base.endswith(b"/"):
                base += b"/"
            if section.kind is Kind.DIRECTORY and "allownoslash" not in _rewriting(section).options:
                # The directory itself, without its slash, is mod_dir's to redirect.
                flow.go(on, Compares((Fact.HELD,), Comparison.SAME, (directory[:-1],)))
            place = _place(scope, section, site, directory, base, b"section %d" % number)
            place = replace(place, info=rewrite_rules.INFO if walks else ())
            for beside, rules in _section_rules(sections, number):
                without = Label()
                if beside:
                    flow.go(without, Not(All(beside)))
                rewrite_rules.lower(rules, flow, place, rewrite_rules.Labels(proxied, on, on))
                flow.place(without)
        flow.go(on)
        flow.place(other)
    flow.place(on)


def answers_of(scope: Scope) -> list[Rule]:
    """Return the edits of answers that the rules of a server or virtual host, and of its sections, ask for."""
    servers = [one.rewriting for one in (*within(scope), *_sections(scope)) if one.rewriting is not None]
    return rewrite_answers.edits([line for one in servers for line in one.rules])


def _rewriting(scope: Scope) -> Rewriting:
    found: Rewriting = scope.rewriting or Rewriting()
    return found


def _sections(scope: Scope) -> list[Scope]:
    """Return the sections that say something, as httpd merges them: those for files, Location, If; the main server's first."""
    every = [section for server in reversed(within(scope)) for section in server.sections]
    found = [*in_order(every), *(one for one in every if one.kind is Kind.LOCATION), *ifs(every)]
    return [one for one in found if one.rewriting is not None]


def _options(scope: Scope) -> set[str]:
    """Return a server's options: a host's own, or else the main server's."""
    return next((_rewriting(one).options for one in within(scope) if _rewriting(one).options), set())


def _inherits(options: set[str], above: set[str], before: bool) -> bool:
    own, down = ("inheritbefore", "inheritdownbefore") if before else ("inherit", "inheritdown")
    return own in options or (down in above and "ignoreinherit" not in options)


def _server_rules(scope: Scope, sections: Sequence[Scope]) -> list[RuleLine]:
    own = _rewriting(scope).rules
    if scope.parent is None:
        return own
    if scope.rewriting is None and not any(section in scope.sections for section in sections):
        return []  # a host that says nothing has nothing (hook_uri2file: conf->server != r->server)
    above, options = _rewriting(scope.parent), _options(scope)
    if _inherits(options, above.options, before=False):
        return [*own, *above.rules]
    if _inherits(options, above.options, before=True):
        return [*above.rules, *own]
    return own


def _section_rules(sections: Sequence[Scope], number: int) -> list[tuple[tuple[Condition, ...], list[RuleLine]]]:
    """Return the rules in force where a section is the last, for each choice of those before it that have the request, too.

    The first choice whose conditions hold counts. Sections that inherit nothing have one choice.
    """
    ours = _rewriting(sections[number])
    found: list[tuple[tuple[Condition, ...], list[RuleLine]]] = []
    for at in range(number - 1, -1, -1):
        above = _rewriting(sections[at])
        behind = _inherits(ours.options, above.options, before=False)
        if not behind and not _inherits(ours.options, above.options, before=True):
            found.append(((sections[at].condition,), ours.rules))
            continue
        for beside, rules in _section_rules(sections, at):
            both = [*ours.rules, *rules] if behind else [*rules, *ours.rules]
            found.append(((sections[at].condition, *beside), both))
    if all(rules is ours.rules for _, rules in found):
        return [((), ours.rules)]
    return [*found, ((), ours.rules)]


def _enabled(scope: Scope, sections: Sequence[Scope], certain: Scope | None = None) -> Condition:
    """Return when rewriting is on: what the last section says that has the request, or else the host, or the main server."""
    said = next((_rewriting(one).engine for one in within(scope) if _rewriting(one).engine is not None), False)
    found: Condition = Always() if said else Never()
    for section in sections:
        engine = _rewriting(section).engine
        if engine is None:
            continue
        if section is certain:
            found = Always() if engine else Never()
        elif engine and not isinstance(found, Always):
            found = section.condition if isinstance(found, Never) else Any((section.condition, found))
        elif not engine and not isinstance(found, Never):
            found = Not(section.condition) if isinstance(found, Always) else All((Not(section.condition), found))
    return found


def _has_end(rules: Sequence[RuleLine]) -> bool:
    return any(one.flags.end for one in rules)


def _base(sections: Sequence[Scope]) -> str:
    """Return the RewriteBase of the last of sections: its own, or with MergeBase one of those around (config_perdir_merge)."""
    last = sections[-1]
    options: set[str] = set()
    base = ""
    for one in sections:
        around = one.kind is last.kind and not one.regex and f"{last.path.rstrip('/')}/".startswith(f"{one.path.rstrip('/')}/")
        if one is last or around:
            its = _rewriting(one)
            options = its.options or options
            base = its.base or (base if "mergebase" in options else "")
    return base


def _place(
    server: Scope, scope: Scope, site: Site, directory: bytes | None, base: bytes, counted: bytes
) -> rewrite_rules.Place:
    maps: dict[str, Map] = dict(_rewriting(server).maps)
    parent = server.parent
    options = _options(server)
    if parent is not None:
        above = _rewriting(parent)
        inherits = any(_inherits(options, above.options, before) for before in (False, True))
        if server.rewriting is None or inherits:
            maps = {**above.maps, **maps}

    def upstream(url: str, span: Span) -> str | Refuse:
        return site.upstream(scope, url, span)

    def expression(text: str, span: Span) -> Condition:
        return site.expression(scope, text, span)

    return rewrite_rules.Place(
        around=Around(site.names, maps, section=directory is not None),
        upstream=upstream,
        expression=expression,
        proxies="proxy" in server.modules or "proxy_module" in server.modules,
        own=site.own,
        worker=site.worker,
        balancer=site.balancer,
        files=site.files,
        instead=site.instead,
        directory=directory,
        base=base,
        encoding=site.encoding,
        counted=counted,
    )
