"""Paths and URLs of directives, as conditions and texts: prefixes, `$1`, `${NAME}`.

Knows how modules of httpd read them alike (alias_match of mod_alias.c and mod_proxy.c, ap_pregsub, proxy_interpolate). Must not know
which directive they are of.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.gateway.conditions import Condition, PathMatches, PathPrefix, Pattern
from perijove.gateway.templates import Capture, Note, Part, Rest

if TYPE_CHECKING:
    from perijove.gateway.templates import Template

_variable: Final = re.compile(rb"\$\{([^}]+)\}")


def prefix(path: str, slashes: bool) -> tuple[Condition, Part]:
    """Return which paths are under a prefix, and what is behind it (alias_match, alias_matches).

    Any number of slashes is as good as one, if there may be several: `slashes`.
    """
    octets = path.encode("utf-8", "surrogateescape")
    if not slashes:
        return PathPrefix(octets), Rest(len(octets))
    words = [re.escape(word) for word in re.split(rb"/+", octets)]
    end = b"(.*)" if octets.endswith(b"/") else rb"((?:/.*)?)\Z"
    return PathMatches(Pattern(rb"(?s)\A" + rb"/+".join(words) + end, 1, False, path)), Capture(1)


def substituted(text: bytes) -> Template:
    """Return a text with what a pattern found: `$1` is a capture, unless a backslash takes that away (ap_pregsub)."""
    out: list[Part] = []
    literal = b""
    at = 0
    while at < len(text):
        mark = text[at : at + 1]
        after = text[at + 1 : at + 2]
        if mark == b"$" and after.isdigit():
            out += [literal, Capture(int(after))]
            literal = b""
            at += 2
        elif mark == b"\\" and after in (b"$", b"&"):
            literal += after
            at += 2
        else:
            literal += mark
            at += 1
    out.append(literal)
    return tuple(one for one in out if one != b"")


def filled(text: str, interpolate: bool) -> Template:
    """Return a text of ProxyPass and its like, with variables of the request for `${NAME}` (proxy_interpolate, mod_proxy.c)."""
    octets = text.encode("utf-8", "surrogateescape")
    if not interpolate:
        return (octets,)
    parts: list[Part] = []
    at = 0
    for found in _variable.finditer(octets):
        parts += [octets[at : found.start()], Note(found[1])]
        at = found.end()
    parts.append(octets[at:])
    return tuple(part for part in parts if part != b"")
