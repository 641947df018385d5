"""mod_remoteip: whose address a request is taken to come from.

Source: modules/metadata/mod_remoteip.c.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perijove.config.apache.directives import directive
from perijove.config.apache.directives.mod_authz import networks
from perijove.gateway.rules import TrustField

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
        scope.said.setdefault(line.name.lower(), []).extend(its)


def trusted(levels: Sequence[Scope]) -> TrustField | None:
    """Return whose address counts, as a server and its virtual host say; None if that of the connection does."""
    said: dict[str, Any] = {}
    for level in levels:
        said |= {name: level.said[name] for name in _NAMES if name in level.said}
    if "remoteipheader" not in said:
        return None
    return TrustField(
        str(said["remoteipheader"]).encode(),
        tuple(said.get("remoteiptrustedproxy", ())),
        tuple(said.get("remoteipinternalproxy", ())),
        str(said.get("remoteipproxiesheader", "")).encode(),
    )


_NAMES = ("remoteipheader", "remoteipproxiesheader", "remoteiptrustedproxy", "remoteipinternalproxy")
