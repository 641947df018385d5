"""Proxies that are asked instead of whom a URL names: ProxyRemote, ProxyRemoteMatch, NoProxy.

Sources: proxy_handler (modules/proxy/mod_proxy.c), ap_proxy_determine_connection (proxy_util.c). Knows what a host says of them. Must
not know who is sent to them, and when.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perijove.config.apache.patterns import compiled
from perijove.config.apache.subnets import SubnetError, networks
from perijove.config.apache.targets import Target, target_of
from perijove.gateway.conditions import All, Compares, Comparison, Condition, Matches, Not, NotEmpty, Pattern, Within
from perijove.gateway.conditions import Any as Either
from perijove.gateway.templates import Fact, Template, Variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.config.apache.scope import Levels

ASKED: Final[Template] = (Fact.ASKED,)
IS_FORWARD: Final[Condition] = NotEmpty(ASKED)


@dataclass(frozen=True, slots=True)
class Remote:
    """A ProxyRemote: which URLs it is for, and the upstream that they are asked of."""

    when: Condition
    upstream: str


def remotes(levels: Levels, upstream: Callable[[Target, dict[str, str]], str]) -> list[Remote]:
    """Return those that a forward proxy asks, the host's behind the main server's; `upstream` names one's upstream."""
    found: list[Remote] = []
    for level in levels.scopes:
        for kind, what, url, span in level.said.get("proxy-remote", ()):
            target = target_of(url)
            pattern = compiled(what, False, span, level) if kind == "proxyremotematch" else None
            if target is None or target.scheme != "http" or (kind == "proxyremotematch" and pattern is None):
                continue
            when = _when(kind, what, pattern, levels.said("noproxy", []))
            found.append(Remote(when, upstream(target, {})))
    return found


def parent(levels: Levels, target: Target) -> Target | None:
    """Return the proxy that a reverse proxy asks for a URL of another server. NoProxy does not count here."""
    url = f"{target.scheme}://{target.authority}{target.path}".lower()
    for kind, what, remote, _ in levels.each("proxy-remote"):
        if kind == "proxyremote" and (what == "*" or url.startswith(what.lower()) or target.scheme == what.lower()):
            found = target_of(remote)
            return found if found is not None and found.scheme == "http" else None
    return None


def _when(kind: str, what: str, pattern: Pattern | None, direct: list[str]) -> Condition:
    """Return which URLs a ProxyRemote is for; `direct` are the hosts of NoProxy."""
    parts: list[Condition] = []
    url: Template = (*ASKED, b"://", Variable.HOST, Variable.TARGET)
    if pattern is not None:
        parts.append(Matches(url, pattern))
    elif kind == "proxyremote" and what == "*":
        parts.append(IS_FORWARD)
    elif ":" not in what:
        parts.append(Compares(ASKED, Comparison.SAME, (what.lower().encode(),)))
    else:
        parts.append(Matches(url, Pattern(rb"\A(?i:" + re.escape(what.encode("utf-8", "surrogateescape")) + rb")")))
    if direct:
        parts.append(Not(Either(tuple(_direct(word) for word in direct))))
    return All(tuple(parts))


def _direct(word: str) -> Condition:
    """A word of NoProxy: a domain, a subnet, an address, or a host."""
    try:
        its = networks(word)
    except SubnetError:
        its = None
    if its is not None:
        return Within((Fact.CALLED,), its)
    escaped = re.escape(word.lower().encode("utf-8", "surrogateescape"))
    return Matches((Fact.CALLED,), Pattern((rb"" if word.startswith(".") else rb"\A") + escaped + rb"\Z"))
