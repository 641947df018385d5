"""Repeats of PCRE2's patterns: which counts are one, and what an item becomes that is repeated.

Knows what PCRE2 10.42 does with repeats of places and look-arounds. Must not know how an item is read.
"""

from __future__ import annotations

from typing import Final

from perijove.config.apache.regex_class import Reader, Untranslatable
from perijove.config.apache.regex_tree import (
    WORD,
    At,
    Atomic,
    Back,
    Choice,
    Group,
    How,
    Look,
    Node,
    Octets,
    Place,
    Repeat,
    Sequence,
    children,
)

MOST: Final = 65535  # what a repeat may say
_DIGITS: Final = tuple("0123456789")
WORD_START: Final = Sequence((At(Place.WORD_BOUNDARY), Look(Octets(WORD))))
WORD_END: Final = Sequence((At(Place.WORD_BOUNDARY), Look(Octets(WORD), behind=True)))


def counts(reader: Reader) -> tuple[int, int | None, int] | None:
    """Look at `{n}`, `{n,}` or `{n,m}`; return low, high and where it ends, None if it is no such thing."""
    at = reader.position + 1
    start = at
    while reader.pattern[at : at + 1] in _DIGITS:
        at += 1
    low = reader.pattern[start:at]
    if not low:
        return None
    if reader.pattern.startswith("}", at):
        return int(low), int(low), at + 1
    if not reader.pattern.startswith(",", at):
        return None
    at += 1
    start = at
    while reader.pattern[at : at + 1] in _DIGITS:
        at += 1
    high = reader.pattern[start:at]
    if not reader.pattern.startswith("}", at):
        return None
    return int(low), int(high) if high else None, at + 1


def repeated(reader: Reader, item: Node, low: int, high: int | None, how: How) -> Node:
    """Return an item as often as its quantifier says."""
    if isinstance(item, At):
        raise reader.refuse("quantifier does not follow a repeatable item")
    if item is WORD_START or item is WORD_END:
        # PCRE2 reads what it puts in their place, of which the last is repeated.
        return Sequence((item.parts[0], repeated(reader, item.parts[1], low, high, how)))
    if high == 0 and _branches(item):
        # PCRE2 10.42 takes the second branch for what the pattern begins with (first_significant_code): it may find less.
        raise Untranslatable("a group of several branches that is repeated {0} times: remove it", reader.position)
    if isinstance(item, Look) and refers(item):
        raise Untranslatable("a repeat of a look-around that has a reference", reader.position)
    if isinstance(item, Look):
        # Looking again sees the same: PCRE2 takes it once, or perhaps (pcre2pattern(3), "Assertions").
        if low and (low == high or not item.behind):
            return item
        return Repeat(item, min(1, low), low if low == high else 1 if not low else None, how)
    if low == high == 1:
        return Atomic(item) if how is How.POSSESSIVE and not isinstance(item, Octets) else item
    return Repeat(item, low, high, how)


def _branches(node: Node) -> bool:
    """Tell whether a node is written as a group of several branches."""
    match node:
        case Choice():
            return True
        case Group(_, body) | Atomic(body) | Look(body) | Sequence((body,)):
            return _branches(body)
    return False


def refers(node: Node) -> bool:
    """Tell whether a node refers to what a group has found."""
    return isinstance(node, Back) or any(refers(child) for child in children(node))
