"""Variables of a configuration: Define, `-D`, the environment, and Debian's envvars.

Knows what `${NAME}` stands for and how it is put in place (ap_resolve_env). Must not know directives; runs no shell.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perijove.config.apache.words import Logical, Piece, fold

if TYPE_CHECKING:
    from collections.abc import Mapping

_ASSIGNMENT = re.compile(r"(?:export[ \t]+)?([A-Za-z_]\w*)=(.*)")
_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_MOST = 1 << 22  # characters that are put in place in all
_LONGEST = 1 << 16  # characters of a line, after which no more is put in place: `Define X ${X}${X}` doubles, line after line


@dataclass(slots=True)
class Variables:
    """What is defined at a point of the reading. Names of defines have case; names in `${}` that Define set have none."""

    environment: Mapping[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    left: int = _MOST

    def define(self, name: str, value: str | None) -> None:
        """Carry out Define: a name for `<IfDefine>`, and a value if there is one."""
        self.names.add(name)
        if value is not None:
            self.values[fold(name)] = value

    def undefine(self, name: str) -> None:
        """Carry out UnDefine."""
        self.names.discard(name)
        self.values.pop(fold(name), None)

    def get(self, name: str) -> str | None:
        """Return what `${name}` stands for."""
        found = self.values.get(fold(name))
        return self.environment.get(name) if found is None else found

    def resolve(self, line: Logical) -> tuple[Logical, list[tuple[str, int, int]]]:
        """Replace variables once, from left to right; return what was undefined as well, with its borders in the new text."""
        text = line.text
        if "${" not in text:
            return line, []
        parts: list[str] = []
        pieces: list[Piece] = []
        undefined: list[tuple[str, int, int]] = []
        size = at = 0
        while True:
            start = text.find("${", at)
            end = text.find("}", start) if start >= 0 else -1
            if end < 0 or size > _LONGEST or self.left < 0:
                break
            value = self.get(text[start + 2 : end])
            if value is None:
                # A colon is left to mod_rewrite's maps: ${map:key}.
                if ":" not in text[start:end]:
                    begin = size + start - at
                    undefined.append((text[start + 2 : end], begin, begin + end + 1 - start))
                pieces += _moved(line, at, end + 1, size)
                parts.append(text[at : end + 1])
            else:
                pieces += _moved(line, at, start, size)
                parts += (text[at:start], value)
                self.left -= len(value)
                there = line.span(start, end + 1)
                if value:
                    pieces.append(Piece(size + start - at, there.line, there.column, there.size))
            size += end + 1 - at if value is None else start - at + len(value)
            at = end + 1
        pieces += _moved(line, at, len(text), size)
        parts.append(text[at:])
        return Logical(line.source, "".join(parts), tuple(pieces) or line.pieces[:1]), undefined


def _moved(line: Logical, start: int, end: int, offset: int) -> list[Piece]:
    """Return the pieces of a part of a line, which is copied to an offset."""
    if start >= end:
        return []
    begin = line.span(start, start + 1)
    pieces = [Piece(offset, begin.line, begin.column)]
    first, last = bisect_right(line.pieces, start, key=_offset), bisect_left(line.pieces, end, key=_offset)
    pieces += [one._replace(offset=one.offset - start + offset) for one in line.pieces[first:last]]
    return pieces


def _offset(piece: Piece) -> int:
    return piece.offset


def envvars(text: str, folder: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the assignments of an envvars file, as far as they need no shell.

    Of Debian's own, the one condition computes SUFFIX, by which several instances are told apart: `/etc/apache2-NAME`.
    """
    values = {"SUFFIX": folder.removeprefix("/etc/apache2") if folder.startswith("/etc/apache2-") else ""}
    depth = 0
    for line in text.split("\n"):
        line = line.strip()
        if line.startswith("if "):
            depth += 1
        elif line == "fi" or line.startswith("fi "):
            depth -= 1
        found = _ASSIGNMENT.fullmatch(line)
        if depth > 0 or not found or "$(" in line or "`" in line:
            continue
        values[found[1]] = _value(found[2], {**environment, **values})
    return values


def _value(text: str, known: Mapping[str, str]) -> str:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    else:
        text = text.split(" ", 1)[0].split("\t", 1)[0].split(";", 1)[0]
    return _REFERENCE.sub(lambda its: known.get(its[1] or its[2], ""), text)
