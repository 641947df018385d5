"""What is told while files are read, and whether reading goes on.

Knows diagnostics, and how to point at where a macro is used. Must not know what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.config.apache.words import fold, word
from perijove.text.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from perijove.config.apache.directive import Fault, Word
    from perijove.config.apache.nodes import Node
    from perijove.text.source import Span


class Complaints:
    """What has been told; `stopped` is set when there is too much to read on."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.stopped = False

    def tell(
        self, name: str, message: str, where: Span, via: tuple[Span, ...], hint: str, severity: Severity = Severity.ERROR
    ) -> None:
        """Tell of a fault at a place, to which a reader came by way of others."""
        self.diagnostics.append(Diagnostic(name=name, severity=severity, message=message, where=where, help=_used(hint, via)))

    def fault(self, fault: Fault, node: Node, words: tuple[Word, ...]) -> None:
        """Tell of a fault of a directive."""
        self.diagnostics.append(diagnostic(fault, node, words))

    def stop(self, where: Span, via: tuple[Span, ...], message: str) -> None:
        """Tell that there is too much, and read no further."""
        self.tell("too-much", message, where, via, "perijove reads no further")
        self.stopped = True


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
