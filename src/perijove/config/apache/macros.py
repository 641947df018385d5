"""mod_macro while files are read: macros that are defined, used and forgotten.

Source: modules/core/mod_macro.c (macro_section, use_macro, undef_macro). `macro` knows what one is. Must not know what is in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.config.apache import macro
from perijove.config.apache.nesting import Following, soak
from perijove.config.apache.words import fold

if TYPE_CHECKING:
    from perijove.config.apache.complaints import Complaints
    from perijove.config.apache.nodes import Lines, Node

_MOST: Final = 50_000  # lines that macros make in all: those that use others twice double them, macro after macro


class Macros:
    """The macros that there are."""

    def __init__(self, told: Complaints) -> None:
        self.told = told
        self._macros: dict[str, macro.Macro] | None = None  # None: there was none yet
        self._left = _MOST

    def define(self, node: Node, lines: Lines, following: Following) -> None:
        """Read a macro, up to where it ends (<Macro>)."""
        if self._macros is None:
            self._macros = {}
        location = f'defined on line {node.line.span().line} of "{node.line.source.name}"'
        try:
            name, parameters = macro.head(node.args, location)
        except macro.MacroError as error:
            self.told.tell("bad-macro", str(error), node.line.span(), node.via, "write `<Macro NAME $parameter>`")
            soak(node, lines, following, self.told)
            return
        try:
            taken = macro.body(following, name, location)
        except macro.MacroError as error:
            if not self.told.stopped:
                hint = "write `</Macro>` where it ends"
                self.told.tell("section-not-closed", str(error), node.line.span(), node.via, hint)
            return
        self._macros[name] = macro.Macro(name, parameters, tuple(taken), location)

    def use(self, node: Node, lines: Lines) -> None:
        """Let the lines of a macro come next (Use)."""
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
                filled = self._macros[name].fill(said[1:])
                self._left -= len(filled)
                if self._left < 0:
                    self.told.stop(node.line.span(), node.via, f"macros make more than {_MOST} lines")
                else:
                    lines.push(filled, (*lines.via, node.line.span()), name)
                return
            except macro.MacroError as error:
                message = str(error)
                hint = f'write `{" ".join(("Use", name, *self._macros[name].parameters))}`, an empty argument as `""`'
        self.told.tell(fault, message, node.line.span(), node.via, hint)

    def undefine(self, node: Node, said: str) -> None:
        """Forget a macro (UndefMacro)."""
        name = fold(said)
        if self._macros is None:
            self.told.tell("bad-use", "no macro defined before UndefMacro", node.line.span(), node.via, "take the line out")
        elif name not in self._macros:
            message = f"cannot remove undefined macro '{name}'"
            self.told.tell("bad-use", message, node.line.span(), node.via, "take the line out")
        else:
            del self._macros[name]
