"""Patterns of directives: translated, or complained about at the place where they stand."""

from __future__ import annotations

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
