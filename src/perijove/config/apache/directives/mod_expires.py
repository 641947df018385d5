"""mod_expires: until when an answer may be kept.

Source: modules/metadata/mod_expires.c. Must not know which answers have it, nor how a time is written (`arguments/expires`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.config.apache.arguments.expires import span
from perijove.config.apache.directives import directive

if TYPE_CHECKING:
    from perijove.config.apache.directive import Directive
    from perijove.config.apache.scope import Scope


@directive("ExpiresActive")
def active(line: Directive, scope: Scope) -> None:
    """Switch it on or off."""
    scope.said["expiresactive"] = line.words[0].text.lower() == "on"


@directive("ExpiresDefault")
def default(line: Directive, scope: Scope) -> None:
    """Say it of all types."""
    scope.said["expiresdefault"] = span(line.words[0].text)


@directive("ExpiresByType")
def by_type(line: Directive, scope: Scope) -> None:
    """Say it of a type, or of all that begin as it does: `image/*`."""
    kind, code = (word.text for word in line.words[:2])
    scope.said.setdefault("expiresbytype", {})[kind.lower()] = span(code)
