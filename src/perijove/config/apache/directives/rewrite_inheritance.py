"""Which RewriteRules, options and maps a request meets, of servers and sections that inherit from each other.

Sources: config_server_merge and config_perdir_merge (modules/mappers/mod_rewrite.c). Knows what scopes say of rewriting. Must not know
what a rule does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directives.mod_rewrite import Rewriting
from perijove.config.apache.files import in_order
from perijove.config.apache.scope import Kind, Scope, ifs, within
from perijove.gateway.conditions import All, Always, Any, Condition, Never, Not

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.config.apache.directives.rewrite_syntax import RuleLine
    from perijove.config.apache.directives.rewrite_text import Map


def rewriting_of(scope: Scope) -> Rewriting:
    """Return what a scope says about rewriting."""
    found: Rewriting = scope.rewriting or Rewriting()
    return found


def sections_of(scope: Scope) -> list[Scope]:
    """Return the sections that say something, as httpd merges them: those for files, Location, If; the main server's first."""
    every = [section for server in reversed(within(scope)) for section in server.sections]
    found = [*in_order(every), *(one for one in every if one.kind is Kind.LOCATION), *ifs(every)]
    return [one for one in found if one.rewriting is not None]


def options_of(scope: Scope) -> set[str]:
    """Return a server's options: a host's own, or else the main server's."""
    return next((rewriting_of(one).options for one in within(scope) if rewriting_of(one).options), set())


def _inherits(options: set[str], above: set[str], before: bool) -> bool:
    own, down = ("inheritbefore", "inheritdownbefore") if before else ("inherit", "inheritdown")
    return own in options or (down in above and "ignoreinherit" not in options)


def server_rules(scope: Scope, sections: Sequence[Scope]) -> list[RuleLine]:
    """Return the rules of a server, with those that it inherits; `sections` say something of rewriting."""
    own = rewriting_of(scope).rules
    if scope.parent is None:
        return own
    if scope.rewriting is None and not any(section in scope.sections for section in sections):
        return []  # a host that says nothing has nothing (hook_uri2file: conf->server != r->server)
    above, options = rewriting_of(scope.parent), options_of(scope)
    if _inherits(options, above.options, before=False):
        return [*own, *above.rules]
    if _inherits(options, above.options, before=True):
        return [*above.rules, *own]
    return own


@dataclass(frozen=True, slots=True)
class Merged:
    """What is in force where a section is the last, if a request is in these others, too."""

    beside: tuple[Condition, ...]
    rules: list[RuleLine]
    options: set[str]
    base: str  # RewriteBase


def merged(sections: Sequence[Scope], number: int) -> list[Merged]:
    """Return what is in force where a section is the last, for each choice of those before it that have the request, too.

    The first choice whose conditions hold counts (config_perdir_merge: each is merged with what has come of all before it).
    """
    ours = rewriting_of(sections[number])
    alone = Merged((), ours.rules, ours.options, ours.base)
    if not any(_MERGING & rewriting_of(one).options for one in sections[: number + 1]):
        return [alone]
    found: list[Merged] = []
    for at in range(number - 1, -1, -1):
        choices = [_with(ours, above, sections[at].condition) for above in merged(sections, at)]
        last = choices[-1]
        same = all((one.rules, one.options, one.base) == (last.rules, last.options, last.base) for one in choices)
        found += [last] if same else choices
    if all((one.rules, one.options, one.base) == (alone.rules, alone.options, alone.base) for one in found):
        return [alone]
    return [*found, alone]


_MERGING: Final = frozenset(("inherit", "inheritbefore", "inheritdown", "inheritdownbefore", "mergebase"))


def _with(ours: Rewriting, above: Merged, condition: Condition) -> Merged:
    options = ours.options or above.options
    rules = ours.rules
    if _inherits(options, above.options, before=False):
        rules = [*ours.rules, *above.rules]
    elif _inherits(options, above.options, before=True):
        rules = [*above.rules, *ours.rules]
    base = ours.base or (above.base if "mergebase" in options else "")
    return Merged((condition, *above.beside), rules, options, base)


def enabled(scope: Scope, sections: Sequence[Scope], certain: Scope | None = None) -> Condition:
    """Return when rewriting is on: what the last section says that has the request, or else the host, or the main server."""
    said = next((rewriting_of(one).engine for one in within(scope) if rewriting_of(one).engine is not None), False)
    found: Condition = Always() if said else Never()
    for section in sections:
        engine = rewriting_of(section).engine
        if engine is None:
            continue
        if section is certain:
            found = Always() if engine else Never()
        elif engine and not isinstance(found, Always):
            found = section.condition if isinstance(found, Never) else Any((section.condition, found))
        elif not engine and not isinstance(found, Never):
            found = Not(section.condition) if isinstance(found, Always) else All((Not(section.condition), found))
    return found


def maps_of(server: Scope) -> dict[str, Map]:
    """Return the maps of a server: a host's own, and the main server's if it inherits."""
    maps: dict[str, Map] = dict(rewriting_of(server).maps)
    parent = server.parent
    if parent is not None:
        options, above = options_of(server), rewriting_of(parent)
        inherits = any(_inherits(options, above.options, before) for before in (False, True))
        if server.rewriting is None or inherits:
            maps = {**above.maps, **maps}
    return maps
