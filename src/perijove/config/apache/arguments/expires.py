"""How mod_expires writes until when an answer may be kept.

Source: check_code (modules/metadata/mod_expires.c). Must not know which answers have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from perijove.config.apache.arguments.kinds import Check, atoi, said, wrong
from perijove.config.apache.directive import Directive, Fault, Section
from perijove.config.apache.words import fold

if TYPE_CHECKING:
    from perijove.config.apache.directive import Scope

_HELP: Final = 'write `"access plus 1 month"`, or `A3600`: seconds after the access'
# What words begin with, and seconds: what follows these letters is not looked at.
UNITS: Final = {"y": 365 * 24 * 3600, "mo": 30 * 24 * 3600, "w": 7 * 24 * 3600, "d": 24 * 3600, "h": 3600, "mi": 60, "s": 1}


class Span(NamedTuple):
    """How long an answer may be kept: so many seconds, since it was asked for or since the file was changed."""

    seconds: int
    changed: bool


def span(code: str) -> Span | str:
    """Read `A3600`, or `access plus 1 day 2 hours`; return what is wrong with it if it is none."""
    if code[:1] in ("A", "M"):
        return Span(atoi(code[1:]), code[0] == "M")
    words = code.split()
    base = words.pop(0) if words else ""
    if fold(base[:1]) not in ("n", "a", "m"):  # now, access, modification: no other letter is looked at
        return f"unrecognised <base> '{base}'"
    if words and fold(words[0][0]) == "p":  # plus
        del words[0]
    seconds = 0
    for at in range(0, len(words), 2):
        if not words[at][0].isdigit():
            return f"numeric value expected <num> '{words[at]}'"
        if at + 1 == len(words):
            return "missing <type>"
        unit = fold(words[at + 1])
        factor = next((factor for letters, factor in UNITS.items() if unit.startswith(letters)), 0)
        if not factor:
            return f"unrecognised <type>'{words[at + 1]}'"
        seconds += factor * atoi(words[at])
    return Span(seconds, fold(base[0]) == "m")


def _check(item: Directive | Section, scope: Scope) -> Fault | None:
    at = len(item.words) - 1
    if at > 0 and "/" not in said(item):
        return wrong(item, "Invalid mimetype: should contain a slash", "write `image/png`, or `image/*`")
    found = span(said(item, at))
    shown = f"{item.name} {' '.join(word.text for word in item.words)}"
    return wrong(item, f"'{shown}': bad expires code, {found}", _HELP, at) if isinstance(found, str) else None


EXPIRES: Final[dict[str, Check]] = {"ExpiresByType": _check, "ExpiresDefault": _check}
