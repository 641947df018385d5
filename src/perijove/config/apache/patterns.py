"""Patterns of directives: translated, or complained about at the place where they stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from perijove.config.apache.regex import Invalid, Untranslatable, translate
from perijove.gateway.conditions import Pattern

if TYPE_CHECKING:
    from perijove.config.apache.scope import Scope
    from perijove.text.source import Span


def compiled(text: str, nocase: bool, span: Span, scope: Scope) -> Pattern | None:
    """Return a pattern, or None after an error was told."""
    try:
        found = translate(text, nocase)
    except Invalid as error:
        scope.error("bad-pattern", f"Regular expression could not be compiled: {error}", span)
        return None
    except Untranslatable as error:
        scope.error("pattern-not-emulated", f"httpd runs this pattern, and it cannot be run here: {error}", span)
        return None
    return Pattern(found.pattern, found.groups, found.guarded, text)


def named_groups(pattern: str) -> tuple[tuple[int, bytes], ...]:
    """Return the named groups of a section's pattern, by number: they become variables, MATCH_NAME (since 2.4.8)."""
    found: list[tuple[int, bytes]] = []
    number = 0
    at = 0
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 2
            continue
        if pattern[at] == "[":
            end = pattern.find("]", at + 2)
            at = len(pattern) if end < 0 else end + 1
            continue
        if pattern[at] == "(":
            named = re.match(r"\(\?P?[<']([A-Za-z_]\w*)[>']", pattern[at:])
            if named:
                number += 1
                found.append((number, b"MATCH_" + named[1].upper().encode()))
            elif not pattern.startswith("(?", at):
                number += 1
        at += 1
    return tuple(found)
