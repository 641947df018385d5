"""What Apache understands when it has read a configuration: the directives that are in force, each checked as Apache does.

`read` is what `apachectl configtest` does, as far as values do not matter. All faults are told at once.
Knows where directives may stand and how sections nest. Must not know what they mean for a proxy.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perijove.config.apache import includes
from perijove.config.apache.build import Builder
from perijove.config.apache.complaints import diagnostic
from perijove.config.apache.defines import Variables, envvars
from perijove.config.apache.directive import Directive, Fault, Scope, Section, Word, arity, commands, few, misplaced, unknown
from perijove.config.apache.modules import ASSUMED, STATIC, stranger
from perijove.config.apache.nodes import Node, words_of
from perijove.config.apache.table import table
from perijove.config.apache.values import FILLED, VALUES
from perijove.config.apache.words import fold, rewrite_words
from perijove.text.diagnostic import Diagnostic, Severity
from perijove.text.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from perijove.config.apache.document import Document
    from perijove.config.apache.table import Command

_DEBIAN = "/etc/apache2"
_SOUGHT = 20  # unknown names of which the nearest known ones are looked for: a file with more of them is not Apache's


@dataclass(frozen=True, slots=True)
class Reading:
    """What is in force, in order; what was read to get there; and what is to be said of it."""

    items: tuple[Directive | Section, ...]
    modules: frozenset[str]
    defines: Mapping[str, str]
    files: tuple[str, ...]
    documents: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...]
    # Nothing that was read loads modules: a file of sites-enabled. Debian's usual ones are assumed, and a proxy's.
    assumed: bool
    root: str = "/etc/apache2"  # ServerRoot: where relative paths begin


def read(
    source: Source,
    defines: Sequence[str] = (),
    *,
    root: str | None = None,
    environment: Mapping[str, str] | None = None,
    modules: Collection[str] | None = None,
    elsewhere: bool = False,
) -> Reading:
    """Read a configuration. `defines` are the names of `-D`; `root` is where ServerRoot begins.

    `modules` are loaded if nothing that is read loads any; None: those that are assumed.

    `elsewhere`: it may be of another machine, whose MPM is built in, or a part whose modules are loaded by a file that is not
    there: no configuration does without mod_authz_core.

    Without `environment`, it is the process' own, and above it envvars of the root, as apachectl has it.
    """
    base = os.path.abspath(root or _root(source.name))
    known = _environment(base) if environment is None else environment
    builder = Builder(Variables(known, set(defines)), base, STATIC)
    nodes = builder.file(source)
    loaded = builder.modules.copy()
    without_mpm = bool(builder.loads) and not any(one.startswith("mpm_") for one in loaded)
    assumed = not builder.loads or (elsewhere and without_mpm and "authz_core" not in loaded)
    if assumed or (elsewhere and without_mpm):
        others = ASSUMED if modules is None else modules
        others = [one for one in others if one not in loaded] if assumed else ["mpm_event"]
        builder = Builder(Variables(known, set(defines)), base, (*STATIC, *others), builder.documents)
        nodes = builder.file(source)
    walker = _Walker(frozenset(builder.modules), builder.root, assumed=assumed, given=modules is not None)
    items = walker.items(nodes, walker.scope)
    more = [_assumed(source)] if assumed and nodes and modules is None else []
    if without_mpm and not assumed:
        more.append(_no_mpm(builder.loads[0]))
    return Reading(
        items,
        walker.modules,
        dict.fromkeys(sorted(builder.variables.names), "") | builder.variables.values,
        tuple(dict.fromkeys(builder.files)),
        tuple(builder.documents.values()),
        (*builder.diagnostics, *walker.diagnostics, *more),
        assumed,
        builder.root,
    )


def _root(name: str) -> str:
    """Return the folder that has Debian's apache2.conf, if the file lies in it or one below, else Debian's own."""
    folder = os.path.dirname(os.path.abspath(name))
    for one in (folder, os.path.dirname(folder)):
        if os.path.exists(os.path.join(one, "apache2.conf")):
            return one
    return _DEBIAN


def _environment(root: str) -> dict[str, str]:
    known = dict(os.environ)
    try:
        text = includes.text(os.path.join(root, "envvars"))
    except includes.NotFoundError:
        return known
    return known | envvars(text, root, known)


def _assumed(source: Source) -> Diagnostic:
    return Diagnostic(
        name="modules-assumed",
        severity=Severity.ADVICE,
        message="no LoadModule was read: the modules that Debian enables are assumed, and those that a proxy needs",
        where=Span(source, 1),
        help="give the file that loads modules (`/etc/apache2/apache2.conf`) to have them as they are",
    )


def _no_mpm(where: Span) -> Diagnostic:
    return Diagnostic(
        name="no-mpm",
        severity=Severity.ERROR,
        message="Configuration error: No MPM loaded.",
        where=where,
        help="Apache does not start without one: `LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so`",
    )


class _Walker:
    """Goes through what was read, and checks it."""

    def __init__(self, modules: frozenset[str], root: str, *, assumed: bool, given: bool) -> None:
        self.modules = modules
        self.diagnostics: list[Diagnostic] = []
        self._assumed = assumed and not given
        self._unknown = 0
        self._strangers = assumed or any(one not in table().sources for one in modules)
        self._aliases: set[str] = set()
        self.scope = Scope(modules=modules, strangers=self._strangers, root=root, aliases=self._aliases)

    def items(self, nodes: list[Node], scope: Scope) -> tuple[Directive | Section, ...]:
        """Return what is in force in a scope."""
        found = []
        conditional = False
        for node in nodes:
            its = [one for one in commands(node.name, self.modules) if not one.at_once]
            low = fold(node.name)
            item = self._item(node, its, scope)
            if low in ("<else", "<elseif") and its and not conditional:
                self._told(node, (), _NO_IF)
            conditional = low in ("<if", "<elseif") or (conditional and low != "<else")
            if item is not None:
                found.append(item)
        return tuple(found)

    def _item(self, node: Node, its: list[Command], scope: Scope) -> Directive | Section | None:
        canonical = its[0].name if its else node.name
        item = self._read(node, canonical)
        fault = self._fault(node, its, item, scope)
        if fault is not None:
            self._told(node, item.words, fault)
        if not isinstance(item, Section):
            # What is only missing on this machine is in force all the same, for who asks what the file means.
            return None if fault and fault.name not in _MISSING else item
        if not its:
            return None if fault else item
        inside = self.items(node.children, scope.inside(item.name))
        if fold(item.name) in _ALIASES and len(item.words) > 1:
            self._aliases.add(item.words[1].text)
        item = Section(item.name, item.words, item.rest, inside, item.span, item.via, item.closed)
        if fault is None and canonical in FILLED and (fault := FILLED[canonical](item, scope)):
            self._told(node, item.words, fault)
        return item

    def _fault(self, node: Node, its: list[Command], item: Directive | Section, scope: Scope) -> Fault | None:
        if not its:
            if self._strangers and stranger(node.name.lstrip("<")):
                return None
            if any(one.at_once for one in commands(node.name, self.modules)):
                return None
            self._unknown += 1
            return unknown(node.name, assumed=self._assumed, near=self._unknown <= _SOUGHT)
        words = tuple(one.text for one in item.words)
        for command in its:
            if refused := scope.refuses(command):
                return misplaced(command, refused)
            if wrong := arity(command, words, blank=not node.args):
                return few(command, wrong, item.words)
        check = VALUES.get(its[0].name)
        return check(item, scope) if check else None

    def _read(self, node: Node, name: str) -> Directive | Section:
        line, at = node.line, node.at
        if not name.startswith("<"):
            rest = Word(line.text[at:], line.span(min(at, len(line.text) - 1)))
            words: tuple[Word, ...]
            if name in ("RewriteRule", "RewriteCond"):
                words = tuple(Word(said, line.span(begin, end)) for said, begin, end in rewrite_words(line.text, at))
            else:
                words = words_of(line, at, len(line.text))
            return Directive(name, words, rest, line.span(), node.via)
        end = line.text.rfind(">", at)
        stop = len(line.text) if end < 0 else end
        begin, after = line.strip(min(at, stop), stop)
        rest = Word(line.text[begin:after], line.span(begin, max(begin + 1, after)))
        words = words_of(line, at, stop)
        # ap_build_config_sub() puts in the bracket of a name that stands alone, whether it was there or not.
        alone = at == len(line.text)
        return Section(name[1:], words, rest, (), line.span(), node.via, end >= 0 or alone)

    def _told(self, node: Node, words: tuple[Word, ...], fault: Fault) -> None:
        self.diagnostics.append(diagnostic(fault, node, words))


_MISSING = ("no-such-file", "no-such-user", "no-log-directory")
_ALIASES = ("authnprovideralias", "authzprovideralias")
_NO_IF = Fault(
    "else-without-if",
    "<Else> or <ElseIf> section without previous <If> or <ElseIf> section in same scope",
    "it belongs after the `</If>` of the same section",
)
