"""mod_mime, and core's ForceType: what is said of a file by the ends of its name.

Source: modules/http/mod_mime.c. Must not know files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.config.apache.directives import directive

if TYPE_CHECKING:
    from perijove.config.apache.directive import Directive
    from perijove.config.apache.scope import Scope


@directive(
    "AddType", "AddCharset", "AddLanguage", "AddEncoding", "RemoveType", "RemoveCharset", "RemoveLanguage", "RemoveEncoding"
)
def add(line: Directive, scope: Scope) -> None:
    """Say something of names that end so, or take it back."""
    scope.said.setdefault("mime", []).append((line.name.lower(), *(word.text for word in line.words)))


@directive("DefaultLanguage", "TypesConfig", "ForceType")
def said(line: Directive, scope: Scope) -> None:
    """Keep what was said."""
    scope.said[line.name.lower()] = tuple(word.text for word in line.words)
