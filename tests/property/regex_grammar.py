"""Patterns drawn from PCRE2's grammar, and subjects drawn from patterns.

The alphabet is small, so that much is found; what stands for sets of octets has all its spellings. Strategies are made once: to make
one takes longer than to draw from it.
"""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from perijove.config.apache.regex_tree import At, Atomic, Back, Choice, Group, Look, Node, Octets, Repeat, Sequence

LETTERS: Final = ["a", "b", "c", "A", "B", "/", "/", "-", "_", "1", ".", " "]
_ITEMS: Final = [
    ".", ".", "\\d", "\\D", "\\s", "\\S", "\\w", "\\W", "\\h", "\\H", "\\v", "\\V", "\\N", "\\R", "\\X", "\\C", "\\e", "\\a", "\\f", "\\n",
    "\\r", "\\t", "\\0", "\\012", "\\101", "\\x", "\\x61", "\\x{62}", "\\o{141}", "\\cA", "\\c[", "\\xe4", "\\/", "\\.", "\\-", "\\Qa.b\\E",
    "\\Q/\\E", "\\Q\\E", "\\E", "(?#)", "(?#a)", "\xe4", "\xff", "\n", "\r\n", "\r", "{", "}", "]", "{,2}", "a{b", "{1", "#", "~", "&", "\"", "'",
]  # fmt: skip
_PLACES: Final = ["^", "$", "\\A", "\\Z", "\\z", "\\G", "\\b", "\\B", "\\K", "[[:<:]]", "[[:>:]]"]
_IN_CLASSES: Final = [
    "a", "b", "c", "A", "/", ".", "1", "_", "-", "a-c", "A-Z", "0-9", "!-~", "\\d", "\\D", "\\s", "\\w", "\\W", "\\h", "\\H", "\\v", "\\V", "\\n",
    "\\]", "\\-", "\\^", "\\b", "\\x61", "\\x{2f}", "\\101", "\\0", "\\8", "\\e", "\\cA", "[:alpha:]", "[:^digit:]", "[:upper:]", "[:^lower:]",
    "[:space:]", "[:punct:]", "[:xdigit:]", "[:blank:]", "[:cntrl:]", "[:graph:]", "[:print:]", "[:word:]", "[:ascii:]", "[:alnum:]", "[", "^",
    "&", "|", "~", "\\Qa-\\E", "\\E", "\xe4", "\x80-\xff", "[:alpha", "[.", "\\.", " ", "a\\E-c", "--/", "+--",
]  # fmt: skip
_QUANTIFIERS: Final = ["*", "+", "?", "{2}", "{1}", "{0}", "{1,2}", "{0,2}", "{2,}", "{0,1}", "{1,}", "{0,}"]
_OPEN: Final = ["(?:"] * 4 + ["(?>", "(?|", "(?i:", "(?s-i:", "(?-s:", "(?m:", "(?x:", "(?U:", "(?n:", "(?^:", "(?xx:"]
_LOOKS: Final = ["(?=", "(?!", "(?<=", "(?<!"]
_SETTINGS: Final = ["(?i)", "(?-i)", "(?m)", "(?-s)", "(?x)", "(?U)", "(?n)", "(?^)", "(?s)", "(?im-s)", "(?xx)", "(?J)"]
_BACK: Final = [
    "\\1",
    "\\2",
    "\\3",
    "\\g1",
    "\\g{1}",
    "\\g{-1}",
    "\\g{+1}",
    "\\11",
    "\\k<n>",
    "\\k{n}",
    "\\k'm'",
    "(?P=n)",
    "\\g{m}",
]
_USUAL: Final = [
    "[^/]+", "[^/]*", ".*", ".+", "(.*)", "(/.*)?", "(.*)?", "/", "user", "/user/", "([^/]+)", "(api|lab)", "(?:/|$)", "[a-z]+", "\\d+", "^/",
]  # fmt: skip


_letter: Final = st.sampled_from(LETTERS)
_item_of_octets: Final = st.sampled_from(_ITEMS)
_place: Final = st.sampled_from(_PLACES)
_usual: Final = st.sampled_from(_USUAL)
_back: Final = st.sampled_from(_BACK)
_setting: Final = st.sampled_from(_SETTINGS)
_look: Final = st.sampled_from(_LOOKS)
_open: Final = st.sampled_from(_OPEN)
_group: Final = st.sampled_from(["(", "(", "(", "(", "(?<n>", "(?P<m>", "(?'n'"])
_quantifier: Final = st.sampled_from(_QUANTIFIERS)
_how: Final = st.sampled_from(["", "", "", "?", "+"])
_begun: Final = st.sampled_from(["", "", "^", "]", "^]"])
_members: Final = st.lists(st.sampled_from(_IN_CLASSES), min_size=1, max_size=4)
_kind: Final = st.integers(0, 19)
_third: Final = st.integers(0, 2)
_count_of_branches: Final = st.sampled_from([1, 1, 1, 2, 3])
_count_of_items: Final = st.sampled_from([0, 1, 1, 2, 2, 3, 4])
_DEEPEST: Final = 4


@st.composite
def _drawn_class(draw: st.DrawFn) -> str:
    parts = draw(_members)
    return "[" + draw(_begun) + "".join(parts) + "]"


@st.composite
def _drawn_item(draw: st.DrawFn, depth: int) -> str:
    kind = draw(_kind)
    if kind < 5 or depth <= 0:
        item = draw(_letter)
    elif kind < 7:
        item = draw(_item_of_octets)
    elif kind < 8:
        item = draw(_class)
    elif kind < 9:
        return draw(_place)
    elif kind < 10:
        item = draw(_usual)
    elif kind < 11:
        item = draw(_back)
    elif kind < 12:
        return draw(_setting)
    elif kind < 13:
        item = draw(_look) + draw(_branches[depth - 1]) + ")"
    elif kind < 17:
        item = draw(_group) + draw(_branches[depth - 1]) + ")"
    else:
        item = draw(_open) + draw(_branches[depth - 1]) + ")"
    if draw(_third) == 0:
        item += draw(_quantifier) + draw(_how)
    return item


@st.composite
def _drawn_branches(draw: st.DrawFn, depth: int) -> str:
    branches = []
    for _ in range(draw(_count_of_branches)):
        items = [draw(_item[depth]) for _ in range(draw(_count_of_items))]
        branches.append("".join(items))
    return "|".join(branches)


_class: Final = _drawn_class()
_item: Final = [_drawn_item(depth) for depth in range(_DEEPEST + 1)]
_branches: Final = [_drawn_branches(depth) for depth in range(_DEEPEST + 1)]
patterns: Final = _branches[_DEEPEST]
_PIECES: Final = ["(", ")", "[", "]", "{", "}", "*", "+", "?", "|", "\\", "^", "$", "-", ":", "<", ">", "=", "!", "#", "i", "1", ",", "a", "P", "\\E",
                  "\\Q", "[:", ":]", "(?", "&", "'", "\\g", "\\k", "\\x{", "\\o{", "\\c", "(*", "x", "{1,", "}+", "\\N", "\\8", "\\p"]  # fmt: skip


_piece: Final = st.sampled_from(_PIECES)
_changes: Final = st.integers(1, 3)


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """Return a pattern with some of it changed."""
    pattern = draw(patterns)
    for _ in range(draw(_changes)):
        at = draw(st.integers(0, len(pattern)))
        pattern = pattern[:at] + draw(_piece) + pattern[at + draw(_third) :]
    return pattern


_either: Final = st.booleans()
noise: Final = st.text("aabbcAB//-_1. \n\r\t\0\xe4\xff", max_size=6)


def _sample(draw: st.DrawFn, node: Node, groups: dict[int, bytes]) -> bytes:
    match node:
        case Octets(octets):
            likely = [octet for octet in b"ab/cA1_. \n\r-\xe4\0" if octets >> octet & 1]
            if not likely:
                return bytes([octets.bit_length() - 1]) if octets else b""
            return bytes([draw(st.sampled_from(likely))])
        case Sequence(parts):
            return b"".join(_sample(draw, part, groups) for part in parts)
        case Choice(branches):
            return _sample(draw, draw(st.sampled_from(branches)), groups)
        case Repeat(body, low, high):
            count = draw(st.integers(low, low + 3 if high is None else min(high, low + 3)))
            return b"".join(_sample(draw, body, groups) for _ in range(count))
        case Group(number, body):
            groups[number] = _sample(draw, body, groups)
            return groups[number]
        case Atomic(body):
            return _sample(draw, body, groups)
        case Look(body, behind, negative):
            # What is looked for ahead is often there without being taken.
            return b"" if behind or negative or draw(_either) else _sample(draw, body, groups)
        case Back(number):
            return groups.get(number, b"")
        case At():
            return b""


@st.composite
def subjects(draw: st.DrawFn, tree: Node) -> bytes:
    """Return an octet string that a pattern may be found in."""
    around = draw(noise), draw(noise)
    found = around[0].encode("latin-1") + _sample(draw, tree, {}) + around[1].encode("latin-1")
    for _ in range(draw(_third)):
        at = draw(st.integers(0, len(found)))
        found = found[:at] + draw(noise).encode("latin-1")[:2] + found[at + draw(_third) :]
    return found[:60]
