"""A configuration as a tree of lines, which can be written as a text and cut down line by line.

Knows how sections are written. Knows no directive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.oracle.case import Case, Request

FRONT = "{LISTEN}"  # where a virtual host listens; in a batch each configuration has its own place


@dataclass(frozen=True)
class Node:
    """A directive; or a section, whose line is `<Name argument>`."""

    line: str
    children: tuple[Node, ...] | None = None

    def lines(self) -> Iterator[str]:
        """Return it as it is written."""
        yield self.line
        if self.children is not None:
            for one in self.children:
                yield from one.lines()
            yield f"</{self.line[1:].split()[0].rstrip('>')}>"

    def smaller(self) -> Iterator[Node]:
        """Return what it is with one line less inside."""
        if self.children is not None:
            for children in smaller(self.children):
                yield replace(self, children=children)


def smaller(nodes: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    """Return lists with one line or section less."""
    for at in range(len(nodes)):
        yield nodes[:at] + nodes[at + 1 :]
    for at, one in enumerate(nodes):
        for less in one.smaller():
            yield (*nodes[:at], less, *nodes[at + 1 :])


def halves(nodes: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    """Return lists of which one section has only the first or second half, or all but a few, of what it had."""
    for at, one in enumerate(nodes):
        inside = one.children or ()
        for size in {len(inside) // 2, len(inside) // 4} - {0, 1}:
            for begin in range(0, len(inside), size):
                for kept in (inside[begin : begin + size], inside[:begin] + inside[begin + size :]):
                    yield (*nodes[:at], replace(one, children=kept), *nodes[at + 1 :])


@dataclass(frozen=True)
class Small:
    """A small configuration, with requests to it."""

    name: str
    main: tuple[Node, ...]  # lines of the main server
    hosts: tuple[Node, ...]  # virtual hosts
    requests: tuple[Request, ...]
    modules: tuple[str, ...]
    whole: bool = True  # it is right, as far as whoever drew it knows
    notes: dict[str, Any] = field(default_factory=dict, compare=False)

    def text(self, main: bool = True) -> str:
        """Return the configuration, with the main server's lines or without."""
        nodes = (*self.main, *self.hosts) if main else self.hosts
        return "\n".join(line for one in nodes for line in one.lines())

    def case(self) -> Case:
        """Return it as a case that is played alone."""
        return Case(self.name, self.text(), list(self.requests), list(self.modules))

    def description(self) -> dict[str, Any]:
        """Return it as it would be written in `NAME.json`."""
        return {
            "name": self.name,
            "modules": list(self.modules),
            "config": self.text().split("\n"),
            "requests": list(self.requests),
        }
