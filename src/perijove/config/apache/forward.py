"""The forward proxy: what ProxyRequests, AllowCONNECT, ProxyBlock, NoProxy, ProxyRemote and ProxyDomain mean.

Sources: proxy_detect and proxy_handler (modules/proxy/mod_proxy.c), proxy_connect_handler (mod_proxy_connect.c),
ap_proxy_checkproxyblock2 (proxy_util.c). Knows what a host says. Must not know how requests for the host itself are routed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from perijove.config.apache import reasons
from perijove.gateway.conditions import All, Compares, Comparison, Condition, Matches, Not, NotEmpty, Pattern, Setting
from perijove.gateway.conditions import Any as Either
from perijove.gateway.rules import (
    ForwardAsked,
    Nothing,
    Redirect,
    Refuse,
    Set,
    Then,
)
from perijove.gateway.templates import Fact, Template, Variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.config.apache.flow import Flow, Label

ASKED: Final[Template] = (Fact.ASKED,)
IS_FORWARD: Final[Condition] = NotEmpty(ASKED)
_CONNECT: Final[Condition] = Compares(ASKED, Comparison.SAME, (b"connect",))
_PORTS: Final = ((443, 443), (563, 563))  # mod_proxy_connect.c
_LOOPBACK: Final = ("127.0.0.1", "[::1]")  # what `localhost` is (RFC 6761 §6.3)


@dataclass(frozen=True, slots=True)
class Remote:
    """A ProxyRemote: which URLs it is for, and the upstream that they are asked of."""

    when: Condition
    upstream: str


def rules_of_forward(
    flow: Flow, said: Callable[..., Any], own: Condition, modules: frozenset[str], remotes: list[Remote], to: Label
) -> None:
    """Add what sends a forward proxy's requests on, and leads them to a label.

    Args:
        flow: gets the rules.
        said: what a host says by a name, or a default.
        own: what is asked for is on this very server.
        modules: that are loaded.
        remotes: parent proxies, in order.
        to: where such requests go on.
    """
    if not said("proxy-requests", (False, None))[0]:
        return
    origin = said("proxy-requests")[1]
    forward = All((IS_FORWARD, Not(own)))
    domain = said("proxy-domain")
    if domain:
        plain = Not(Matches((Fact.CALLED,), Pattern(rb"\.")))
        location: Template = (*ASKED, b"://", Fact.CALLED, domain.encode(), Variable.TARGET)
        named = Not(Compares((Fact.CALLED,), Comparison.SAME, (b"localhost",)))
        flow.add(All((forward, Not(_CONNECT), plain, named)), Redirect(301, location), Then.STOP)
    if "proxy_connect" not in modules:
        flow.add(All((forward, _CONNECT)), Refuse(500, reasons.NO_CONNECT), Then.STOP)
    if "ssl" not in modules or said("sslproxyengine") != "on":
        https = Compares(ASKED, Comparison.SAME, (b"https",))
        flow.add(All((forward, https)), Refuse(500, reasons.no_handler("https", True, "ssl" in modules)), Then.STOP)
    if "proxy_http" in modules:
        ws = Compares(ASKED, Comparison.SAME, (b"ws",))
        flow.add(All((forward, ws)), Set(Setting.UPGRADES, b"*"))
    else:
        flow.add(All((forward, Not(_CONNECT))), Refuse(500, reasons.no_handler("http", False, False)), Then.STOP)
    flow.add(forward, Set(Setting.UPSTREAM_ENDS, True))
    for one in remotes:
        flow.add(All((forward, one.when)), ForwardAsked(one.upstream), to, origin)
    flow.add(forward, ForwardAsked(), to, origin)


def refusals(flow: Flow, said: Callable[..., Any]) -> None:
    """Add what refuses a forward proxy's requests when access was checked: hosts that are blocked, ports that are not allowed."""
    if not said("proxy-requests", (False, None))[0]:
        return
    ports = said("allow-connect", _PORTS)
    allowed = Either(tuple(_between(first, last) for first, last in ports))
    flow.add(All((_CONNECT, Not(allowed))), Refuse(403, reasons.PORT, None, reasons.PROXY_ERROR), Then.STOP)
    blocked = tuple(_has(word) for word in said("proxyblock", ()))
    if blocked:
        flow.add(All((IS_FORWARD, Either(blocked))), Refuse(403, reasons.BLOCKED, None, reasons.PROXY_ERROR), Then.STOP)
    flow.add(IS_FORWARD, Nothing(), Then.STOP)


def own_urls(names: list[str]) -> Condition:
    """Return whether a URL is one of this server's: its scheme, a name, and the very port (ap_matches_request_vhost)."""
    called = Either(tuple(Compares((Fact.CALLED,), Comparison.SAME_FOLDED, (name.encode(),)) for name in names))
    port = (Variable.SERVER_PORT,)
    said = All((NotEmpty((Fact.CALLED_PORT,)), Compares((Fact.CALLED_PORT,), Comparison.NUMBERS_SAME, port)))
    usual = All((Not(NotEmpty((Fact.CALLED_PORT,))), Compares((Fact.NAMED_PORT,), Comparison.NUMBERS_SAME, port)))
    return All((Compares(ASKED, Comparison.SAME, (Variable.SCHEME,)), called, Either((said, usual))))


def remote_when(kind: str, what: str, pattern: Pattern | None, direct: list[str]) -> Condition:
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
    from perijove.config.apache.directives.mod_authz import networks
    from perijove.gateway.conditions import Within

    its = networks(word)
    if its is not None:
        return Within((Fact.CALLED,), its)
    escaped = re.escape(word.lower().encode("utf-8", "surrogateescape"))
    return Matches((Fact.CALLED,), Pattern((rb"" if word.startswith(".") else rb"\A") + escaped + rb"\Z"))


def _between(first: int, last: int) -> Condition:
    port = (Fact.CALLED_PORT,)
    if first == last:
        return Compares(port, Comparison.NUMBERS_SAME, (b"%d" % first,))
    return All(
        (
            Not(Compares(port, Comparison.NUMBERS_LESS, (b"%d" % first,))),
            Not(Compares(port, Comparison.NUMBERS_MORE, (b"%d" % last,))),
        )
    )


def _has(word: str) -> Condition:
    """A word of ProxyBlock: a part of the host, or all hosts."""
    if word == "*":
        return NotEmpty(ASKED)
    parts = [word.lower()]
    if parts[0] == "localhost":
        parts += _LOOPBACK
    escaped = b"|".join(re.escape(one.encode("utf-8", "surrogateescape")) for one in parts)
    return Matches((Fact.CALLED,), Pattern(escaped))
