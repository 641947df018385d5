"""What RewriteCond and RewriteRule say: arguments, flags, kinds of patterns.

Knows how httpd reads them (modules/mappers/mod_rewrite.c: parseargline, cmd_rewritecond, cmd_rewriterule), and its words for
what is wrong. Must not know what rules do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from perijove.config.apache.reasons import STATUSES
from perijove.gateway.conditions import Comparison, Disk, Pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.text.source import Span

_SPACES: Final = " \t\n\v\f\r"
MOST_ROUNDS: Final = 10_000  # of [N]: REWRITE_MAX_ROUNDS


class Wrong(Exception):
    """A directive that httpd refuses; the argument is what it says, the second what to type instead."""


class Lookup(Enum):
    """Conditions that ask what a request inside would come to."""

    URL = "-U"
    FILE = "-F"


@dataclass(frozen=True, slots=True)
class Compared:
    """A pattern that compares; `inverse` says that the contrary of the comparison is meant."""

    how: Comparison
    inverse: bool = False


Kind = Pattern | Compared | Disk | Lookup | None  # None: an expression


@dataclass(frozen=True, slots=True)
class Cond:
    """RewriteCond: `text` is what is looked at, `argument` what it is held against."""

    text: str
    argument: str
    kind: Kind
    span: Span
    negated: bool = False
    nocase: bool = False
    ornext: bool = False
    novary: bool = False


@dataclass(frozen=True, slots=True)
class Flags:
    """What stands in the brackets of a RewriteRule."""

    proxy: bool = False
    passthrough: bool = False
    last: bool = False
    end: bool = False
    chain: bool = False
    rounds: int = 0  # [N]: how many at most
    skip: int = 0
    redirect: bool = False
    status: int = 302  # of the redirect, or of the refusal
    refuse: bool = False
    noescape: bool = False
    nocase: bool = False
    append: bool = False
    discard: bool = False
    query_last: bool = False
    escape: bool = False  # [B], [B=…], [BCTLS]
    escaped: str = ""  # of [B=…]
    controls: bool = False  # [BCTLS]
    unescaped: str = ""  # of [BNE=…]
    noplus: bool = False
    unsafe_query: bool = False  # [UnsafeAllow3F]
    discard_info: bool = False  # [DPI]
    environment: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()  # flags that httpd knows and we do not do


@dataclass(frozen=True, slots=True)
class RuleLine:
    """RewriteRule, with the conditions that stood before it."""

    pattern: Pattern
    negated: bool
    substitution: str
    nothing: bool  # it is `-`
    flags: Flags
    conditions: tuple[Cond, ...]
    span: Span

    @property
    def texts(self) -> tuple[str, ...]:
        """What it makes of a request."""
        return (self.substitution, *self.flags.environment, *self.flags.cookies)


def arguments(text: str) -> tuple[str, str, str | None]:
    """Return two arguments and the third, if there is one. Backslashes stay, and a quote ends at the next of its kind.

    Raises:
        Wrong: there are fewer than two.
    """
    text = text.strip(_SPACES)
    first, rest = _argument(text)
    second, rest = _argument(rest) if rest else ("", "")
    # Behind a quote that ends the line there is room for an argument without a letter (parseargline).
    if not rest and not second and (text[:1] not in ("'", '"') or len(first) + 2 != len(text)):
        raise Wrong(f"bad argument line '{text.strip(_SPACES)}'", "two arguments are needed")
    third, _ = _argument(rest) if rest else (None, "")
    return first, second, third


_bare: Final = re.compile(r"[^\"'\s\\][^\s\\]*+(?!\\)", re.ASCII).match  # the usual: no quotes, and no backslash


def _argument(text: str) -> tuple[str, str]:
    bare = _bare(text)
    if bare is not None:
        return bare[0], text[bare.end() + 1 :].lstrip(_SPACES)
    quote = text[:1] if text[:1] in ("'", '"') else ""
    at = len(quote)
    while at < len(text):
        one = text[at]
        if one == quote if quote else one in _SPACES:
            break
        if one == "\\" and text[at + 1 : at + 2] and text[at + 1] in _SPACES:
            at += 1
        at += 1
    return text[len(quote) : at], text[at + 1 :].lstrip(_SPACES)


def flagged(text: str) -> list[tuple[str, str]]:
    """Return flags and their values.

    Raises:
        Wrong: they do not stand in brackets.
    """
    if not (text.startswith("[") and text.endswith("]")) or len(text) < 2:
        raise Wrong("bad flag delimiters", "flags stand in brackets, separated by commas and without spaces: [P,L]")
    found = []
    for one in text[1:-1].split(","):
        name, _, value = one.strip(_SPACES).partition("=")
        found.append((name, value))
    return found


def regex(pattern: str, nocase: bool) -> Pattern:
    """Return a regular expression.

    Raises:
        Wrong: it cannot be compiled.
    """
    from perijove.config.apache.regex import Invalid, Untranslatable, translate

    try:
        made = translate(pattern, nocase)
    except Invalid as fault:
        raise Wrong(f"cannot compile regular expression '{pattern}'", str(fault)) from fault
    except Untranslatable as fault:
        raise Wrong(f"the regular expression '{pattern}' is not understood here", str(fault)) from fault
    return Pattern(made.pattern, made.groups, made.guarded, pattern)


_DISK: Final = {
    "-f": Disk.FILE,
    "-s": Disk.FILLED,
    "-d": Disk.DIRECTORY,
    "-x": Disk.EXECUTABLE,
    "-h": Disk.LINK,
    "-l": Disk.LINK,
    "-L": Disk.LINK,
}
_NUMBERS: Final = {
    "-lt": Compared(Comparison.NUMBERS_LESS),
    "-le": Compared(Comparison.NUMBERS_MORE, inverse=True),
    "-gt": Compared(Comparison.NUMBERS_MORE),
    "-ge": Compared(Comparison.NUMBERS_LESS, inverse=True),
    "-eq": Compared(Comparison.NUMBERS_SAME),
    "-ne": Compared(Comparison.NUMBERS_SAME, inverse=True),
}


def condition(text: str, span: Span, warn: Callable[[str], None]) -> Cond:
    """Return what a RewriteCond says.

    Args:
        text: what follows its name.
        span: where it stands.
        warn: is told of flags that do nothing.

    Raises:
        Wrong: httpd refuses it.
    """
    subject, argument, third = arguments(text)
    nocase = ornext = novary = False
    for name, _ in flagged(third) if third is not None else ():
        match name.lower():
            case "nc" | "nocase":
                nocase = True
            case "or" | "ornext":
                ornext = True
            case "nv" | "novary":
                novary = True
            case _:
                raise Wrong(f"unknown flag '{name}'", "NC, OR and NV are known")
    negated = argument.startswith("!")
    argument = argument[negated:]
    kind, argument = _kind(subject, argument, nocase)
    strings = isinstance(kind, Compared) and kind.how in _STRINGS
    if nocase and not isinstance(kind, Pattern) and not strings:
        warn(f"NoCase option for non-regex pattern '{argument}' is not supported and will be ignored.")
        nocase = False
    return Cond(subject, argument, kind, span, negated, nocase, ornext, novary)


_STRINGS: Final = (Comparison.SAME, Comparison.SHORTER, Comparison.LONGER)


def _kind(subject: str, argument: str, nocase: bool) -> tuple[Kind, str]:
    """Return what kind of pattern it is, and its argument."""
    if subject.lower() == "expr":
        return None, argument
    if len(argument) > 1:
        if argument in _DISK:
            return _DISK[argument], argument
        if argument in ("-U", "-F"):
            return Lookup(argument), argument
        if argument[:3] in _NUMBERS and len(argument) > 3:
            return _NUMBERS[argument[:3]], argument[3:]
        if argument[0] in "<>":
            how = Comparison.SHORTER if argument[0] == "<" else Comparison.LONGER
            if argument[1] == "=":
                other = Comparison.LONGER if argument[0] == "<" else Comparison.SHORTER
                return Compared(other, inverse=True), argument[2:]
            return Compared(how), argument[1:]
        if argument[0] == "=":
            return Compared(Comparison.SAME), "" if argument == '=""' else argument[1:]
    return regex(argument, nocase), argument


@dataclass(slots=True)
class _Building:
    values: dict[str, object] = field(default_factory=dict)
    environment: list[str] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


# What a flag sets that takes no value, by its names.
_PLAIN: Final[dict[str, dict[str, object]]] = {
    "bnp": {"noplus": True},
    "backrefernoplus": {"noplus": True},
    "bctls": {"escape": True, "controls": True},
    "c": {"chain": True},
    "chain": {"chain": True},
    "d": {},
    "dpi": {"discard_info": True},
    "discardpath": {"discard_info": True},
    "end": {"end": True},
    "f": {"refuse": True, "status": 403},
    "forbidden": {"refuse": True, "status": 403},
    "g": {"refuse": True, "status": 410},
    "gone": {"refuse": True, "status": 410},
    "l": {"last": True},
    "last": {"last": True},
    "ne": {"noescape": True},
    "noescape": {"noescape": True},
    "ns": {},
    "nosubreq": {},
    "nc": {"nocase": True},
    "nocase": {"nocase": True},
    "p": {"proxy": True},
    "proxy": {"proxy": True},
    "pt": {"passthrough": True},
    "passthrough": {"passthrough": True},
    "qsa": {"append": True},
    "qsappend": {"append": True},
    "qsd": {"discard": True},
    "qsdiscard": {"discard": True},
    "qsl": {"query_last": True},
    "qslast": {"query_last": True},
    "unsafeallow3f": {"unsafe_query": True},
    "unsafeprefixstat": {},
    "unc": {},  # of Windows
}
_STATUSES: Final = {"permanent": 301, "temp": 302, "seeother": 303}


def _flag(building: _Building, name: str, value: str) -> None:
    values = building.values
    match name.lower():
        case plain if plain in _PLAIN:
            values.update(_PLAIN[plain])
        case "b" | "backrefescaping":
            values["escape"] = True
            if value:
                values["escaped"] = value
        case "bne" | "backrefnoescape":
            if not value:
                raise Wrong("flag 'BNE' wants a list of characters (i.e. [BNE=...])", "write the characters: [B,BNE=/]")
            values["unescaped"] = value
        case "e" | "env":
            building.environment.append(value)
        case "co" | "cookie":
            building.cookies.append(value)
        case "n" | "next":
            number = _number(value) if value else MOST_ROUNDS
            values["rounds"] = max(number, 1)
        case "s" | "skip":
            values["skip"] = _number(value)
        case "r" | "redirect":
            _redirect(values, value)
        case "h" | "handler" | "t" | "type":
            building.unknown.append(name)
        case _:
            raise Wrong(f"unknown flag '{name}'", "known are B BCTLS BNE BNP C DPI E END F G L N NC NE NS P PT QSA QSD QSL R S")


def _number(text: str) -> int:
    digits = text.strip()
    size = 0
    while size < len(digits) and digits[size].isdigit():
        size += 1
    return int(digits[:size] or 0)


def _redirect(values: dict[str, object], value: str) -> None:
    values["redirect"] = True
    status = _STATUSES.get(value.lower(), 0)
    if value[:1].isdigit():
        status = _number(value)
        if status not in STATUSES:
            raise Wrong(f"invalid HTTP response code '{value}' for flag 'R'", "a redirect has 301, 302, 303, 307 or 308")
        if not 300 <= status < 400:
            values["refuse"] = True
    values["status"] = status or 302


def flags(text: str) -> Flags:
    """Return what stands in brackets.

    Raises:
        Wrong: httpd refuses it.
    """
    building = _Building()
    for name, value in flagged(text):
        _flag(building, name, value)
    return Flags(
        **building.values,  # type: ignore[arg-type]
        environment=tuple(building.environment),
        cookies=tuple(building.cookies),
        unknown=tuple(building.unknown),
    )


def rule(text: str, span: Span, conditions: tuple[Cond, ...]) -> RuleLine:
    """Return what a RewriteRule says.

    Raises:
        Wrong: httpd refuses it.
    """
    pattern, substitution, third = arguments(text)
    said = flags(third) if third is not None else Flags()
    negated = pattern.startswith("!")
    pattern = pattern[negated:]
    found = regex(pattern, said.nocase)
    return RuleLine(found, negated, substitution, substitution == "-" or said.refuse, said, conditions, span)
