"""mod_rewrite: what its directives add to a scope.

Source: modules/mappers/mod_rewrite.c (cmd_rewriteengine and its like). Must not know what rules do (`rewrite_rules`), nor which of them a
request meets, and when (`rewrite_inheritance`, `rewrite_phases`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from perijove.config.apache.directives import directive
from perijove.config.apache.directives.rewrite_syntax import Cond, RuleLine, Wrong, condition, rule
from perijove.config.apache.directives.rewrite_text import Map, read_table
from perijove.config.apache.expression import condition_of
from perijove.config.apache.expression_tree import ExpressionError
from perijove.config.apache.modules import enabling
from perijove.config.apache.scope import Kind, Scope, root_of
from perijove.gateway.templates import Function

if TYPE_CHECKING:
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


def rewriting(scope: Scope) -> Rewriting:
    """Return what a scope says about rewriting, to be added to."""
    if scope.rewriting is None:
        scope.rewriting = Rewriting()
    found: Rewriting = scope.rewriting
    return found


@directive("RewriteEngine")
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


@directive("RewriteOptions")
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


@directive("RewriteBase")
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
    "unescape": Function.DECODE,
}
_DATABASES: Final = ("", "db", "default", "gdbm", "ndbm", "sdbm")  # APR's
_FOREIGN: Final = ("dbm:", "dbm=", "dbd:", "fastdbd:", "prg:")


@directive("RewriteMap")
def rewrite_map(line: Line, scope: Scope) -> None:
    """Name a table or a function."""
    if not 2 <= len(line.words) <= 3:
        message = "RewriteMap takes two or three arguments, a mapname and a filename and options"
        scope.error("rewrite-map", message, line.span, "write `RewriteMap NAME txt:/path/to/file`")
        return
    name, source = line.words[0].text, line.words[1].text
    maps = rewriting(scope).maps
    if source.lower().startswith(_FOREIGN):
        kind, _, said = source.partition(":")[0].partition("=")
        named = source.partition(":")[2].split(" ")[0]
        if kind.lower() in ("dbd", "fastdbd") and "dbd" not in scope.modules:
            scope.error("rewrite-map", "RewriteMap types dbd and fastdbd require mod_dbd!", line.span, enabling("dbd"))
            return
        if kind.lower() == "dbm" and said.lower() not in _DATABASES:
            message = f"RewriteMap: dbm type {said} is invalid"
            scope.error("rewrite-map", message, line.span, "write `dbm:` and the file, or one of `dbm=sdbm:` and `dbm=db:`")
            return
        path = root_of(scope, named + (".dir" if said.lower() == "sdbm" else ""))
        if kind.lower() in ("prg", "dbm") and named and not os.path.exists(path):
            scope.error(
                "rewrite-map", f"RewriteMap: file for map {name} not found:{path}", line.span, "name a file that is there"
            )
            return
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
    path = root_of(scope, source[4:] if draw or source.lower().startswith("txt:") else source)
    try:
        maps[name] = Map(None, read_table(Path(path).read_bytes()), draw)
    except IsADirectoryError:
        maps[name] = Map()  # httpd only looks whether something is there
    except OSError:
        message = f"RewriteMap: file for map {name} not found:{path}"
        hint = "name a file that can be read: kinds of maps are `txt:`, `rnd:`, `int:`, `dbm:` and `prg:`"
        scope.error("rewrite-map", message, line.span, hint)


@directive("RewriteCond")
def rewrite_cond(line: Line, scope: Scope) -> None:
    """Say when the next rule is for a request."""

    def warn(message: str) -> None:
        scope.warn("rewrite-nocase", f"RewriteCond: {message}", line.span, "leave out NC")

    try:
        made = condition(line.rest.text, line.span, warn)
    except Wrong as fault:
        scope.error("rewrite-cond", f"RewriteCond: {fault.args[0]}", line.span, fault.args[1])
        return
    if made.kind is None:  # httpd reads it here, whether or not a rule follows
        try:
            condition_of(made.argument, scope)
        except ExpressionError as error:
            if not error.name.startswith("not-emulated"):
                message = f'RewriteCond: cannot compile expression "{made.argument}": {error.message}'
                scope.error(error.name, message, line.span, error.help)
                return
    rewriting(scope).conditions.append(made)


@directive("RewriteRule")
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
