r"""What a backslash says in a pattern of PCRE2, outside of classes: sets, places, references, octets.

Knows pcre2pattern(3) "Backslash". Must not know groups, but for their numbers and names, nor repeats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from perijove.config.apache.regex_class import PROPERTIES, SETS, Reader, Untranslatable
from perijove.config.apache.regex_repeat import MOST, counts
from perijove.config.apache.regex_tree import ALL, At, Back, Choice, Look, Node, Octets, Place, Sequence, folded, mask

NEWLINE: Final = mask(b"\n")
_CR: Final = Octets(mask(b"\r"))
_CRLF: Final = Sequence((_CR, Octets(NEWLINE)))
# What PCRE2 does not go back into; a CR that no LF follows says the same with plain means.
_LONE_CR: Final = Sequence((_CR, Look(Octets(NEWLINE), negative=True)))
_LINE_BREAK: Final = Sequence((Choice((_CRLF, Octets(mask(b"\n\v\f\x85")), _LONE_CR)),))
_CLUSTER: Final = Sequence((Choice((_CRLF, Octets(ALL & ~mask(b"\r")), _LONE_CR)),))
_ENDS: Final = {"<": ">", "{": "}", "'": "'"}
NO_GROUP: Final = "reference to non-existent subpattern"
_NO_NUMBER: Final = "\\g is not followed by a braced, angle-bracketed, or quoted name/number or by a plain number"
CALLS: Final = "recursion and calls of groups are not supported: write the group out where it is called"


@dataclass(frozen=True, slots=True)
class Flags:
    """What `(?imsxnU)` changes; `blanks` is `xx`."""

    i: bool
    s: bool = True
    m: bool = False
    x: bool = False
    blanks: bool = False
    n: bool = False
    U: bool = False
    J: bool = True


class Escapes(Reader):
    """A pattern, how far it has been read, and what holds there."""

    def __init__(self, pattern: str, nocase: bool) -> None:
        super().__init__(pattern)
        self.flags = Flags(i=nocase)
        self.count = 0  # groups so far
        self.highest = 0  # group that is referred to
        self.names: dict[str, list[int]] = {}
        self.named: list[tuple[str, int, int]] = []  # references by name: name, a number below 0 that stands for it, offset
        self.looking = 0  # look-arounds that this place is in

    def octet(self, octet: int) -> Node:
        """Return an octet as it counts here."""
        return Octets(folded(1 << octet) if self.flags.i else 1 << octet)

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
        if self.peek() == "{" and counts(self) is None:
            if self.pattern.startswith("{U+", self.position):
                raise self.refuse("\\N{U+dddd} is supported only in Unicode (UTF) mode")
            raise self.refuse("PCRE2 does not support \\F, \\L, \\l, \\N{name}, \\U, or \\u")
        return Octets(ALL & ~NEWLINE)

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
        if number < 1 or number > MOST:
            raise self.refuse(NO_GROUP)
        self.highest = max(self.highest, number)
        return Back(number, self.flags.i)

    def group_reference(self) -> Node:
        r"""Read what follows `\g`."""
        if self.peek() in ("<", "'") and self.peek():
            raise Untranslatable(CALLS, self.position)
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
