"""From a text to what checks are given.

What Apache refuses is left out, if that changes nothing of where requests go, so that one misplaced comment does not hide
what else is wrong. Knows dialects. Must not know any check.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from perijove.checks.foreign import foreign
from perijove.checks.subject import MARK, Known, Subject
from perijove.config.apache import meaning
from perijove.config.apache.directive import Directive, Section
from perijove.config.apache.reading import read as read_apache
from perijove.config.apache.words import fold
from perijove.text.diagnostic import Severity, has_errors
from perijove.text.source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.config.apache.reading import Reading
    from perijove.gateway.model import Gateway
    from perijove.text.diagnostic import Diagnostic

# What is not on this machine may well be on the one that the configuration is for.
_ELSEWHERE: Final = frozenset(
    (
        "no-such-file",
        "no-such-user",
        "include-not-found",
        "no-server-root",
        "no-module-file",
        "unreadable-file",
        "module-is-static",
        "no-mpm",
        "unknown-host",
    )
)
# What Apache does, and perijove does not.
_UNTOLD: Final = frozenset(("not-emulated", "not-enforced", "not-emulated-authentication", "pattern-not-emulated"))
# What Require asks of modules that perijove does not know; who is let in is not judged here anyway.
_OTHERS_PROVIDER: Final = re.compile(
    r"Unknown Authz provider: (?:shib|claim|oauth|cas-|ldap-|dbm-|dbd-|file-|ssl|pam-|unix-|external-|gss|auth)"
).match
# What is of no concern here: what perijove assumes (the checklist says what could not be told for it), and how it would serve.
_APART: Final = frozenset(("modules-assumed", "listen-assumed", "files-not-served", "no-log-directory"))
# Where requests go is said by these: without one of them, what the rest does is another thing.
_ROUTES: Final = (
    "proxypass ",
    "proxypassmatch",
    "rewriterule",
    "rewritecond",
    "<",
    "include",
    "use",
    "define",
    "balancermember",
)
_ROUNDS: Final = 6
_PROXIED: Final = frozenset(("virtualhost", "location", "locationmatch", "if", "elseif", "else"))
# Who is let in is not asked: a check asks as somebody who is.
_ACCESS: Final = frozenset(
    (
        *("require", "requireall", "requireany", "requirenone", "order", "allow", "deny", "satisfy", "authtype", "authname"),
        "sslverifyclient",
    )
)


def of_source(source: Source, *, apache: bool = False, defines: Sequence[str] = (), known: Known | None = None) -> Subject:
    """Return what checks are given of a text.

    Args:
        source: the text; of a file, by its path.
        apache: it is Apache's, whatever it is called; else what is no TOML is.
        defines: names that are defined for Apache's IfDefine.
        known: what is known besides.
    """
    known = known or Known()
    other = foreign(source)
    if other is not None:
        return Subject(source, known, None, None, (other,), foreign=True)
    if apache or source.name.endswith(".conf") or not (source.name.endswith(".toml") or _is_toml(source.text)):
        return _of_apache(source, defines, known)
    from perijove.config.toml import meaning as meaning_of_own

    # Columns stay what they are: the mark becomes a space.
    gateway, said = meaning_of_own(
        Source(source.name, source.text.replace(MARK, " ", 1)) if source.text[:1] == MARK else source
    )
    judged = tuple(_judged(one, False) for one in said)
    return Subject(source, known, None, None if has_errors(judged) else gateway, judged)


def _is_toml(text: str) -> bool:
    try:
        return bool(tomllib.loads(text.removeprefix(MARK)))
    except (tomllib.TOMLDecodeError, RecursionError):
        return False


def _of_apache(source: Source, defines: Sequence[str], known: Known) -> Subject:
    marked = source.text[:1] == MARK
    text = Source(source.name, " " + source.text[1:]) if marked else source  # columns stay what they are
    reading, gateway, said = _read(text, defines, known)
    bad = [one for one in said if one.severity is Severity.ERROR]
    if not bad:
        return Subject(source, known, reading, gateway, said, mended=marked)
    for _ in range(_ROUNDS):
        before, text = text, _mended(text, source.name, bad)
        if text.text == before.text:
            break  # and so it would be for ever
        other, gateway, more = _read(text, defines, known)
        bad = [one for one in more if one.severity is Severity.ERROR]
        if not bad:
            # Lines and columns are the same: what is left out are spaces.
            said = (*said, *(one for one in more if all(_place(one) != _place(it) for it in said)))
            return Subject(source, known, other, gateway, said, mended=True)
    return Subject(source, known, reading, None, said)


def _read(source: Source, defines: Sequence[str], known: Known) -> tuple[Reading, Gateway, tuple[Diagnostic, ...]]:
    reading = read_apache(source, defines, modules=known.modules, elsewhere=True)
    gateway, said = meaning(source, reading)
    items = _open(reading.items)
    if items != reading.items:
        gateway, _ = meaning(source, replace(reading, items=items))
    assumed = reading.assumed and known.modules is None
    # Of certificates that are not on this machine, none is left.
    apart = _APART | {"no-certificate"} if any(one.name == "no-such-file" for one in said) else _APART
    unenforced = {one.where for one in said if one.name == "not-enforced"}
    told = (one for one in said if one.name != "not-emulated-authentication" or one.where not in unenforced)  # once is enough
    return reading, gateway, tuple(_judged(one, assumed) for one in told if one.name not in apart)


def _open(items: tuple[Directive | Section, ...]) -> tuple[Directive | Section, ...]:
    """Return what is in force without what keeps people out; a forward proxy stays as closed as it is."""
    found: list[Directive | Section] = []
    for one in items:
        if isinstance(one, Section) and fold(one.name) in _PROXIED:
            inside = _open(one.children)
            one = one if inside == one.children else replace(one, children=inside)
        if fold(one.name) not in _ACCESS or [fold(word.text) for word in one.words] == ["all", "granted"]:
            found.append(one)
    return tuple(found)


def _judged(one: Diagnostic, assumed: bool) -> Diagnostic:
    """Return what a dialect says, as far as it is a fault of the configuration itself."""
    if one.where is not None and not one.where.source.name:
        one = replace(one, where=None)  # of no line
    unloaded = one.name == "module-not-loaded" and assumed  # it may well be, in a file that was not given
    if one.name in _UNTOLD or (one.name == "unknown-provider" and _OTHERS_PROVIDER(one.message)):
        return replace(one, severity=Severity.ADVICE, message=f"this is not judged: {one.message}", help="")
    if one.name in _ELSEWHERE or (one.name == "undefined-variable" and "${APACHE_" in one.message):
        return replace(one, severity=Severity.ADVICE, message=f"on this machine: {one.message}")
    return replace(one, severity=Severity.ADVICE) if unloaded else one


def _place(one: Diagnostic) -> tuple[str, str]:
    return one.name, str(one.where)


def _mended(text: Source, name: str, bad: Sequence[Diagnostic]) -> Source:
    """Return a text as long as it was, without what is refused."""
    lines = text.text.split("\n")
    for one in bad:
        if one.where is None or one.where.source.name != name or not 0 < one.where.line <= len(lines):
            continue
        line = lines[one.where.line - 1]
        at = one.where.column - 1
        if line[at : at + 1] == "#":
            line = line[:at] + " " * (len(line) - at)
        elif not (line.lstrip().lower() + " ").startswith(_ROUTES):
            line = " " * len(line)
        lines[one.where.line - 1] = line
    return Source(text.name, "\n".join(lines))
