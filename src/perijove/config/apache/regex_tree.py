"""A regular expression as a tree: what is looked for, without a spelling.

Knows sets of octets and how they are put together. Must not know how PCRE2 or Python's `re` spell them, nor how they are run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

ALL: Final = (1 << 256) - 1


def mask(octets: bytes) -> int:
    """Return a set of octets: bit n is octet n."""
    found = 0
    for octet in octets:
        found |= 1 << octet
    return found


def span(first: int, last: int) -> int:
    """Return the set of all octets from one to another."""
    return (1 << (last + 1)) - (1 << first)


UPPER: Final = span(65, 90)
LOWER: Final = span(97, 122)
DIGIT: Final = span(48, 57)
WORD: Final = UPPER | LOWER | DIGIT | mask(b"_")


def folded(octets: int) -> int:
    """Return a set with the other case of its letters; only ASCII has cases (PCRE2's tables are those of the C locale)."""
    return octets | (octets & UPPER) << 32 | (octets & LOWER) >> 32


class How(Enum):
    """In which order a repeat tries numbers."""

    GREEDY = ""
    LAZY = "?"
    POSSESSIVE = "+"


class Place(Enum):
    """What a place in the subject is."""

    START = "start"
    END = "end"
    LAST_LINE_END = "last-line-end"  # the end, or before a newline that is the end
    LINE_START = "line-start"  # the start, or after a newline that is not the end
    LINE_END = "line-end"
    WORD_BOUNDARY = "word-boundary"
    NO_WORD_BOUNDARY = "no-word-boundary"
    KEEP = "keep"  # anywhere; what is found begins here


@dataclass(frozen=True, slots=True)
class Octets:
    """One octet out of a set."""

    octets: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The first that leads on."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Something several times; no `high` is any number."""

    body: Node
    low: int
    high: int | None
    how: How = How.GREEDY


@dataclass(frozen=True, slots=True)
class Group:
    """What is kept under a number. Two may have the same, in branches."""

    number: int
    body: Node


@dataclass(frozen=True, slots=True)
class Atomic:
    """What is not gone back into."""

    body: Node


@dataclass(frozen=True, slots=True)
class Look:
    """What is, or is not, before or behind this place."""

    body: Node
    behind: bool = False
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Back:
    """What a group has."""

    number: int
    nocase: bool = False


@dataclass(frozen=True, slots=True)
class At:
    """A place, not an octet."""

    place: Place


Node = Octets | Sequence | Choice | Repeat | Group | Atomic | Look | Back | At
EMPTY: Final = Sequence()


def children(node: Node) -> tuple[Node, ...]:
    """Return what a node is made of."""
    match node:
        case Sequence(parts) | Choice(parts):
            return parts
        case Repeat(body) | Group(_, body) | Atomic(body) | Look(body):
            return (body,)
        case Octets() | Back() | At():
            return ()


def nullable(node: Node) -> bool:
    """Tell whether it can be found in nothing at all."""
    match node:
        case Octets():
            return False
        case Choice(branches):
            return any(nullable(branch) for branch in branches)
        case Sequence(parts):
            return all(nullable(part) for part in parts)
        case Repeat(body, low):
            return not low or nullable(body)
        case Group(_, body) | Atomic(body):
            return nullable(body)
        case Look() | Back() | At():
            return True


def width(node: Node) -> int | None:
    """Return how many octets it takes; None if that differs, or depends on the subject."""
    match node:
        case Octets():
            return 1
        case Choice(branches):
            widths = {width(branch) for branch in branches}
            return widths.pop() if len(widths) == 1 else None
        case Sequence(parts):
            total = 0
            for part in parts:
                one = width(part)
                if one is None:
                    return None
                total += one
            return total
        case Repeat(body, low, high):
            if isinstance(body, Look) and not body.behind:
                return 0
            one = width(body)
            return one * low if one is not None and low == high else None
        case Group(_, body) | Atomic(body):
            return width(body)
        case Look() | At():
            return 0
        case Back():
            return None


def anchored(node: Node) -> bool:
    """Tell whether it can be found at the start of the subject only."""
    match node:
        case At(place):
            return place is Place.START
        case Choice(branches):
            return all(anchored(branch) for branch in branches)
        case Sequence(parts):
            for part in parts:
                if anchored(part):
                    return True
                if width(part) != 0:
                    return False
            return False
        case Group(_, body) | Atomic(body):
            return anchored(body)
        case Repeat(body, low):
            return low > 0 and anchored(body)
        case Octets() | Look() | Back():
            return False
