"""Patterns of directives: translated, or complained about at the place where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.gateway.conditions import Pattern

if TYPE_CHECKING:
    from perijove.config.apache.scope import Scope
    from perijove.text.source import Span

# URLs whose port is a number that no port has: nobody can go on with them (AH01083, apr_uri_parse).
BAD_PORT: Final = Pattern(
    rb"\A[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*:"
    rb"(?:0+|0*(?:[1-9][0-9]{5,}|[7-9][0-9]{4}|6[6-9][0-9]{3}|65[6-9][0-9]{2}|655[4-9][0-9]|6553[6-9]))(?=[/?#]|\Z)"
)


def compiled(text: str, nocase: bool, span: Span, scope: Scope) -> Pattern | None:
    """Return a pattern, or None after an error was told."""
    from perijove.config.apache.regex import Invalid, Untranslatable, translate

    try:
        found = translate(text, nocase)
    except Invalid as error:
        scope.error("bad-pattern", f"Regular expression could not be compiled: {error}", span)
        return None
    except Untranslatable as error:
        scope.error("pattern-not-emulated", f"httpd runs this pattern, and it cannot be run here: {error}", span)
        return None
    return Pattern(found.pattern, found.groups, found.guarded, text)
