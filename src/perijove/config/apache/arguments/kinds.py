"""Kinds of arguments: what makes a check of one out of Apache's words for it and what to type instead.

A check is given a directive and where it stands, and returns what is wrong with it. In messages `{word}` is the argument that is
meant, `{name}` the directive, and `{path}` where a path leads. Knows how httpd reads numbers, times and paths. Must not know any
directive.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directive import Directive, Fault, Section
from perijove.config.apache.words import fold

if TYPE_CHECKING:
    from perijove.config.apache.directive import Scope

Check = Callable[[Directive | Section, "Scope"], Fault | None]

INT_MAX: Final = (1 << 31) - 1
LONG_MAX: Final = (1 << 63) - 1
# ap_timeout_parameter_parse (server/util.c): in microseconds; what follows the unit's first letters is not looked at.
_UNITS: Final = {"h": 3_600_000_000, "ms": 1_000, "mi": 60_000_000, "s": 1_000_000}


def said(item: Directive | Section, at: int = 0) -> str:
    """Return an argument; empty if it is not there."""
    return item.words[at].text if at < len(item.words) else ""


def worded(item: Directive | Section, message: str, at: int = 0, path: str = "") -> str:
    """Put the argument, the directive's name and a path into a message."""
    return message.replace("{name}", item.name).replace("{word}", said(item, at)).replace("{path}", path)


def wrong(item: Directive | Section, message: str, help_: str = "", at: int = 0, name: str = "bad-value") -> Fault:
    """Return the fault of an argument."""
    return Fault(name, worded(item, message, at), worded(item, help_, at), at if at < len(item.words) else None)


def listed(*known: str) -> str:
    """Return what to type of a few words."""
    marked = [f"`{one}`" for one in known]
    return f"write {marked[0]}" if len(marked) == 1 else f"write {', '.join(marked[:-1])} or {marked[-1]}"


# --------------------------------------------------------------------------------------------------- words


def names(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def one_of(message: str, *known: str, at: int | None = None, cased: bool = False) -> Check:
    """Return a check that arguments are of a few words: all of them, or the one `at` a place, if it is there."""
    wanted = frozenset(known if cased else map(fold, known))

    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        for number, word in enumerate(item.words):
            if at in (None, number) and (word.text if cased else fold(word.text)) not in wanted:
                return wrong(item, message, listed(*known), number)
        return None

    return check


def on_or_off(message: str) -> Check:
    """Return a check of a switch that is no flag of httpd's table: the words are its own."""
    return one_of(message, "on", "off")


def fits(form: str, message: str, help_: str, at: int | None = None) -> Check:
    """Return a check that arguments have a form, which is a pattern of Python's for all of one; letters have no case."""
    compiled = re.compile(form, re.IGNORECASE | re.DOTALL)

    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        for number, word in enumerate(item.words):
            if at in (None, number) and not compiled.fullmatch(word.text):
                return wrong(item, message, help_, number)
        return None

    return check


def every(*checks: Check) -> Check:
    """Return a check that finds what the first of several finds."""

    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        return next((found for one in checks if (found := one(item, scope)) is not None), None)

    return check


def refused(message: str, help_: str, name: str = "removed-directive") -> Check:
    """Return a check that finds something in whatever is said: the directive is not there any more, or not to be had."""

    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        return Fault(name, worded(item, message), help_)

    return check


# ------------------------------------------------------------------------------------------------- numbers


def atoi(text: str, bits: int = 32) -> int:
    """Return the number at the beginning of a text: 0 if there is none, and what is too large wraps around."""
    found = re.match(r"[ \t\n\v\f\r]*([+-]?[0-9]+)", text)
    number = max(-LONG_MAX - 1, min(LONG_MAX, int(found[1]))) if found else 0
    return (number + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


def number(message: str, least: int, most: int = INT_MAX, help_: str = "", at: int = 0, bits: int = 32) -> Check:
    """Return a check of what atoi(3) makes of an argument, whatever follows the digits."""
    hint = help_ or (f"write a number from {least} to {most}" if most < INT_MAX else f"write a number, {least} or more")

    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        if at < len(item.words) and not least <= atoi(said(item, at), bits) <= most:
            return wrong(item, message, hint, at)
        return None

    return check


def whole(message: str, least: int, most: int = LONG_MAX, help_: str = "", at: int = 0) -> Check:
    """Return a check of a number with nothing behind it (strtol(3) and its end)."""
    hint = help_ or (f"write a number from {least} to {most}" if most < INT_MAX else f"write a number, {least} or more")

    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        if at >= len(item.words):
            return None
        text = said(item, at)
        if re.fullmatch(r"[ \t\n\v\f\r]*[+-]?[0-9]+", text) and least <= int(text) <= most:
            return None
        return wrong(item, message, hint, at)

    return check


def microseconds(text: str, unit: str = "s") -> int | None:
    """Return a time (ap_timeout_parameter_parse): a number, and perhaps a unit; None if it is none."""
    found = re.match(r"([ \t\n\v\f\r]*[+-]?[0-9]+)?(.*)", text, re.DOTALL)
    assert found
    time = int(found[1] or 0)
    behind = found[2] or unit  # letters have case
    size = next((size for begin, size in _UNITS.items() if behind.startswith(begin)), 0)
    return time * size if size and time >= 0 and time * size <= LONG_MAX else None


def duration(message: str, least: int = -LONG_MAX, few: str = "", help_: str = "", at: int = 0, unit: str = "s") -> Check:
    """Return a check of a time, at least as many microseconds; `few` is what is said of less."""
    hint = help_ or "write seconds, or a number with `ms`, `s`, `mi` or `h` behind it"

    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        if at >= len(item.words):
            return None
        time = microseconds(said(item, at), unit)
        if time is None or (time < least and not few):
            return wrong(item, message, hint, at)
        return wrong(item, few, hint, at) if time < least else None

    return check


# --------------------------------------------------------------------------------------------------- paths


def _path(item: Directive | Section, scope: Scope, at: int, begin: str = "") -> str:
    # ap_server_root_relative() merges: two slashes become one, and `.` goes.
    return re.sub(r"/(?:\./)*/+", "/", os.path.join(scope.root, said(item, at).removeprefix(begin)))


def _is(path: str, kind: Callable[[str], bool]) -> bool:
    try:
        return kind(path)
    except PermissionError:
        return True  # whoever starts as root will see
    except (OSError, ValueError):
        return False


def _filled(path: str) -> bool:
    status = os.stat(path)
    return os.path.isfile(path) and status.st_size > 0


def _directory(path: str) -> bool:
    os.stat(path)
    return os.path.isdir(path)


def _there(path: str) -> bool:
    return bool(os.stat(path))


_NO_FILE: Final = "name a file that is on this machine, by all of its path"
_NO_DIRECTORY: Final = "name a directory that is on this machine, by all of its path: `mkdir -p {path}` makes one"


def file(message: str, at: int = 0, help_: str = _NO_FILE, begin: str = "") -> Check:
    """Return a check that a file is there, and not empty."""
    return _on_disk(message, _filled, at, help_, begin)


def directory(message: str, at: int = 0, help_: str = _NO_DIRECTORY, begin: str = "") -> Check:
    """Return a check that a directory is there."""
    return _on_disk(message, _directory, at, help_, begin)


def exists(message: str, at: int = 0, help_: str = _NO_FILE, begin: str = "") -> Check:
    """Return a check that a path is there, whatever it is."""
    return _on_disk(message, _there, at, help_, begin)


def _on_disk(message: str, kind: Callable[[str], bool], at: int, help_: str, begin: str) -> Check:
    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        if at >= len(item.words):
            return None
        path = _path(item, scope, at, begin)
        if _is(path, kind):
            return None
        hint = worded(item, help_, at, path)
        if not os.path.isabs(said(item, at).removeprefix(begin)):
            hint = f"what does not begin with a slash is below ServerRoot, which is {scope.root}; {hint}"
        return Fault("no-such-file", worded(item, message, at, path), hint, at)

    return check


# ---------------------------------------------------------------------------------- patterns, expressions


def pattern(message: str, at: int = 0) -> Check:
    """Return a check that PCRE2 takes a pattern."""
    from perijove.config.apache.regex import Invalid, Untranslatable, translate

    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        if at >= len(item.words):
            return None
        try:
            translate(said(item, at))
        except Invalid as error:
            return Fault("bad-pattern", worded(item, message, at), f"{error}; `\\` before a mark takes it as it is", at)
        except Untranslatable:
            pass  # httpd runs it
        return None

    return check


def expression(message: str, at: int = 0, text: bool = False, rest: bool = False) -> Check:
    """Return a check that ap_expr takes an argument: as a condition, or as a text with `%{…}`; `rest`: it is all of the line."""

    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        written = item.rest if rest else item.words[at] if at < len(item.words) else None
        if written is None:
            return None
        found = complaint(written.text, item, scope, text)
        return None if found is None else Fault("bad-expression", worded(item, message, at) + found[0], found[1], at)

    return check


def complaint(written: str, item: Directive | Section, scope: Scope, text: bool = False) -> tuple[str, str] | None:
    """Return what ap_expr has against an expression, and what to do about it."""
    from perijove.config.apache import expression as expressions
    from perijove.config.apache import scope as scopes
    from perijove.text.diagnostic import Diagnostic

    told: list[Diagnostic] = []
    place = scopes.Scope(scopes.Kind.SERVER, scope.modules, told.append)
    (expressions.template if text else expressions.condition)(written, item.span, place, "")
    found = next((one for one in told if not one.name.startswith("not-emulated")), None)
    return None if found is None else (found.message, found.help)
