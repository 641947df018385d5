"""Settings of requests: those that directives of sections switch (ProxyPreserveHost and its like), and pages of errors.

Knows that a later scope wins. Must not know what any of them does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.gateway.conditions import Setting
from perijove.gateway.rules import Set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.config.apache.flow import Flow
    from perijove.config.apache.host import Host
    from perijove.config.apache.scope import Scope


def add(flow: Flow, host: Host, scopes: Sequence[Scope]) -> None:
    """Add the settings of scopes."""
    for scope in scopes:
        for setting, value in scope.settings.items():
            flow.add(host.when(scope), Set(setting, value), origin=scope.set_at.get(setting, scope.origin))
        pages(flow, host, (scope,))


def has_local_page(scope: Scope) -> bool:
    """Tell whether a scope has the answer for another path given in place of an error."""
    return any(page is not None and page.local for page in scope.said.get("pages", {}).values())


def pages(flow: Flow, host: Host, scopes: Sequence[Scope]) -> None:
    """Add the pages of scopes (ErrorDocument)."""
    for scope in scopes:
        if "pages" in scope.said:
            flow.add(host.when(scope), Set(Setting.PAGES, tuple(scope.said["pages"].items())), origin=scope.origin)
