"""Edits of fields that can be made without taking a head apart: lines that are added, and names that are left out.

Most edits set fields that the message does not have. Then the head is copied as it came, without some names, with lines
before and behind it. A `Recipe` says which names must not be there for that; where one is, `edits` does it step by step, with
the same outcome. Must not know where edits came from, nor which of them can be made so: whoever compiles them does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.engine.edits import clean

if TYPE_CHECKING:
    from perijove.engine.state import State
    from perijove.engine.texts import Text


class Recipe:
    """What is added to a head and left out of it."""

    __slots__ = ("absent", "absent_names", "drop", "drop_names", "lines", "steady")

    def __init__(self, lines: tuple[tuple[bytes, Text], ...], absent: int, absent_names: frozenset[bytes]) -> None:
        """Describe it.

        Args:
            lines: each a name with its colon and space, and what makes its value.
            absent: mask of the field numbers that the head must not have.
            absent_names: other names (lower case) that it must not have.
        """
        self.lines = lines
        self.absent = absent
        self.absent_names = absent_names
        self.drop = 0  # mask of field numbers that are left out
        self.drop_names: frozenset[bytes] = frozenset()
        self.steady = False  # the lines are the same for all requests of a connection that name one host

    def text(self, state: State) -> bytes:
        """Return the lines that are added, each with its CRLF."""
        if not self.lines:
            return b""
        return b"".join([name + clean(value.text(state)) + b"\r\n" for name, value in self.lines])
