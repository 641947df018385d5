"""Apache's expressions as trees.

Knows what there is to say. Must not know how it is spelt (`expression_grammar`), nor what it means (`expression`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perijove.gateway.conditions import Pattern


class ExpressionError(Exception):
    """An expression is wrong, or is not emulated; `offset` is where, in characters."""

    def __init__(self, message: str, offset: int, name: str = "bad-expression", help_text: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.name = name
        self.help = help_text


@dataclass(frozen=True, slots=True)
class Literal:
    """Octets."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Name:
    """%{NAME}"""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Called:
    """A function of a text: %{name:text}, or name(text)."""

    name: str
    argument: Word
    at: int


@dataclass(frozen=True, slots=True)
class Group:
    """$0 to $9"""

    number: int


@dataclass(frozen=True, slots=True)
class Joined:
    """Texts, one after the other."""

    parts: tuple[Word, ...]


Word = Literal | Name | Called | Group | Joined


@dataclass(frozen=True, slots=True)
class Truth:
    """true, false"""

    value: bool


@dataclass(frozen=True, slots=True)
class Negated:
    """! CONDITION"""

    of: Tree


@dataclass(frozen=True, slots=True)
class Both:
    """CONDITION && CONDITION"""

    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class OneOf:
    """CONDITION || CONDITION"""

    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Compared:
    """WORD OPERATOR WORD, the operator by its token."""

    left: Word
    operator: str
    right: Word


@dataclass(frozen=True, slots=True)
class Found:
    """WORD =~ PATTERN"""

    subject: Word
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Listed:
    """WORD in { WORD, … }"""

    subject: Word
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """-X WORD"""

    name: str
    argument: Word
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """WORD -name WORD"""

    name: str
    left: Word
    right: Word
    at: int


Tree = Truth | Negated | Both | OneOf | Compared | Found | Listed | Unary | Binary
