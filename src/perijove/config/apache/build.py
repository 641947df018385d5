"""What Apache does while it reads, before anything is checked: the lines of all files become one tree.

Carries out the directives that httpd marks EXEC_ON_READ: Include, LoadModule, Define, `<IfModule>` and its like, macros.
Follows ap_build_config() of httpd's server/config.c, and goes on after a fault where Apache stops.
Knows files and nesting. Must not know what other directives take or where they may stand: that is `reading`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perijove.config.apache import conditions, includes, macro
from perijove.config.apache.defines import Variables
from perijove.config.apache.directive import Fault, Word, arity, commands, few
from perijove.config.apache.document import Document, parse
from perijove.config.apache.modules import STATIC
from perijove.config.apache.table import table
from perijove.config.apache.words import fold, word
from perijove.text.diagnostic import Diagnostic, Severity
from perijove.text.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from perijove.config.apache.table import Command
    from perijove.config.apache.words import Logical

# No configuration of people's comes near; without bounds, macros that use macros and sections in sections cost all memory.
_LINES = 2_000_000
_NESTING = 100
_MPMS = ("mpm_event", "mpm_worker", "mpm_prefork")


@dataclass(slots=True)
class Node:
    """A directive or a section that is left when all files were read: `at` is where its arguments begin in its line."""

    name: str
    line: Logical
    at: int
    via: tuple[Span, ...]
    children: list[Node] = field(default_factory=list)

    @property
    def args(self) -> str:
        """What follows the name; for a section without arguments, its bracket."""
        return self.line.text[self.at :] or (">" if self.name.startswith("<") else "")


class _Lines:
    """The lines of a file, with those of macros in place of their uses."""

    def __init__(self, document: Document, via: tuple[Span, ...]) -> None:
        self._stack = [(iter([one.logical for one in document.lines]), via, "")]
        self.via = via
        self.using: frozenset[str] = frozenset()
        # Sections that a closing line was meant for, but stands too deep: their end is not missed again.
        self.strays: set[str] = set()

    def next(self) -> Logical | None:
        while self._stack:
            lines, via, _ = self._stack[-1]
            line = next(lines, None)
            if line is not None:
                self.via = via
                return line
            self._stack.pop()
            self.using = frozenset(name for _, _, name in self._stack if name)
        return None

    def push(self, lines: list[Logical], via: tuple[Span, ...], name: str) -> None:
        self._stack.append((iter(lines), via, name))
        self.using |= {name}


class Builder:
    """Reads files into one tree."""

    def __init__(
        self, variables: Variables, root: str, modules: Collection[str], parsed: Mapping[Source, Document] | None = None
    ) -> None:
        self.variables = variables
        self.root = root
        self.modules = set(modules)
        self.loads: list[Span] = []
        self.files: list[str] = []
        self.documents: dict[Source, Document] = {}
        self._parsed = parsed or {}
        self.diagnostics: list[Diagnostic] = []
        self._macros: dict[str, macro.Macro] | None = None
        self._includes = 0
        self._nesting = 0
        self._left = _LINES
        self._stopped = False

    def file(self, source: Source, via: tuple[Span, ...] = ()) -> list[Node]:
        """Read a file, and those that it includes."""
        document = self.documents.get(source) or self._parsed.get(source) or parse(source)
        self.documents[source] = document
        if not source.name.startswith("<"):
            self.files.append(source.name)
        return self._tree(_Lines(document, via), None)

    def _tree(self, lines: _Lines, within: Logical | None) -> list[Node]:
        """Read lines up to the end of the file, or of the section that is being carried out."""
        until = f"</{fold(word(within.text, 0)[0].rstrip('>'))[1:]}>" if within else ""
        top: list[Node] = []
        opened: list[Node] = []
        while (raw := self._next(lines)) is not None:
            if until and not opened and fold(raw.text) == until:
                return top
            if not raw.text or raw.text[0] == "#":
                continue
            line = self._resolved(raw, lines)
            name, _, _, at = word(line.text, 0)
            if not name:
                continue
            if name[1:2] != "/" and name.endswith(">"):
                name = name[:-1]
            its = next((one for one in commands(name, self.modules) if one.at_once), None)
            into = opened[-1].children if opened else top
            if its:
                into += self._carried_out(its, Node(name, line, at, lines.via), lines)
            elif not name.startswith("<"):
                into.append(Node(name, line, at, lines.via))
            elif name[1:2] != "/":
                into.append(Node(name, line, at, lines.via))
                opened.append(into[-1])
                if len(opened) + self._nesting > _NESTING:
                    self._stop(line.span(), lines.via, f"sections are nested more than {_NESTING} deep")
            elif self._closed(name, line, opened, lines, until):
                return top
        self._unclosed(opened, lines, within)
        return top

    def _next(self, lines: _Lines) -> Logical | None:
        if self._stopped:
            return None
        line = lines.next()
        self._left -= 1
        if not self._left and line is not None:
            self._stop(line.span(), lines.via, f"there are more than {_LINES} lines, with those that macros make")
        return line

    def _resolved(self, line: Logical, lines: _Lines) -> Logical:
        resolved, undefined = self.variables.resolve(line)
        for name, start, end in undefined:
            message = f"Config variable ${{{name}}} is not defined"
            hint = f"`Define {name} …` above, or set it in the environment; until then the text stays as it is"
            self._tell("undefined-variable", message, resolved.span(start, end), lines.via, hint, Severity.WARNING)
        return resolved

    def _closed(self, name: str, line: Logical, opened: list[Node], lines: _Lines, until: str) -> bool:
        """Close a section; return whether the one that is being carried out ends with it."""
        if not opened:
            lines.strays.add(fold(name[2:].rstrip(">")))
            message = f"{name} without matching <{name[2:]} section"
            self._tell("section-not-open", message, line.span(), lines.via, "take the line out, or open the section above")
            return False
        inner = name[2:-1] if name.endswith(">") else name[2:]
        names = [fold(one.name[1:]) for one in opened]
        if not name.endswith(">"):
            message, fault, hint = (
                f"{name}> directive missing closing '>'",
                "bracket-missing",
                f"write `{name}>`, without spaces",
            )
        elif fold(inner) == names[-1]:
            opened.pop()
            return False
        else:
            message, fault = f"Expected </{opened[-1].name[1:]}> but saw {name}", "sections-cross"
            there = opened[-1].line.span()
            hint = f"`{opened[-1].name}>` is opened in line {there.line}: close it first"
        self._tell(fault, message, line.span(), lines.via, hint)
        if fold(inner) in names:
            while fold(opened.pop().name[1:]) != fold(inner):
                pass
            return False
        lines.strays.add(fold(inner))
        return fold(name) == until

    def _unclosed(self, opened: list[Node], lines: _Lines, within: Logical | None) -> None:
        if self._stopped:
            return
        for one in reversed(opened):
            name = one.name[1:]
            if fold(name) in lines.strays:
                continue
            hint = f"write `</{name}>` where the section ends"
            # A section that is carried out at once ends with the file, and so does what is in it: Apache says nothing.
            severity = Severity.WARNING if within else Severity.ERROR
            self._tell("section-not-closed", f"{one.name}> was not closed.", one.line.span(), one.via, hint, severity)
        if within:
            name = word(within.text, 0)[0].rstrip(">")
            hint = f"write `</{name[1:]}>`; Apache takes the rest of the file for its own"
            self._tell("section-not-closed", f"{name}> was not closed.", within.span(), lines.via, hint, Severity.WARNING)

    # What is carried out at once.

    def _carried_out(self, command: Command, node: Node, lines: _Lines) -> list[Node]:
        name = fold(command.name)
        words = words_of(node.line, node.at, len(node.line.text))
        if name.startswith("<") and not words:
            words = (Word(node.args, node.line.span()),)
        wrong = arity(command, tuple(one.text for one in words), blank=not node.args)
        if wrong:
            self._fault(few(command, wrong, words), node, words)
            if name.startswith("<"):
                self._soak(node, lines)
            return []
        match name:
            case "include" | "includeoptional":
                return self._include(node, words[0].text, optional=name != "include")
            case "define":
                self._define(node, words)
            case "undefine":
                self._define(node, words, undo=True)
            case "loadmodule":
                self._load(node, words)
            case "serverroot":
                self._server_root(node, words[0].text)
            case "<macro":
                self._define_macro(node, lines)
            case "use":
                self._use(node, lines)
            case "undefmacro":
                self._undefine_macro(node, words[0].text)
            case _ if name.startswith("<if"):
                return self._condition(command, node, lines)
            case _ if name.startswith("<"):
                # mod_lua takes its program as it stands, up to the closing line.
                self._soak(node, lines)
                return [node]
            case _:
                pass
        return []

    def _include(self, node: Node, name: str, *, optional: bool) -> list[Node]:
        if self._includes == includes.DEPTH:
            message = f"Exceeded maximum include depth of {includes.DEPTH}, There appears to be a recursion."
            self._tell("include-loop", message, node.line.span(), node.via, "a file includes itself, perhaps by a pattern")
            self._stopped = True
            return []
        found: list[Node] = []
        self._includes += 1
        try:
            for path in includes.find(name, self.root, optional=optional):
                source = Source(path, includes.text(path))
                found += self.file(source, (*node.via, node.line.span()))
        except includes.NotFoundError as error:
            hint = f"paths are looked up in {self.root} (ServerRoot); `IncludeOptional` leaves out what is missing"
            self._tell("include-not-found", str(error), node.line.span(), node.via, hint)
        self._includes -= 1
        return found

    def _define(self, node: Node, words: tuple[Word, ...], *, undo: bool = False) -> None:
        name = words[0].text
        if ":" in name:
            fault = Fault("bad-variable-name", "Variable name must not contain ':'", "use letters, digits and `_`", 0)
            self._fault(fault, node, words)
        elif undo:
            self.variables.undefine(name)
        else:
            self.variables.define(name, words[1].text if len(words) > 1 and words[1].text else None)

    def _load(self, node: Node, words: tuple[Word, ...]) -> None:
        name, path = (one.text for one in words)
        plain = name.removesuffix("_module")
        self.loads.append(node.line.span())
        sources = table().sources
        if plain in STATIC:
            message = f"module {name} is built-in and can't be loaded"
            self._fault(
                Fault("module-is-static", message, "Debian's Apache has it built in: take the line out", 0), node, words
            )
        elif plain in self.modules:
            message = f"module {name} is already loaded, skipping"
            self._tell("module-loaded-twice", message, words[0].span, node.via, "take one of the lines out", Severity.WARNING)
        elif plain in _MPMS and any(one in self.modules for one in _MPMS):
            message = "Configuration error: More than one MPM loaded."
            self._fault(Fault("two-mpms", message, "load one of mpm_event, mpm_worker and mpm_prefork", 0), node, words)
        else:
            other = os.path.basename(path).removeprefix("mod_").removesuffix(".so")
            if plain in sources and other in sources and other != plain:
                message = f"Can't locate API module structure `{name}' in file {path}"
                self._fault(Fault("wrong-module-file", message, f"write `mod_{plain}.so`", 1), node, words)
            elif plain not in sources and os.path.isabs(path) and not os.path.exists(path):
                # Files of modules that Debian has need not be here: nothing of them is run.
                message = f"Cannot load {path} into server: {path}: cannot open shared object file: No such file or directory"
                self._fault(
                    Fault("no-module-file", message, "take the line out, or name the file as it is called here", 1), node, words
                )
            self.modules.add(plain)

    def _server_root(self, node: Node, name: str) -> None:
        path = os.path.normpath(os.path.join(self.root, name))
        if os.path.isdir(path):
            self.root = path
            return
        hint = "Include and the like are looked up there: name a folder that is on this machine"
        self._tell("no-server-root", "ServerRoot must be a valid directory", node.line.span(node.at), node.via, hint)

    def _condition(self, command: Command, node: Node, lines: _Lines) -> list[Node]:
        try:
            there = conditions.holds(command.name, node.args, modules=self.modules, variables=self.variables, root=self.root)
        except conditions.ConditionError as error:
            self._tell("bad-condition", str(error), node.line.span(), node.via, f"write `{command.name} …>`")
            there = False
        if not there:
            self._soak(node, lines)
            return []
        self._nesting += 1
        if self._nesting > _NESTING:
            self._stop(node.line.span(), node.via, f"sections are nested more than {_NESTING} deep")
        found = self._tree(lines, node.line)
        self._nesting -= 1
        return found

    def _soak(self, node: Node, lines: _Lines) -> None:
        """Pass over a section that is not there; sections in it must nest all the same (ap_soak_end_container)."""
        opened = [node.name[1:]]
        while (line := self._next(lines)) is not None:
            name, begin, _, at = word(line.text, 0)
            if not name.startswith("<") or begin == at:
                continue
            if not name.startswith("</"):
                opened.append(name[1:-1] if at == len(line.text) and name.endswith(">") else name[1:])
                continue
            inner = name[2:-1]
            if fold(inner) != fold(opened[-1]):
                message = f"Expected </{opened[-1]}> but saw </{inner}>"
                hint = "sections must nest in what a condition leaves out, too"
                self._tell("sections-cross", message, line.span(), lines.via, hint)
                if fold(inner) not in map(fold, opened):
                    continue
                while fold(opened[-1]) != fold(inner):
                    opened.pop()
            opened.pop()
            if not opened:
                return
        if not self._stopped:
            message = f"Expected </{opened[-1]}> before end of configuration"
            hint = f"write `</{opened[-1]}>` where the section ends"
            self._tell("section-not-closed", message, node.line.span(), node.via, hint)

    def _define_macro(self, node: Node, lines: _Lines) -> None:
        if self._macros is None:
            self._macros = {}
        location = f'defined on line {node.line.span().line} of "{node.line.source.name}"'
        try:
            name, parameters = macro.head(node.args, location)
        except macro.MacroError as error:
            self._tell("bad-macro", str(error), node.line.span(), node.via, "write `<Macro NAME $parameter>`")
            self._soak(node, lines)
            return
        try:
            taken = macro.body(lambda: self._next(lines), name, location)
        except macro.MacroError as error:
            if not self._stopped:
                hint = "write `</Macro>` where it ends"
                self._tell("section-not-closed", str(error), node.line.span(), node.via, hint)
            return
        self._macros[name] = macro.Macro(name, parameters, tuple(taken), location)

    def _use(self, node: Node, lines: _Lines) -> None:
        said = macro.arguments(node.args)
        name = fold(said[0]) if said else ""
        fault, hint = "bad-use", "define it above, by `<Macro>`"
        if self._macros is None:
            message = "no macro defined before Use"
        elif not name:
            message, hint = "no macro name specified with Use", "write `Use NAME`"
        elif name not in self._macros:
            message = f"macro '{name}' undefined"
            hint = f"defined are: {', '.join(sorted(self._macros))}" if self._macros else hint
        elif name in lines.using:
            message, hint = f"recursive use of macro '{name}' is invalid", "a macro cannot use itself"
        else:
            try:
                lines.push(self._macros[name].fill(said[1:]), (*lines.via, node.line.span()), name)
                return
            except macro.MacroError as error:
                message = str(error)
                hint = f'write `{" ".join(("Use", name, *self._macros[name].parameters))}`, an empty argument as `""`'
        self._tell(fault, message, node.line.span(), node.via, hint)

    def _undefine_macro(self, node: Node, said: str) -> None:
        name = fold(said)
        if self._macros is None:
            self._tell("bad-use", "no macro defined before UndefMacro", node.line.span(), node.via, "take the line out")
        elif name not in self._macros:
            message = f"cannot remove undefined macro '{name}'"
            self._tell("bad-use", message, node.line.span(), node.via, "take the line out")
        else:
            del self._macros[name]

    # What is told.

    def _stop(self, where: Span, via: tuple[Span, ...], message: str) -> None:
        self._tell("too-much", message, where, via, "perijove reads no further")
        self._stopped = True

    def _fault(self, fault: Fault, node: Node, words: tuple[Word, ...]) -> None:
        self.diagnostics.append(diagnostic(fault, node, words))

    def _tell(
        self, name: str, message: str, where: Span, via: tuple[Span, ...], hint: str, severity: Severity = Severity.ERROR
    ) -> None:
        self.diagnostics.append(Diagnostic(name=name, severity=severity, message=message, where=where, help=_used(hint, via)))


def words_of(line: Logical, at: int, end: int) -> tuple[Word, ...]:
    """Cut a part of a line into words."""
    words = []
    text = line.text[:end]
    while at < end:
        said, begin, stop, at = word(text, at)
        if begin < end:
            words.append(Word(said, line.span(begin, stop)))
    return tuple(words)


def diagnostic(fault: Fault, node: Node, words: tuple[Word, ...]) -> Diagnostic:
    """Return what is to be told of a directive: its place is that of the argument that is meant."""
    there = fault.word is not None and fault.word < len(words)
    where = words[fault.word or 0].span if there else node.line.span()
    return Diagnostic(
        name=fault.name, severity=Severity.ERROR, message=fault.message, where=where, help=_used(fault.help, node.via)
    )


def _used(hint: str, via: tuple[Span, ...]) -> str:
    """Add where the macro was used, if the line came by one: its place is in the definition."""
    if via and fold(word(via[-1].source.line(via[-1].line), 0)[0]) == "use":
        return f"{hint}{'; ' if hint else ''}the macro is used at {via[-1].source.name}:{via[-1].line}"
    return hint
