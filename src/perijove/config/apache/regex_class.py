"""Escapes and classes of PCRE2's spelling: what stands for sets of octets.

Knows pcre2pattern(3) as of PCRE2 10.42 without UTF, in the C locale. Must not know groups, repeats, or Python's `re`.
"""

from __future__ import annotations

from typing import Final

from perijove.config.apache.regex_tree import ALL, DIGIT, LOWER, UPPER, WORD, folded, mask, span


class Untranslatable(Exception):
    """A pattern that cannot be run here as Apache runs it: why, and at which octet of it."""

    def __init__(self, reason: str, offset: int) -> None:
        """Keep both."""
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


class Invalid(Untranslatable):
    """A pattern that Apache refuses, too. The reason is in PCRE2's words."""


_SPACE: Final = mask(b"\t\n\v\f\r ")
_ACROSS: Final = mask(b"\t \xa0")
_DOWN: Final = mask(b"\n\v\f\r\x85")
# Backslash and a letter, for a set. `\s` has the vertical tab since PCRE2 10.
SETS: Final = {
    "d": DIGIT,
    "D": ALL & ~DIGIT,
    "w": WORD,
    "W": ALL & ~WORD,
    "s": _SPACE,
    "S": ALL & ~_SPACE,
    "h": _ACROSS,
    "H": ALL & ~_ACROSS,
    "v": _DOWN,
    "V": ALL & ~_DOWN,
}
_CONTROLS: Final = {"a": 7, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9}
_GRAPH: Final = span(33, 126)
_POSIX: Final = {
    "alpha": UPPER | LOWER,
    "lower": LOWER,
    "upper": UPPER,
    "alnum": UPPER | LOWER | DIGIT,
    "ascii": span(0, 127),
    "blank": mask(b"\t "),
    "cntrl": span(0, 31) | mask(b"\x7f"),
    "digit": DIGIT,
    "graph": _GRAPH,
    "print": _GRAPH | mask(b" "),
    "punct": _GRAPH & ~(UPPER | LOWER | DIGIT),
    "space": _SPACE,
    "word": WORD,
    "xdigit": DIGIT | mask(b"abcdefABCDEF"),
}
_HEX: Final = "0123456789abcdefABCDEF"
_OCTAL: Final = "01234567"
_LETTERS: Final = "PCRE2 does not support \\F, \\L, \\l, \\N{name}, \\U, or \\u"
PROPERTIES: Final = "Unicode properties (\\p and \\P) are not supported: write the octets as a class"
_UNKNOWN: Final = "unrecognized character follows \\"
_BAD_RANGE: Final = "invalid range in character class"
_NO_END: Final = "missing terminating ] for character class"


class Reader:
    """A pattern, and how far it has been read. Each octet is one character of a str."""

    def __init__(self, pattern: str) -> None:
        """Begin."""
        self.pattern = pattern
        self.position = 0

    def peek(self, ahead: int = 0) -> str:
        """Return a character that is not read yet; nothing behind the end."""
        return self.pattern[self.position + ahead : self.position + ahead + 1]

    def take(self, text: str) -> bool:
        """Read a text if it comes next."""
        if not self.pattern.startswith(text, self.position):
            return False
        self.position += len(text)
        return True

    def run(self, of: str, most: int) -> str:
        """Read characters of a set, so many at most."""
        start = self.position
        while self.position < start + most and self.peek() and self.peek() in of:
            self.position += 1
        return self.pattern[start : self.position]

    def refuse(self, reason: str) -> Invalid:
        """Return what to raise, for this place."""
        return Invalid(reason, self.position)

    def number(self) -> int | None:
        r"""Read what `\x`, `\o`, `\c` or a letter mean as one octet, behind the backslash; None if it is something else.

        What follows `\0` to `\9` is the caller's: it depends on groups, and on where it stands.
        """
        letter = self.peek()
        if letter in _CONTROLS:
            self.position += 1
            return _CONTROLS[letter]
        if letter == "x":
            self.position += 1
            return self._braced(_HEX, 16, "hex") if self.peek() == "{" else int(self.run(_HEX, 2) or "0", 16)
        if letter == "o":
            self.position += 1
            if self.peek() != "{":
                raise self.refuse("missing opening brace after \\o")
            return self._braced(_OCTAL, 8, "octal")
        if letter == "c":
            self.position += 1
            character = self.peek()
            if not character:
                raise self.refuse("\\c at end of pattern")
            if not " " <= character <= "~":
                raise self.refuse("\\c must be followed by a printable ASCII character")
            self.position += 1
            return ord(character.upper()) ^ 0x40
        if not letter:
            raise self.refuse("\\ at end of pattern")
        if letter in "FLUlu":
            raise self.refuse(_LETTERS)
        if not (letter.isascii() and letter.isalnum()):
            self.position += 1
            return ord(letter)
        return None

    def _braced(self, digits: str, base: int, name: str) -> int:
        self.position += 1
        found = self.run(digits, 1 << 30)
        if self.take("}"):
            if not found:
                raise self.refuse("digits missing in \\x{} or \\o{} or \\N{U+}")
            if int(found, base) > 255:
                raise self.refuse("character code point value in \\x{} or \\o{} is too large")
            return int(found, base)
        letter = "x" if base == 16 else "o"
        raise self.refuse(f"non-{name} character in \\{letter}{{}} (closing brace missing?)")

    def octal(self) -> int:
        """Read up to three octal digits."""
        value = int(self.run(_OCTAL, 3), 8)
        if value > 255:
            raise self.refuse("octal value is greater than \\377 in 8-bit non-UTF-8 mode")
        return value

    def posix_end(self, start: int) -> int:
        """Return where `:]` of a `[:` is whose colon stands at `start`; -1 if it is none (check_posix_syntax in PCRE2)."""
        text = self.pattern
        mark = text[start]
        at = start + 1
        while at + 1 < len(text):
            if text[at] == "\\" and text[at + 1] in "]\\":
                at += 1
            elif (text[at] == "[" and text[at + 1] == mark) or text[at] == "]":
                return -1
            elif text[at] == mark and text[at + 1] == "]":
                return at
            at += 1
        return -1


class _Class:
    """What has been found of a class."""

    def __init__(self, reader: Reader, nocase: bool, blanks: bool) -> None:
        self.reader = reader
        self.nocase = nocase
        self.blanks = blanks  # spaces and tabs do not count (`(?xx)`)
        self.octets = 0
        self.first: int | None = None  # what a range could begin with
        self.ranging = False  # after a hyphen that makes one, unless the class ends

    def literal(self, octet: int) -> None:
        """Add an octet, or the end of a range."""
        if self.ranging and self.first is not None:
            if octet < self.first:
                raise self.reader.refuse("range out of order in character class")
            self.add(span(self.first, octet))
            self.first = None
            self.ranging = False
        else:
            self.add(1 << octet)
            self.first = octet

    def add(self, octets: int) -> None:
        """Add octets of which the case may not count."""
        self.octets |= folded(octets) if self.nocase else octets

    def whole(self, octets: int) -> None:
        """Add a set that can be no end of a range."""
        reader = self.reader
        if self.ranging:
            raise reader.refuse(_BAD_RANGE)
        self.octets |= octets
        self.first = None
        if reader.peek() == "-" and reader.peek(1) not in ("]", ""):
            raise reader.refuse(_BAD_RANGE)

    def escape(self) -> None:
        """Add what a backslash means here."""
        reader = self.reader
        letter = reader.peek()
        if letter in SETS and letter:
            reader.position += 1
            self.whole(SETS[letter])
        elif letter == "b" or letter == "g":
            reader.position += 1
            self.literal(8 if letter == "b" else ord("g"))
        elif letter == "N":
            raise reader.refuse("\\N is not supported in a class")
        elif letter in ("p", "P"):
            raise Untranslatable(PROPERTIES, reader.position)
        elif letter in "01234567" and letter:
            self.literal(reader.octal())
        elif letter in "89" and letter:
            reader.position += 1
            self.literal(ord(letter))
        else:
            octet = reader.number()
            if octet is None:
                known = letter in "ABCGKRXZkz"
                raise reader.refuse("escape sequence is invalid in character class" if known else _UNKNOWN)
            self.literal(octet)

    def posix(self, end: int) -> None:
        """Add a class with a name; its `[` is the next character."""
        reader = self.reader
        if self.ranging:
            raise reader.refuse(_BAD_RANGE)
        if reader.peek(1) != ":":
            raise reader.refuse("POSIX collating elements are not supported")
        name = reader.pattern[reader.position + 2 : end]
        negative = name.startswith("^")
        octets = _POSIX.get(name.removeprefix("^"))
        if octets is None:
            raise reader.refuse("unknown POSIX class name")
        if self.nocase and octets in (UPPER, LOWER):
            octets = UPPER | LOWER
        reader.position = end + 2
        self.whole(ALL & ~octets if negative else octets)


def read_class(reader: Reader, nocase: bool, blanks: bool) -> int:
    """Read a class behind its `[`; return the octets that it has.

    Args:
        reader: where it stands.
        nocase: whether a letter means both.
        blanks: whether spaces and tabs in it do not count.
    """
    found = _Class(reader, nocase, blanks)
    negative = False
    while True:
        if reader.take("\\E") or reader.take("\\Q\\E") or (blanks and (reader.take(" ") or reader.take("\t"))):
            continue
        if negative or not reader.take("^"):
            break
        negative = True
    if reader.take("]"):
        found.literal(ord("]"))
    quoted = False
    while True:
        character = reader.peek()
        if not character:
            raise reader.refuse(_NO_END)
        if quoted:
            if reader.take("\\E"):
                quoted = False
            else:
                reader.position += 1
                found.literal(ord(character))
            continue
        if reader.take("]"):
            break
        if reader.take("\\Q"):
            quoted = True
        elif reader.take("\\E") or (blanks and (reader.take(" ") or reader.take("\t"))):
            pass
        elif character == "[" and reader.peek(1) in (":", ".", "=") and (end := reader.posix_end(reader.position + 1)) >= 0:
            found.posix(end)
        elif character == "-" and found.first is not None and not found.ranging:
            reader.position += 1
            found.ranging = True
        elif reader.take("\\"):
            found.escape()
        else:
            reader.position += 1
            found.literal(ord(character))
    if found.ranging:
        found.octets |= mask(b"-")
    return ALL & ~found.octets if negative else found.octets
