"""Which paths a ProxyPass is for, and the path that a request has upstream.

Sources: alias_match, alias_match_servlet and ap_proxy_trans_match (modules/proxy/mod_proxy.c). Must not know upstreams, nor which
ProxyPass comes first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.paths import filled, prefix, substituted
from perijove.config.apache.words import octets
from perijove.gateway.conditions import All, Condition, HasNote, Matches, PathMatches, Pattern
from perijove.gateway.templates import Part, Rest, Template, Variable

if TYPE_CHECKING:
    from perijove.config.apache.directives.mod_proxy import Pass

UNDECODED: Final = b"\0undecoded"  # the note of a path that stays encoded


def where(one: Pass, slashes: bool) -> Condition:
    """Return which paths a ProxyPass is for: any number of slashes is as good as one, if there may be several."""
    if one.mapping:
        # A path that was decoded may look like one that never was; it has lost a percent sign then.
        fits = PathMatches(undecoded(one))
        return All((fits, HasNote(UNDECODED))) if "%" in one.path else fits
    if one.pattern is not None:
        return PathMatches(one.pattern)
    return prefix(one.path, slashes)[0]


def behind(one: Pass, slashes: bool) -> Part:
    """Return what is behind the prefix that `where` has found."""
    return prefix(one.path, slashes)[1]


def undecoded(one: Pass) -> Pattern:
    """Return what finds a path that a ProxyPass with `mapping` is for; what is behind it is the first group.

    With `servlet`, segments may have parameters, which do not count and are dropped (alias_match_servlet).
    """
    if one.pattern is not None:
        return one.pattern
    segment = rb"(?:;[^/]*)?" if one.mapping == "servlet" else b""
    words = [re.escape(word) + (segment if word else b"") for word in octets(one.path).split(b"/")]
    end = b"(.*)" if one.path.endswith("/") else rb"((?:/.*)?)\Z"
    return Pattern(rb"(?s)\A" + b"/".join(words) + end, 1, False, one.path)


def as_sent(one: Pass) -> Condition:
    """Return whether what a ProxyPass is for is also found in what was sent, and of the same size (alias_match)."""
    if one.pattern is not None:
        return Matches((Variable.TARGET,), one.pattern, captures=True)
    ends = rb"(?!/)" if one.path.endswith("/") else rb"(?=/|\Z)"
    return Matches((Variable.TARGET,), Pattern(rb"\A" + re.escape(octets(one.path)) + ends))


def with_captures(base: bytes, whole: Part) -> Template:
    """Return a target with what a pattern found; one without `$` has all of the path behind it."""
    return substituted(base) if b"$" in base else (base, whole)


def interpolated(one: Pass) -> Template:
    """Return the URL of a ProxyPass with variables of the request in it."""
    assert one.target is not None
    url = filled(one.target.url, True)
    if one.pattern is None:
        return (*url, Rest(len(octets(one.path))))
    # What the pattern found is filled in afterwards.
    return tuple(part for text in url for part in (substituted(text) if isinstance(text, bytes) else (text,)))
