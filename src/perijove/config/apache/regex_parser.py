"""From PCRE2's spelling of a regular expression to a tree.

Knows pcre2pattern(3) as of PCRE2 10.42 (Debian 12), without UTF, in the C locale, under the flags that Apache compiles with
(`ap_regcomp` in server/util_pcre.c): PCRE2_DOTALL, PCRE2_DOLLAR_ENDONLY, PCRE2_DUPNAMES, and PCRE2_CASELESS where asked.
Must not know Python's `re`, nor how a pattern is run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from perijove.config.apache.regex_class import PROPERTIES, SETS, Reader, Untranslatable, read_class
from perijove.config.apache.regex_tree import (
    ALL,
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
    folded,
    mask,
    width,
)

_MOST: Final = 65535  # what a repeat may say
_DEEPEST: Final = 60  # groups in groups; PCRE2 has 250 (PARENS_NEST_LIMIT), and here each takes frames of Python's
_BLANK: Final = "\t\n\v\f\r "
_NEWLINE: Final = mask(b"\n")
_CR: Final = Octets(mask(b"\r"))
_CRLF: Final = Sequence((_CR, Octets(_NEWLINE)))
# What PCRE2 does not go back into; a CR that no LF follows says the same with plain means.
_LONE_CR: Final = Sequence((_CR, Look(Octets(_NEWLINE), negative=True)))
_LINE_BREAK: Final = Sequence((Choice((_CRLF, Octets(mask(b"\n\v\f\x85")), _LONE_CR)),))
_CLUSTER: Final = Sequence((Choice((_CRLF, Octets(ALL & ~mask(b"\r")), _LONE_CR)),))
_WORD_START: Final = Sequence((At(Place.WORD_BOUNDARY), Look(Octets(WORD))))
_WORD_END: Final = Sequence((At(Place.WORD_BOUNDARY), Look(Octets(WORD), behind=True)))
_ENDS: Final = {"<": ">", "{": "}", "'": "'"}
_NO_GROUP: Final = "reference to non-existent subpattern"
_NO_NUMBER: Final = "\\g is not followed by a braced, angle-bracketed, or quoted name/number or by a plain number"
_CALLS: Final = "recursion and calls of groups are not supported: write the group out where it is called"
_OPTIONS: Final = "imsxnJU"


@dataclass(frozen=True, slots=True)
class _Flags:
    """What `(?imsxnU)` changes; `blanks` is `xx`."""

    i: bool
    s: bool = True
    m: bool = False
    x: bool = False
    blanks: bool = False
    n: bool = False
    U: bool = False
    J: bool = True


@dataclass(frozen=True, slots=True)
class Parsed:
    """A pattern that has been read."""

    tree: Node
    groups: int
    names: tuple[tuple[str, int], ...]  # in the order of writing; the same name may stand for several groups


def parse(pattern: str, nocase: bool) -> Parsed:
    """Read a pattern, or raise Untranslatable.

    Args:
        pattern: one character for each octet.
        nocase: whether the case of letters does not count, as with `[NC]`.
    """
    parser = _Parser(pattern, nocase)
    tree = parser.alternatives()
    if parser.peek():
        raise parser.refuse("unmatched closing parenthesis")
    if parser.highest > parser.count:
        raise parser.refuse(_NO_GROUP)
    for name, _, offset in parser.named:
        if name not in parser.names:
            parser.position = offset
            raise parser.refuse(_NO_GROUP)
    numbers = {name: group for name, groups in parser.names.items() for group in groups}
    several = {name for name, groups in parser.names.items() if len(set(groups)) > 1}
    for name, _, offset in parser.named:
        if name in several:
            raise Untranslatable(f"a reference to {name!r}, which several groups are called: use its number", offset)
    if parser.named:
        tree = _resolved(tree, {token: numbers[name] for name, token, _ in parser.named})
    names = tuple(sorted(((name, group) for name, groups in parser.names.items() for group in groups), key=lambda one: one[1]))
    return Parsed(tree, parser.count, names)


def _resolved(node: Node, tokens: dict[int, int]) -> Node:
    """Return a tree in which references by name have the numbers of their groups."""
    match node:
        case Back(number, nocase):
            return Back(tokens.get(number, number), nocase)
        case Sequence(parts):
            return Sequence(tuple(_resolved(part, tokens) for part in parts))
        case Choice(parts):
            return Choice(tuple(_resolved(part, tokens) for part in parts))
        case Repeat(body) | Group(_, body) | Atomic(body) | Look(body):
            return replace(node, body=_resolved(body, tokens))
        case Octets() | At():
            return node


class _Parser(Reader):
    """A pattern, how far it has been read, and what holds there."""

    def __init__(self, pattern: str, nocase: bool) -> None:
        super().__init__(pattern)
        self.flags = _Flags(i=nocase)
        self.count = 0  # groups so far
        self.highest = 0  # group that is referred to
        self.names: dict[str, list[int]] = {}
        self.named: list[tuple[str, int, int]] = []  # references by name: name, a number below 0 that stands for it, offset
        self.quoted = False
        self.depth = 0
        self.looking = 0  # look-arounds that this place is in

    def alternatives(self) -> Node:
        """Read branches up to `)` or the end."""
        branches = [self.branch()]
        while self.take("|"):
            branches.append(self.branch())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def branch(self) -> Node:
        """Read items up to `|`, `)` or the end."""
        parts: list[Node] = []
        while True:
            self.skip()
            character = self.peek()
            if not character or (character in "|)" and not self.quoted):
                break
            item = self.item()
            self.skip()
            quantifier = None if self.quoted or item is None else self.quantifier()
            if quantifier is not None and item is not None:
                item = self.repeated(item, *quantifier)
            if item is not None:
                parts.append(item)
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def skip(self) -> None:
        """Read what does not count: quoting that begins or ends, comments, and blanks under `x`."""
        while True:
            if self.take("\\E"):
                self.quoted = False
            elif self.quoted:
                return
            elif self.take("\\Q"):
                self.quoted = True
            elif self.take("(?#"):
                end = self.pattern.find(")", self.position)
                if end < 0:
                    raise self.refuse("missing ) after (?# comment")
                self.position = end + 1
            elif self.flags.x and self.peek() and self.peek() in _BLANK:
                self.position += 1
            elif self.flags.x and self.take("#"):
                end = self.pattern.find("\n", self.position)
                self.position = len(self.pattern) if end < 0 else end + 1
            else:
                return

    def item(self) -> Node | None:
        """Read one item without its quantifier; None is a setting."""
        character = self.peek()
        if self.quoted:
            self.position += 1
            return self.octet(ord(character))
        if character in "*+?" or (character == "{" and self.counts() is not None):
            raise self.refuse("quantifier does not follow a repeatable item")
        if character == "[":
            return self.bracket()
        self.position += 1
        match character:
            case "\\":
                return self.escape()
            case "(":
                return self.parenthesis()
            case ".":
                return Octets(ALL if self.flags.s else ALL & ~_NEWLINE)
            case "^":
                return At(Place.LINE_START if self.flags.m else Place.START)
            case "$":
                return At(Place.LINE_END if self.flags.m else Place.END)
        return self.octet(ord(character))

    def octet(self, octet: int) -> Node:
        """Return an octet as it counts here."""
        return Octets(folded(1 << octet) if self.flags.i else 1 << octet)

    def bracket(self) -> Node:
        """Read a class."""
        if self.take("[[:<:]]"):
            return _WORD_START
        if self.take("[[:>:]]"):
            return _WORD_END
        self.position += 1
        if self.peek() in (":", ".", "=") and self.posix_end(self.position) >= 0:
            named = self.peek() == ":"
            raise self.refuse(
                "POSIX named classes are supported only within a class"
                if named
                else "POSIX collating elements are not supported"
            )
        return Octets(read_class(self, self.flags.i, self.flags.blanks))

    def counts(self) -> tuple[int, int | None, int] | None:
        """Look at `{n}`, `{n,}` or `{n,m}`; return low, high and where it ends, None if it is no such thing."""
        at = self.position + 1
        start = at
        while self.pattern[at : at + 1] in ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"):
            at += 1
        low = self.pattern[start:at]
        if not low:
            return None
        if self.pattern.startswith("}", at):
            return int(low), int(low), at + 1
        if not self.pattern.startswith(",", at):
            return None
        at += 1
        start = at
        while self.pattern[at : at + 1] in ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"):
            at += 1
        high = self.pattern[start:at]
        if not self.pattern.startswith("}", at):
            return None
        return int(low), int(high) if high else None, at + 1

    def quantifier(self) -> tuple[int, int | None, How] | None:
        """Read a quantifier, if there is one."""
        character = self.peek()
        low: int
        high: int | None
        if character == "*":
            low, high, end = 0, None, self.position + 1
        elif character == "+":
            low, high, end = 1, None, self.position + 1
        elif character == "?":
            low, high, end = 0, 1, self.position + 1
        else:
            counts = self.counts() if character == "{" else None
            if counts is None:
                return None
            low, high, end = counts
            if low > _MOST or (high is not None and high > _MOST):
                raise self.refuse("number too big in {} quantifier")
            if high is not None and high < low:
                raise self.refuse("numbers out of order in {} quantifier")
        self.position = end
        self.skip()  # `a+(?#b)?` is `a+?`
        lazy = self.flags.U
        if not self.quoted and self.take("+"):
            return low, high, How.POSSESSIVE
        if not self.quoted and self.take("?"):
            lazy = not lazy
        return low, high, How.LAZY if lazy else How.GREEDY

    def repeated(self, item: Node, low: int, high: int | None, how: How) -> Node:
        """Return an item as often as its quantifier says."""
        if isinstance(item, At):
            raise self.refuse("quantifier does not follow a repeatable item")
        if item is _WORD_START or item is _WORD_END:
            # PCRE2 reads what it puts in their place, of which the last is repeated.
            return Sequence((item.parts[0], self.repeated(item.parts[1], low, high, how)))
        if high == 0 and _branches(item):
            # PCRE2 10.42 takes the second branch for what the pattern begins with (first_significant_code): it may find less.
            raise Untranslatable("a group of several branches that is repeated {0} times: remove it", self.position)
        if isinstance(item, Look) and _refers(item):
            raise Untranslatable("a repeat of a look-around that has a reference", self.position)
        if isinstance(item, Look):
            # Looking again sees the same: PCRE2 takes it once, or perhaps (pcre2pattern(3), "Assertions").
            if low and (low == high or not item.behind):
                return item
            return Repeat(item, min(1, low), low if low == high else 1 if not low else None, how)
        if low == high == 1:
            return Atomic(item) if how is How.POSSESSIVE and not isinstance(item, Octets) else item
        return Repeat(item, low, high, how)

    def escape(self) -> Node:
        """Read what follows a backslash."""
        letter = self.peek()
        if letter and letter in "123456789":
            return self.reference()
        if letter == "0":
            return self.octet(self.octal())
        octet = self.number()
        if octet is not None:
            return self.octet(octet)
        self.position += 1
        if letter in SETS:
            return Octets(SETS[letter])
        match letter:
            case "N":
                return self.no_newline()
            case "C":
                return Octets(ALL)
            case "R":
                return _LINE_BREAK
            case "X":
                return _CLUSTER
            case "A" | "G":  # Apache searches from the start of the subject only
                return At(Place.START)
            case "Z":
                return At(Place.LAST_LINE_END)
            case "z":
                return At(Place.END)
            case "b":
                return At(Place.WORD_BOUNDARY)
            case "B":
                return At(Place.NO_WORD_BOUNDARY)
            case "K":
                if self.looking:
                    raise self.refuse("\\K is not allowed in lookarounds (but see PCRE2_EXTRA_ALLOW_LOOKAROUND_BSK)")
                return At(Place.KEEP)
            case "g":
                return self.group_reference()
            case "k":
                end = _ENDS.get(self.peek())
                if end is None:
                    raise self.refuse("\\k is not followed by a braced, angle-bracketed, or quoted name")
                self.position += 1
                return self.by_name(end)
            case "p" | "P":
                raise Untranslatable(PROPERTIES, self.position)
        self.position -= 1
        raise self.refuse("unrecognized character follows \\")

    def no_newline(self) -> Node:
        r"""Return what `\N` is, if it is that."""
        if self.peek() == "{" and self.counts() is None:
            if self.pattern.startswith("{U+", self.position):
                raise self.refuse("\\N{U+dddd} is supported only in Unicode (UTF) mode")
            raise self.refuse("PCRE2 does not support \\F, \\L, \\l, \\N{name}, \\U, or \\u")
        return Octets(ALL & ~_NEWLINE)

    def reference(self) -> Node:
        """Read a number behind a backslash: a reference, or octal."""
        start = self.position
        digits = self.run("0123456789", 1 << 30)
        number = int(digits)
        if number < 10 or digits[0] in "89" or number <= self.count:
            return self.back(number)
        self.position = start
        return self.octet(self.octal())

    def back(self, number: int) -> Node:
        """Return a reference to a group that may be yet to come."""
        if number < 1 or number > _MOST:
            raise self.refuse(_NO_GROUP)
        self.highest = max(self.highest, number)
        return Back(number, self.flags.i)

    def group_reference(self) -> Node:
        r"""Read what follows `\g`."""
        if self.peek() in ("<", "'") and self.peek():
            raise Untranslatable(_CALLS, self.position)
        braced = self.take("{")
        sign = "+" if self.take("+") else "-" if self.take("-") else ""
        digits = self.run("0123456789", 1 << 30)
        if digits:
            if braced and not self.take("}"):
                raise self.refuse(_NO_NUMBER)
            number = int(digits)
            if sign and not number:
                raise self.refuse("a relative value of zero is not allowed")
            if sign == "-":
                number = self.count + 1 - number
            elif sign == "+":
                number += self.count
            return self.back(number)
        if braced and not sign:
            return self.by_name("}")
        raise self.refuse(_NO_NUMBER)

    def name(self, end: str) -> str:
        """Read a name and what ends it."""
        start = self.position
        if self.peek().isdecimal():
            raise self.refuse("subpattern name must start with a non-digit")
        while self.peek().isascii() and (self.peek().isalnum() or self.peek() == "_"):
            self.position += 1
        found = self.pattern[start : self.position]
        if not found:
            raise self.refuse("subpattern name expected")
        if len(found) > 32:
            raise self.refuse("subpattern name is too long (maximum 32 code units)")
        if not self.take(end):
            raise self.refuse("syntax error in subpattern name (missing terminator?)")
        return found

    def by_name(self, end: str) -> Node:
        """Read the rest of a reference by name."""
        offset = self.position
        name = self.name(end)
        token = -1 - len(self.named)
        self.named.append((name, token, offset))
        return Back(token, self.flags.i)

    def parenthesis(self) -> Node | None:
        """Read what follows `(`; None is a setting."""
        start = self.position - 1
        following = self.peek(1)
        if self.peek() == "*":
            # Of what is no verb, only a letter or a colon makes a difference, and Apache refuses it either way.
            if following == ":" or (following.isascii() and following.isalpha()):
                raise Untranslatable("verbs like (*ACCEPT) or (*UTF) are not supported", start)
            raise self.refuse("quantifier does not follow a repeatable item")
        if not self.take("?"):
            return self.plain(None) if self.flags.n else self.numbered(None)
        for text, behind, negative in (("=", False, False), ("!", False, True), ("<=", True, False), ("<!", True, True)):
            if self.take(text):
                return self.look(behind, negative, start)
        if self.take(":"):
            return self.plain(None)
        if self.take(">"):
            return Atomic(self.inside(None))
        if self.take("|"):
            return self.reset()
        if self.take("P"):
            if self.take("="):
                return self.by_name(")")
            if self.peek() == ">":
                raise Untranslatable(_CALLS, start)
            if self.peek() != "<":
                raise self.refuse("unrecognized character after (?P")
        if self.take("<*") or self.take("*"):
            raise Untranslatable("look-arounds that are gone back into are not supported: use (?= or (?<=", start)
        if self.take("<"):
            return self.numbered(self.name(">"))
        if self.take("'"):
            return self.numbered(self.name("'"))
        character = self.peek()
        if character == "C":
            raise Untranslatable("callouts are not supported: remove (?C…), which does nothing in Apache", start)
        if character == "(":
            raise Untranslatable("conditions like (?(1)…) are not supported: write both cases as a choice", start)
        if character in ("R", "&") or character.isdecimal() or (character in ("+", "-") and self.peek(1).isdecimal()):
            raise Untranslatable(_CALLS, start)
        return self.setting()

    def inside(self, flags: _Flags | None) -> Node:
        """Read up to the end of a group, and forget the settings in it."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Untranslatable(f"more than {_DEEPEST} groups in each other are not supported", self.position)
        kept = self.flags
        self.flags = flags or kept
        found = self.alternatives()
        if not self.take(")"):
            raise self.refuse("missing closing parenthesis")
        self.flags = kept
        self.depth -= 1
        return found

    def plain(self, flags: _Flags | None) -> Node:
        """Read a group that keeps nothing: one item, even if it is a place, or branches."""
        found = self.inside(flags)
        alone = isinstance(found, At | Look | Choice) or found is _WORD_START or found is _WORD_END
        return Sequence((found,)) if alone else found

    def numbered(self, name: str | None) -> Node:
        """Read a group that has a number."""
        self.count += 1
        number = self.count
        if name is not None:
            for other, numbers in self.names.items():
                if other != name and number in numbers:
                    raise self.refuse("different names for subpatterns of the same number are not allowed")
            numbers = self.names.setdefault(name, [])
            if numbers and number not in numbers and not self.flags.J:
                raise self.refuse("two named subpatterns have the same name (PCRE2_DUPNAMES not set)")
            if number not in numbers:
                numbers.append(number)
        return Group(number, self.inside(None))

    def reset(self) -> Node:
        """Read a group each of whose branches counts groups from the same number on."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Untranslatable(f"more than {_DEEPEST} groups in each other are not supported", self.position)
        kept = self.flags
        before = most = self.count
        branches = []
        while True:
            self.count = before
            branches.append(self.branch())
            most = max(most, self.count)
            if not self.take("|"):
                break
        self.count = most
        if not self.take(")"):
            raise self.refuse("missing closing parenthesis")
        self.flags = kept
        self.depth -= 1
        return Sequence((Choice(tuple(branches)),))

    def look(self, behind: bool, negative: bool, start: int) -> Node:
        """Read a look-around."""
        self.looking += 1
        body = self.inside(None)
        self.looking -= 1
        if behind:
            for branch in body.branches if isinstance(body, Choice) else (body,):
                if _refers(branch):
                    raise Untranslatable("references in a look-behind are not supported", start)
                if width(branch) is None:
                    self.position = start
                    raise self.refuse("lookbehind assertion is not fixed length")
        return Look(body, behind, negative)

    def setting(self) -> Node | None:
        """Read `imsxnJU-imsxnJU` up to `)` or `:`."""
        flags = self.flags
        cleared = self.take("^")
        if cleared:
            flags = _Flags(i=False, s=False, U=flags.U, J=flags.J)
        to = True
        while True:
            letter = self.peek()
            if not letter:
                raise self.refuse("missing closing parenthesis")
            if letter in ":)":
                break
            if letter == "-":
                if not to or cleared:
                    raise self.refuse("invalid hyphen in option setting")
                to = False
            elif letter not in _OPTIONS:
                raise self.refuse("unrecognized character after (? or (?-")
            elif letter == "x":
                twice = self.peek(1) == "x"
                self.position += twice
                flags = replace(flags, x=to, blanks=to and twice)
            else:
                flags = replace(flags, **{letter: to})
            self.position += 1
        self.position += 1
        if letter == ":":
            return self.plain(flags)
        self.flags = flags
        return None


def _branches(node: Node) -> bool:
    """Tell whether a node is written as a group of several branches."""
    match node:
        case Choice():
            return True
        case Group(_, body) | Atomic(body) | Look(body) | Sequence((body,)):
            return _branches(body)
    return False


def _refers(node: Node) -> bool:
    return isinstance(node, Back) or any(_refers(child) for child in children(node))
