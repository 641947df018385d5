"""Lines as Apache joins them, and words as it cuts them out, with the place where each stood.

Knows the lexical rules of httpd's server/util.c. Must not know directives.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from perijove.text.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perijove.text.source import Source

# What isspace(3) says in the C locale, which httpd runs in.
SPACE = " \t\n\v\f\r"
_plain = re.compile(r"[ \t\n\v\f\r]*+([^\"' \t\n\v\f\r][^ \t\n\v\f\r]*+)[ \t\n\v\f\r]*+").match  # a word without quotes


class Piece(NamedTuple):
    """Where a part of a logical line stood: `size` is 0 for a copy, else something stands in place of so many characters."""

    offset: int
    line: int
    column: int
    size: int = 0


class Logical(NamedTuple):
    """A line as Apache sees it: continued ones are joined, white space around is gone, variables may be replaced."""

    source: Source
    text: str
    pieces: tuple[Piece, ...]

    def _place(self, offset: int, *, end: bool = False) -> tuple[int, int]:
        piece = self.pieces[max(0, bisect_right(self.pieces, offset, key=_offset) - 1)]
        column = piece.column + (offset - piece.offset if not piece.size else piece.size - 1 if end else 0)
        return piece.line, column

    def span(self, start: int = 0, end: int | None = None) -> Span:
        """Return the place of a part; of one that goes on in the next line, what stands in the first."""
        stop = len(self.text) if end is None else end
        if len(self.pieces) == 1 and not self.pieces[0].size:
            _, line, column, _ = self.pieces[0]
            return Span(self.source, line, column + start, max(1, stop - start))
        line, column = self._place(start)
        last, after = self._place(max(start, stop - 1), end=True)
        if last != line:
            after = len(self.source.line(line)) - 1
        return Span(self.source, line, column, max(1, after - column + 1))

    def strip(self, start: int, end: int) -> tuple[int, int]:
        """Return the borders of a part without white space around."""
        while start < end and self.text[start] in SPACE:
            start += 1
        while end > start and self.text[end - 1] in SPACE:
            end -= 1
        return start, end


def _offset(piece: Piece) -> int:
    return piece.offset


def logical(source: Source, number: int, raw: str) -> Logical:
    """Join and trim the text of one or more lines, of which the first has a number.

    ap_cfg_getline(): a backslash before the line's end goes, and the next line follows, in comments as well.
    """
    if "\0" not in raw and raw.find("\n", 0, -1) < 0 and not raw.endswith(("\\\n", "\\\r\n")):
        text = raw.strip(SPACE)
        indent = len(raw) - len(raw.lstrip(SPACE)) if text else 0
        return Logical(source, text, (Piece(0, number, 1 + indent),))
    parts, pieces, size = [], [], 0
    ends = number + raw.count("\n")
    for line in raw.split("\n"):
        pieces.append(Piece(size, number, 1))
        number += 1
        # A C string ends at the first NUL; then no line's end is seen, and nothing is continued.
        bare = line.removesuffix("\r")
        continued = bare.endswith("\\") and "\0" not in line and number <= ends
        parts.append(bare[:-1] if continued else line.split("\0", 1)[0])
        size += len(parts[-1])
    whole = "".join(parts)
    start, end = 0, len(whole)
    while start < end and whole[start] in SPACE:
        start += 1
    while end > start and whole[end - 1] in SPACE:
        end -= 1
    if not start:
        return Logical(source, whole[:end], tuple(pieces))
    first = max(0, bisect_right(pieces, start, key=_offset) - 1)
    moved = [one._replace(offset=one.offset - start) for one in pieces[first:]]
    moved[0] = moved[0]._replace(offset=0, column=1 - moved[0].offset)
    return Logical(source, whole[start:end], tuple(moved))


def physical(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the text, line ends and all, of each line with those that continue it."""
    number, begun, start, at = 1, 1, 0, 0
    while at < len(text):
        end = text.find("\n", at)
        line = text[at:] if end < 0 else text[at:end]
        at = len(text) if end < 0 else end + 1
        number += 1
        if end >= 0 and "\0" not in line and line.removesuffix("\r").endswith("\\"):
            continue
        yield begun, text[start:at]
        begun, start = number, at
    if start < len(text):
        yield begun, text[start:]


def word(text: str, at: int) -> tuple[str, int, int, int]:
    """Cut out the next word: what it says, where it begins and ends, and where the next one begins (ap_getword_conf)."""
    plain = _plain(text, at)
    if plain is not None:
        begin, end = plain.span(1)
        said = plain[1]
        return (_unescaped(said, "\\") if "\\" in said else said), begin, end, plain.end()
    size = len(text)
    while at < size and text[at] in SPACE:
        at += 1
    if at == size:
        return "", at, at, at
    begin, quote = at, text[at]
    at += 1
    while at < size and text[at] != quote:
        at += 2 if text[at] == "\\" and at + 1 < size and text[at + 1] in (quote, "\\") else 1
    said = _unescaped(text[begin + 1 : at], quote)
    end = at = min(at + 1, size)
    while at < size and text[at] in SPACE:
        at += 1
    return said, begin, end, at


def _unescaped(text: str, quote: str) -> str:
    if "\\" not in text:
        return text
    parts, at = [], 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] in ("\\", quote):
            at += 1
        parts.append(text[at])
        at += 1
    return "".join(parts)


def rewrite_words(text: str, at: int) -> list[tuple[str, int, int]]:
    """Cut out the three words that mod_rewrite reads by a rule of its own (parseargline): nothing is unescaped.

    A backslash keeps white space in a word, and what follows the third is not looked at. One word alone is none.
    """
    words: list[tuple[str, int, int]] = []
    size = len(text)
    while len(words) < 3:
        while at < size and text[at] in SPACE:
            at += 1
        if at >= size and words:
            return words if len(words) > 1 else [*words, ("", size, size)]
        begin = at
        quote = text[at] if at < size and text[at] in "\"'" else ""
        at += bool(quote)
        start = at
        while at < size and not (text[at] == quote if quote else text[at] in SPACE):
            at += 2 if text[at] == "\\" and text[at + 1 : at + 2] and text[at + 1] in SPACE else 1
        at = min(at, size)
        if at == size and not words:
            return []
        words.append((text[start:at], begin, min(at + bool(quote), size)))
        at += 1
    return words


def fold(text: str) -> str:
    """Return a name as strcasecmp(3) compares it: only ASCII has cases."""
    return text.lower() if text.isascii() else "".join(c.lower() if c.isascii() else c for c in text)


def is_wildcard(path: str) -> bool:
    """Tell whether a path is a shell's pattern (apr_fnmatch_test, APR's strings/apr_fnmatch.c)."""
    return any(mark in path for mark in "*?[")


def octets(text: str) -> bytes:
    """Return the octets of a text from a file."""
    return text.encode("utf-8", "surrogateescape")
