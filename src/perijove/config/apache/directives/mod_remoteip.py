"""mod_remoteip: whose address a request is taken to come from.

Source: modules/metadata/mod_remoteip.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.config.apache.directives import directive
from perijove.config.apache.directives.mod_authz import networks

if TYPE_CHECKING:
    from perijove.config.apache.directive import Directive
    from perijove.config.apache.scope import Scope


@directive("RemoteIPHeader", "RemoteIPProxiesHeader")
def header(line: Directive, scope: Scope) -> None:
    """Name the field that says it."""
    scope.said[line.name.lower()] = line.words[0].text


@directive("RemoteIPTrustedProxy", "RemoteIPInternalProxy")
def proxies(line: Directive, scope: Scope) -> None:
    """Name those who are believed."""
    for word in line.words:
        its = networks(word.text)
        if its is None:
            scope.warn("not-emulated", f"`{word.text}` is a name, which is not looked up", word.span, "write an address")
            continue
        scope.said.setdefault("trusted-proxies", []).extend(its)
