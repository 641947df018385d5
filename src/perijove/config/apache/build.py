"""What Apache does while it reads, before anything is checked: the lines of all files become one tree.

Carries out the directives that httpd marks EXEC_ON_READ: Include, LoadModule, Define, `<IfModule>` and its like, macros.
Follows ap_build_config() of httpd's server/config.c, and goes on after a fault where Apache stops.
Knows files and nesting. Must not know what other directives take or where they may stand: that is `reading`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from perijove.config.apache import conditions, includes, nesting
from perijove.config.apache.complaints import Complaints
from perijove.config.apache.directive import Fault, Word, arity, commands, few
from perijove.config.apache.document import Document, parse
from perijove.config.apache.loading import load, load_files
from perijove.config.apache.macros import Macros
from perijove.config.apache.nodes import Lines, Node, words_of
from perijove.config.apache.words import fold, word
from perijove.text.diagnostic import Diagnostic, Severity
from perijove.text.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from perijove.config.apache.defines import Variables
    from perijove.config.apache.table import Command
    from perijove.config.apache.words import Logical

# No configuration of people's comes near; without bounds, macros that use macros and sections in sections cost all memory.
_LINES = 2_000_000
_NESTING = 100


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
        self.told = Complaints()
        self._macros = Macros(self.told)
        self._includes = 0
        self._nesting = 0
        self._left = _LINES

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """What has been told."""
        return self.told.diagnostics

    def file(self, source: Source, via: tuple[Span, ...] = ()) -> list[Node]:
        """Read a file, and those that it includes."""
        document = self.documents.get(source) or self._parsed.get(source) or parse(source)
        self.documents[source] = document
        if not source.name.startswith("<"):
            self.files.append(source.name)
        return self._tree(Lines(document, via), None)

    def _tree(self, lines: Lines, within: Logical | None) -> list[Node]:
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
                    self.told.stop(line.span(), lines.via, f"sections are nested more than {_NESTING} deep")
            elif nesting.closed(name, line, opened, lines, until, self.told):
                return top
        nesting.unclosed(opened, lines, within, self.told)
        return top

    def _next(self, lines: Lines) -> Logical | None:
        if self.told.stopped:
            return None
        line = lines.next()
        self._left -= 1
        if not self._left and line is not None:
            self.told.stop(line.span(), lines.via, f"there are more than {_LINES} lines, with those that macros make")
        return line

    def _resolved(self, line: Logical, lines: Lines) -> Logical:
        resolved, undefined = self.variables.resolve(line)
        for name, start, end in undefined:
            message = f"Config variable ${{{name}}} is not defined"
            hint = f"`Define {name} …` above, or set it in the environment; until then the text stays as it is"
            self.told.tell("undefined-variable", message, resolved.span(start, end), lines.via, hint, Severity.WARNING)
        return resolved

    # What is carried out at once.

    def _carried_out(self, command: Command, node: Node, lines: Lines) -> list[Node]:
        name = fold(command.name)
        words = words_of(node.line, node.at, len(node.line.text))
        if name.startswith("<") and not words:
            words = (Word(node.args, node.line.span()),)
        wrong = arity(command, tuple(one.text for one in words), blank=not node.args)
        if wrong:
            self.told.fault(few(command, wrong, words), node, words)
            if name.startswith("<"):
                nesting.soak(node, lines, lambda: self._next(lines), self.told)
            return []
        match name:
            case "include" | "includeoptional":
                return self._include(node, words[0].text, optional=name != "include")
            case "define":
                self._define(node, words)
            case "undefine":
                self._define(node, words, undo=True)
            case "loadmodule":
                self.loads.append(node.line.span())
                load(node, words, self.modules, self.told)
            case "serverroot":
                self._server_root(node, words[0].text)
            case "defaultruntimedir":
                self._runtime_directory(node, words)
            case "loadfile":
                load_files(node, words, self.told)
            case "<macro":
                self._macros.define(node, lines, lambda: self._next(lines))
            case "use":
                self._macros.use(node, lines)
            case "undefmacro":
                self._macros.undefine(node, words[0].text)
            case _ if name.startswith("<if"):
                return self._condition(command, node, lines)
            case _ if name.startswith("<"):
                # mod_lua takes its program as it stands, up to the closing line.
                nesting.soak(node, lines, lambda: self._next(lines), self.told)
                return [node]
            case _:
                pass
        return []

    def _include(self, node: Node, name: str, *, optional: bool) -> list[Node]:
        if self._includes == includes.DEPTH:
            message = f"Exceeded maximum include depth of {includes.DEPTH}, There appears to be a recursion."
            self.told.tell("include-loop", message, node.line.span(), node.via, "a file includes itself, perhaps by a pattern")
            self.told.stopped = True
            return []
        found: list[Node] = []
        self._includes += 1
        try:
            for path in includes.find(name, self.root, optional=optional):
                source = Source(path, includes.text(path))
                found += self.file(source, (*node.via, node.line.span()))
        except includes.NotFoundError as error:
            hint = f"paths are looked up in {self.root} (ServerRoot); `IncludeOptional` leaves out what is missing"
            self.told.tell("include-not-found", str(error), node.line.span(), node.via, hint)
        self._includes -= 1
        return found

    def _define(self, node: Node, words: tuple[Word, ...], *, undo: bool = False) -> None:
        name = words[0].text
        if ":" in name:
            fault = Fault("bad-variable-name", "Variable name must not contain ':'", "use letters, digits and `_`", 0)
            self.told.fault(fault, node, words)
        elif undo:
            self.variables.undefine(name)
        else:
            self.variables.define(name, words[1].text if len(words) > 1 and words[1].text else None)

    def _server_root(self, node: Node, name: str) -> None:
        path = os.path.normpath(os.path.join(self.root, name))
        if os.path.isdir(path):
            self.root = path
            return
        hint = "Include and the like are looked up there: name a folder that is on this machine"
        self.told.tell("no-server-root", "ServerRoot must be a valid directory", node.line.span(node.at), node.via, hint)

    def _runtime_directory(self, node: Node, words: tuple[Word, ...]) -> None:
        if not os.path.isdir(os.path.join(self.root, words[0].text)):
            message = "DefaultRuntimeDir must be a valid directory, absolute or relative to ServerRoot"
            self.told.fault(Fault("no-such-file", message, "name a directory that is on this machine", 0), node, words)

    def _condition(self, command: Command, node: Node, lines: Lines) -> list[Node]:
        try:
            there = conditions.holds(command.name, node.args, modules=self.modules, variables=self.variables, root=self.root)
        except conditions.ConditionError as error:
            self.told.tell("bad-condition", str(error), node.line.span(), node.via, f"write `{command.name} …>`")
            there = False
        if not there:
            nesting.soak(node, lines, lambda: self._next(lines), self.told)
            return []
        self._nesting += 1
        if self._nesting > _NESTING:
            self.told.stop(node.line.span(), node.via, f"sections are nested more than {_NESTING} deep")
        found = self._tree(lines, node.line)
        self._nesting -= 1
        return found
