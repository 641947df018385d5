"""Macros: a body of lines with parameters, put in place of each Use (httpd's mod_macro.c).

Knows how a body is collected and filled. Must not know what the lines mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perijove.config.apache.words import Logical, Piece, fold, word

if TYPE_CHECKING:
    from collections.abc import Callable

# Parameters begin with one of these; what fills one that begins with @ is put in quotes.
_PREFIXES = "$%@"


class MacroError(Exception):
    """What is wrong with a macro, in Apache's words."""


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro: its name in small letters, its parameters, its lines, and where it is defined, in Apache's words."""

    name: str
    parameters: tuple[str, ...]
    lines: tuple[Logical, ...]
    location: str

    def fill(self, arguments: tuple[str, ...]) -> list[Logical]:
        """Return the lines with arguments in place of parameters; raise MacroError if their number is wrong."""
        if len(arguments) != len(self.parameters):
            raise MacroError(
                f"macro '{self.name}' ({self.location}) used with {len(arguments)} arguments instead of {len(self.parameters)}"
            )
        return [self._filled(one, arguments) for one in self.lines]

    def _filled(self, line: Logical, arguments: tuple[str, ...]) -> Logical:
        parts, at = [], 0
        while True:
            start, which = self._next(line.text, at)
            if which < 0:
                break
            parts.append(line.text[at:start])
            said = arguments[which]
            if self.parameters[which].startswith("@") and said != self.parameters[which]:
                escaped = said.replace("\\", "\\\\").replace('"', '\\"')
                said = f'"{escaped}"'
            parts.append(said)
            at = start + len(self.parameters[which])
        if not parts:
            return line
        there = line.span()
        text = "".join((*parts, line.text[at:])).strip(" \t\n\v\f\r")
        return Logical(line.source, text, (Piece(0, there.line, there.column, there.size),))

    def _next(self, text: str, at: int) -> tuple[int, int]:
        """Return where the next parameter stands and which it is: the first, and of those that begin there the longest."""
        best, which = len(text) + 1, -1
        for i, one in enumerate(self.parameters):
            found = text.find(one, at)
            longer = which < 0 or len(one) > len(self.parameters[which])
            if found >= 0 and (found < best or (found == best and longer)):
                best, which = found, i
        return best, which


def arguments(text: str) -> tuple[str, ...]:
    """Cut a line into arguments; empty ones in quotes count."""
    words = []
    at = 0
    while at < len(text):
        said, begin, _, at = word(text, at)
        if begin < len(text):
            words.append(said)
    return tuple(words)


def head(args: str, location: str) -> tuple[str, tuple[str, ...]]:
    """Return the name and the parameters that follow `<Macro`; raise MacroError with Apache's message."""
    end = args.rfind(">")
    if end < 0:
        raise MacroError("<Macro> directive missing closing '>'")
    if end == 0:
        raise MacroError("<Macro macro definition: empty name")
    name, *parameters = arguments(args[:end]) or ("",)
    if not name:
        raise MacroError("<Macro macro definition: name not found")
    name = fold(name)
    for i, one in enumerate(parameters):
        if not one:
            raise MacroError(f"macro '{name}' ({location}): empty argument #{i + 1} name")
        if one in parameters[:i]:
            first = parameters.index(one)
            raise MacroError(
                f"argument name conflict in macro '{name}' ({location}): "
                f"argument '{one}': #{first + 1} and #{i + 1}, change argument names!"
            )
    return name, tuple(parameters)


def body(next_line: Callable[[], Logical | None], name: str, location: str) -> list[Logical]:
    """Take lines up to the `</Macro>` that belongs to it; comments are left out. Raise MacroError if there is none."""
    lines: list[Logical] = []
    depth = 1
    while (line := next_line()) is not None:
        if line.text.startswith("#"):
            continue
        first = fold(word(line.text, 0)[0])
        if first == "</macro>":
            depth -= 1
            if not depth:
                return lines
        elif first == "<macro":
            depth += 1
        lines.append(line)
    raise MacroError(f"macro '{name}' ({location})\n\tcontents error: expected token not found: </Macro>")
