r"""Regular expressions as Apache means them, in the spelling of Python's `re`.

Knows what of a tree `re` finds as PCRE2 does, and how both are spelt. Must not know requests, rules, or how anything is run.

A pattern that is `guarded` is in the same spelling, but `re` must not run it: because it could take very long
(`regex_cost`), or because `re` would find something else. Those run on `engine/machine.py`, whose order of trying is PCRE2's.
Two things are written there that `re` does not have: `\K`, and groups of one number, as `(?P<g1>a)|(?P<g1>b)`.

What differs in `re`, as of Python 3.11 to 3.13: what groups keep that are repeated, or stand in what is repeated and found in
nothing, in look-arounds, or in atomic groups.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from perijove.config.apache import regex_cost
from perijove.config.apache.regex_class import Invalid, Untranslatable
from perijove.config.apache.regex_parser import parse
from perijove.config.apache.regex_tree import (
    ALL,
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
    nullable,
    width,
)

__all__ = ["Invalid", "Pattern", "Untranslatable", "translate"]

_LARGEST: Final = 10_000  # instructions that a guarded pattern may become; each may be tried at each octet
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/=@,:;%<>!'\"")
_PLACES: Final = {
    Place.START: r"\A",
    Place.END: r"\Z",
    Place.LAST_LINE_END: r"(?=\n?\Z)",
    Place.LINE_START: r"(?:\A|(?<=\n)(?!\Z))",
    Place.LINE_END: r"(?=\n|\Z)",
    Place.WORD_BOUNDARY: r"\b",
    Place.NO_WORD_BOUNDARY: r"(?!\b)",  # `\B` is not found in nothing by `re` before 3.14
    Place.KEEP: r"\K",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression for octets, which is searched for (not matched whole)."""

    pattern: bytes  # in the spelling of Python's `re`
    groups: int = 0
    names: tuple[tuple[str, int], ...] = ()  # and the numbers of their groups; a name may have several
    guarded: bool = False  # it must not be run by `re`
    source: str = ""  # as it was written


# What needs no parser: plain octets, and what is behind them. There are thousands of such patterns in some configurations.
_easy: Final = re.compile(rb"(\^?)((?:[A-Za-z0-9_/=@,:;%<>!'\".-]|\\\.)*)(\(\.\*\)|)(\$?)\Z").match


@lru_cache(4096)
def translate(pattern: str | bytes, nocase: bool = False) -> Pattern:
    """Return a pattern that finds what Apache would find.

    Args:
        pattern: in PCRE2's spelling; a str stands for its UTF-8 octets, with lone surrogates for what is none.
        nocase: whether the case of letters does not count.

    Raises:
        Invalid: Apache would refuse it, too.
        Untranslatable: it would run there, and cannot here.
    """
    octets = pattern.encode("utf-8", "surrogateescape") if isinstance(pattern, str) else pattern
    easy = None if nocase else _easy(octets)
    if easy and (easy[1] or easy[2]):
        spelt = (rb"\A" if easy[1] else b"") + easy[2].replace(b"-", rb"\-") + easy[3] + (rb"\Z" if easy[4] else b"")
        return Pattern(b"(?s)" + spelt, 1 if easy[3] else 0, source=octets.decode())
    return parsed_and_spelt(octets, nocase)


def parsed_and_spelt(octets: bytes, nocase: bool) -> Pattern:
    """Return the same of any pattern, by its tree."""
    parsed = parse(octets.decode("latin-1"), nocase)
    if _varies(parsed.tree) and _misread(parsed.tree):
        raise Untranslatable("an atomic group that begins with what may be absent: PCRE2 10.42 may overlook what it finds", 0)
    tree = Sequence((At(Place.START), parsed.tree)) if _begins_with_anything(parsed.tree) else parsed.tree
    guarded = _differs(tree) or _repeated_numbers(tree) or regex_cost.slow(tree)
    if guarded and regex_cost.size(tree) > _LARGEST:
        raise Untranslatable(
            "this could take very long, and repeats too often to be run with care: use * or + instead of {n,m}", 0
        )
    written = "(?s)" + _Speller(duplicates=_repeated_numbers(tree)).spell(tree)
    source = octets.decode("utf-8", "surrogateescape")
    return Pattern(written.encode("latin-1"), parsed.groups, parsed.names, guarded, source)


def _begins_with_anything(node: Node) -> bool:
    """Tell whether a pattern that is not found from the start of the subject is not found at all.

    That is so if it begins with `.*`: what can be found from an octet on can be found from the first on. Not with possessive
    repeats and atomic groups, which may take too much, nor with references, which may be to what was taken.
    """
    return _begins(node) and not _refers(node)


def _begins(node: Node) -> bool:
    match node:
        case Repeat(Octets(octets), 0, None, how):
            return octets == ALL and how is not How.POSSESSIVE
        case Sequence(parts):
            return bool(parts) and _begins(parts[0])
        case Group(_, body):
            return _begins(body)
    return False


def _refers(node: Node) -> bool:
    return isinstance(node, Back) or any(_refers(child) for child in children(node))


def _varies(node: Node) -> bool:
    """Tell whether there is a repeat that PCRE2 might make possessive on its own."""
    own = isinstance(node, Repeat) and node.low != node.high and node.how is not How.POSSESSIVE
    return own or any(_varies(child) for child in children(node))


def _misread(node: Node) -> bool:
    """Tell whether PCRE2 takes a group for what it is not.

    10.42 makes `a*` possessive if what follows cannot begin with an `a`. Of an atomic group it sees the first branch only, and
    not that this may be nothing (compare_opcodes in pcre2_auto_possess.c): `a*(?>(?:b)?)a` is not found in `a`.
    """
    match node:
        case Atomic(body):
            own = _may_skip(body)
        case Repeat(body, low, _, How.POSSESSIVE) if not isinstance(body, Octets):
            own = not low or _may_skip(body)
        case _:
            own = False
    return own or any(_misread(child) for child in children(node))


def _may_skip(node: Node) -> bool:
    """Tell whether something begins with what may be absent."""
    match node:
        case Octets():
            return False
        case Choice(branches):
            return any(_may_skip(branch) for branch in branches)
        case Sequence(parts):
            for part in parts:
                if not isinstance(part, At | Look):
                    return _may_skip(part)
            return True
        case Repeat(body, low):
            return not low or _may_skip(body)
        case Group(_, body) | Atomic(body):
            return _may_skip(body)
        case Look() | Back() | At():
            return True


def _has_group(node: Node) -> bool:
    return isinstance(node, Group) or any(_has_group(child) for child in children(node))


def _numbers(node: Node) -> list[int]:
    own = [node.number] if isinstance(node, Group) else []
    return own + [number for child in children(node) for number in _numbers(child)]


def _repeated_numbers(node: Node) -> bool:
    numbers = _numbers(node)
    return len(numbers) != len(set(numbers))


def _differs(node: Node) -> bool:
    """Tell whether `re` might find something else, or other groups, than PCRE2."""
    match node:
        case Back() | Atomic() | At(Place.KEEP):
            return True
        case Look(body):
            if _has_group(body):
                return True
        case Repeat(body, _, high, how) if not isinstance(body, Octets):
            once = high == 1 and how is How.GREEDY
            if how is How.POSSESSIVE or (nullable(body) and not once) or (_has_group(body) and not once):
                return True
    return any(_differs(child) for child in children(node))


def _octet(octet: int) -> str:
    """Return an octet as it is written outside and inside of classes."""
    if octet in _PLAIN:
        return chr(octet)
    return "\\" + chr(octet) if 32 < octet < 127 else f"\\x{octet:02x}"


def _class(octets: int) -> str:
    """Return a set of octets as a class."""
    negative = octets.bit_count() > 128 and octets != ALL
    if negative:
        octets = ALL & ~octets
    parts = []
    start = 0
    while octets >> start:
        if not octets >> start & 1:
            start += 1
            continue
        end = start
        while octets >> (end + 1) & 1:
            end += 1
        parts.append(_octet(start))
        if end > start:
            parts.append("-" + _octet(end) if end > start + 1 else _octet(end))
        start = end + 1
    if not parts:
        return r"[^\x00-\xff]"
    return f"[{'^' if negative else ''}{''.join(parts)}]"


class _Speller:
    """Writes trees in `re`'s spelling."""

    def __init__(self, duplicates: bool) -> None:
        self.duplicates = duplicates

    def spell(self, node: Node) -> str:
        """Return a tree as it is written."""
        match node:
            case Octets(octets):
                if octets == ALL:
                    return "."
                return _octet(octets.bit_length() - 1) if octets.bit_count() == 1 else _class(octets)
            case Sequence(parts):
                return "".join(self.part(part) for part in parts)
            case Choice(branches):
                return "|".join(self.spell(branch) for branch in branches)
            case Repeat():
                return self.repeat(node)
            case Group(number, body):
                return f"(?P<g{number}>{self.spell(body)})" if self.duplicates else f"({self.spell(body)})"
            case Atomic(body):
                return f"(?>{self.spell(body)})"
            case Look(body, behind, negative):
                return self.look(body, behind, negative)
            case Back(number, nocase):
                return f"(?i:\\{number})" if nocase else f"(?:\\{number})"
            case At(place):
                return _PLACES[place]

    def part(self, node: Node) -> str:
        """Return what stands beside others."""
        return f"(?:{self.spell(node)})" if isinstance(node, Choice) else self.spell(node)

    def repeat(self, node: Repeat) -> str:
        """Return a repeat."""
        body = self.spell(node.body)
        if not isinstance(node.body, Octets | Group):
            body = f"(?:{body})"
        low, high = node.low, node.high
        if low == high:
            count = f"{{{low}}}"
        elif high is None:
            count = {0: "*", 1: "+"}.get(low, f"{{{low},}}")
        else:
            count = "?" if (low, high) == (0, 1) else f"{{{low},{high}}}"
        return body + count + node.how.value

    def look(self, body: Node, behind: bool, negative: bool) -> str:
        """Return a look-around: `re` wants all branches of a look-behind to be as wide as each other."""
        mark = ("<" if behind else "") + ("!" if negative else "=")
        if not behind or width(body) is not None or not isinstance(body, Choice):
            return f"(?{mark}{self.spell(body)})"
        each = [f"(?{mark}{self.spell(branch)})" for branch in body.branches]
        if negative:
            return "".join(each)
        return f"(?{'>' if _has_group(body) else ':'}{'|'.join(each)})"  # nobody goes back into a look-behind
