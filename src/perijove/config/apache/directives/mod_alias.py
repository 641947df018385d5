"""mod_alias: Redirect and Alias.

Source: modules/mappers/mod_alias.c (add_redirect_internal, try_alias_list, fixup_redir).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perijove.config.apache.arguments.kinds import atoi
from perijove.config.apache.directives import directive
from perijove.config.apache.expression import template
from perijove.config.apache.patterns import compiled
from perijove.config.apache.scope import Kind, Scope

if TYPE_CHECKING:
    from perijove.config.apache.directive import Directive
    from perijove.gateway.conditions import Pattern
    from perijove.gateway.templates import Template
    from perijove.text.source import Span

_STATUSES: Final = {"permanent": 301, "temp": 302, "seeother": 303, "gone": 410}


@dataclass(frozen=True, slots=True)
class Redirecting:
    """A Redirect: of a path and what is below, or of what a pattern finds."""

    status: int
    path: str
    pattern: Pattern | None
    url: str  # empty: none, as with 410
    origin: Span
    text: Template | None = None  # of one in a section without a path: an expression, to which nothing is added


@dataclass(frozen=True, slots=True)
class Aliasing:
    """An Alias, whose files are not served; or `!`, which ends the search."""

    path: str
    pattern: Pattern | None
    directory: str
    origin: Span


@directive("Redirect", "RedirectMatch", "RedirectTemp", "RedirectPermanent")
def redirect(line: Directive, scope: Scope) -> None:
    """Send the client elsewhere."""
    name = line.name.lower()
    words = list(line.words)
    status = 301 if name == "redirectpermanent" else 302
    if name in ("redirect", "redirectmatch") and words:
        first = words[0].text.lower()
        if first in _STATUSES:
            status = _STATUSES[first]
            words.pop(0)
        elif first[:1].isdigit():
            status = atoi(first)
            words.pop(0)
    inside = scope.kind not in (Kind.SERVER, Kind.HOST)
    gone = not 300 <= status <= 399
    if gone and not words and not inside and name == "redirect":
        return  # nothing is gone
    path, url = (words[0].text if words else ""), ""
    if gone:
        if len(words) > 1:
            scope.error("redirect-status", f"Redirect URL not valid for this status: {status}", words[1].span,
                        "leave the URL out, or choose a status from 300 to 399")  # fmt: skip
            return
    elif inside and len(words) == 1:
        path, url = "", words[0].text
    elif len(words) != 2:
        scope.error(
            "redirect-url", "URL to redirect to is missing", line.span, f"write `{line.name} /from https://to.example/`"
        )
        return
    else:
        url = words[1].text
    pattern = None
    if name == "redirectmatch":
        pattern = compiled(path, False, line.span, scope)
        if pattern is None:
            return
    plain = pattern is None and not (inside and not path)  # the others are texts that are made of a request
    if url and plain and not re.match(r"(?i)[a-z][a-z0-9+.-]*:", url) and not url.startswith("/"):
        scope.error("redirect-url", "Redirect to non-URL", words[-1].span, "write a URL, or a path that begins with a slash")
        return
    text = None
    if inside and not path and url:
        text = template(url, words[-1].span, scope)
        if text is None:
            return
    found: list[Redirecting] = scope.said.setdefault("redirects", [])
    found.append(Redirecting(status, path, pattern, url, line.span, text))


@directive("Alias", "AliasMatch", "ScriptAlias", "ScriptAliasMatch")
def alias(line: Directive, scope: Scope) -> None:
    """Map a path to files."""
    words = [word.text for word in line.words]
    inside = scope.kind in (Kind.LOCATION, Kind.IF)
    path, directory = ("", words[0]) if inside and len(words) == 1 else (words[0], words[-1])
    pattern = None
    if line.name.lower().endswith("match"):
        pattern = compiled(path, False, line.span, scope)
        if pattern is None:
            return
    found: list[Aliasing] = scope.said.setdefault("aliases", [])
    found.append(Aliasing(path, pattern, directory, line.span))
    if directory != "!" and "/.well-known" not in path:
        scope.warn("files-not-served", f"files are not served: what is asked for below `{path}` gets 404", line.span,
                   "serve them from the hub, or from another server: `ProxyPass`")  # fmt: skip
