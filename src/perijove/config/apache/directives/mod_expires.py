"""mod_expires: until when an answer may be kept.

Source: modules/metadata/mod_expires.c. Knows how a time is written. Must not know which answers have it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from perijove.config.apache.directives import directive

if TYPE_CHECKING:
    from perijove.config.apache.directive import Directive
    from perijove.config.apache.scope import Scope

# Words may be cut short, down to so many letters.
_UNITS: Final = (
    ("y", 365 * 24 * 3600),
    ("mo", 30 * 24 * 3600),
    ("w", 7 * 24 * 3600),
    ("d", 24 * 3600),
    ("h", 3600),
    ("mi", 60),
    ("s", 1),
)
_number: Final = re.compile(r"\s*([+-]?[0-9]+)").match  # atoi(3)


class Span(NamedTuple):
    """How long an answer may be kept: so many seconds, since it was asked for or since the file was changed."""

    seconds: int
    changed: bool


@directive("ExpiresActive")
def active(line: Directive, scope: Scope) -> None:
    """Switch it on or off."""
    scope.said["expiresactive"] = line.words[0].text.lower() == "on"


@directive("ExpiresDefault")
def default(line: Directive, scope: Scope) -> None:
    """Say it of all types."""
    code = line.words[0].text
    found = _span(code)
    if isinstance(found, str):
        scope.error("bad-value", f"'ExpiresDefault {code}': {found}", line.words[0].span, 'write `"access plus 1 day"`')
        return
    scope.said["expiresdefault"] = found


@directive("ExpiresByType")
def by_type(line: Directive, scope: Scope) -> None:
    """Say it of a type, or of all that begin as it does: `image/*`."""
    kind, code = (word.text for word in line.words[:2])
    found = _span(code)
    if isinstance(found, str):
        scope.error("bad-value", f"'ExpiresByType {kind} {code}': {found}", line.words[1].span, 'write `"access plus 1 day"`')
        return
    scope.said.setdefault("expiresbytype", {})[kind.lower()] = found


def _span(code: str) -> Span | str:
    """Read `A3600`, or `access plus 1 day 2 hours`; return what is wrong with it if it is none (check_code)."""
    if code[:1] in ("A", "M"):
        found = _number(code[1:])
        return Span(int(found[1]) if found else 0, code[0] == "M")
    words = code.split()
    base = words.pop(0) if words else ""
    if base[:1].lower() not in ("n", "a", "m") or not base:
        return f"bad expires code, unrecognised <base> '{base}'"
    if words and words[0][:1].lower() == "p":
        del words[0]
    seconds = 0
    for at in range(0, len(words), 2):
        if not words[at][:1].isdigit():
            return f"bad expires code, numeric value expected <num> '{words[at]}'"
        if at + 1 == len(words):
            return "bad expires code, missing <type>"
        unit = words[at + 1].lower()
        factor = next((factor for letters, factor in _UNITS if unit.startswith(letters)), 0)
        if not factor:
            return f"bad expires code, unrecognised <type> '{words[at + 1]}'"
        found = _number(words[at])
        seconds += factor * int(found[1] if found else 0)
    return Span(seconds, base[:1].lower() == "m")
