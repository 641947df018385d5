"""From PCRE2's spelling of a regular expression to a tree.

Knows pcre2pattern(3) as of PCRE2 10.42 (Debian 12), without UTF, in the C locale, under the flags that Apache compiles with
(`ap_regcomp` in server/util_pcre.c): PCRE2_DOTALL, PCRE2_DOLLAR_ENDONLY, PCRE2_DUPNAMES, and PCRE2_CASELESS where asked.
Must not know Python's `re`, nor how a pattern is run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from perijove.config.apache.regex_class import Untranslatable, read_class
from perijove.config.apache.regex_escape import CALLS, NEWLINE, NO_GROUP, Escapes, Flags
from perijove.config.apache.regex_repeat import MOST, WORD_END, WORD_START, counts, refers, repeated
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
    width,
)

_DEEPEST: Final = 60  # groups in groups; PCRE2 has 250 (PARENS_NEST_LIMIT), and here each takes frames of Python's
_BLANK: Final = "\t\n\v\f\r "
_OPTIONS: Final = "imsxnJU"


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
        raise parser.refuse(NO_GROUP)
    for name, _, offset in parser.named:
        if name not in parser.names:
            parser.position = offset
            raise parser.refuse(NO_GROUP)
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


class _Parser(Escapes):
    """A pattern, how far it has been read, and what holds there; with what quoting and nesting need."""

    def __init__(self, pattern: str, nocase: bool) -> None:
        super().__init__(pattern, nocase)
        self.quoted = False
        self.depth = 0

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
                item = repeated(self, item, *quantifier)
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
        if character in "*+?" or (character == "{" and counts(self) is not None):
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
                return Octets(ALL if self.flags.s else ALL & ~NEWLINE)
            case "^":
                return At(Place.LINE_START if self.flags.m else Place.START)
            case "$":
                return At(Place.LINE_END if self.flags.m else Place.END)
        return self.octet(ord(character))

    def bracket(self) -> Node:
        """Read a class."""
        if self.take("[[:<:]]"):
            return WORD_START
        if self.take("[[:>:]]"):
            return WORD_END
        self.position += 1
        if self.peek() in (":", ".", "=") and self.posix_end(self.position) >= 0:
            named = self.peek() == ":"
            raise self.refuse(
                "POSIX named classes are supported only within a class"
                if named
                else "POSIX collating elements are not supported"
            )
        return Octets(read_class(self, self.flags.i, self.flags.blanks))

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
            found = counts(self) if character == "{" else None
            if found is None:
                return None
            low, high, end = found
            if low > MOST or (high is not None and high > MOST):
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
                raise Untranslatable(CALLS, start)
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
            raise Untranslatable(CALLS, start)
        return self.setting()

    def inside(self, flags: Flags | None) -> Node:
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

    def plain(self, flags: Flags | None) -> Node:
        """Read a group that keeps nothing: one item, even if it is a place, or branches."""
        found = self.inside(flags)
        alone = isinstance(found, At | Look | Choice) or found is WORD_START or found is WORD_END
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
                if refers(branch):
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
            flags = Flags(i=False, s=False, U=flags.U, J=flags.J)
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
