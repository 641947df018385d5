"""The forward proxy: what ProxyRequests, AllowCONNECT, ProxyBlock and ProxyDomain mean.

Sources: proxy_detect and proxy_handler (modules/proxy/mod_proxy.c), proxy_connect_handler (mod_proxy_connect.c),
ap_proxy_checkproxyblock2 (proxy_util.c). Knows what a host says. Must not know how requests for the host itself are routed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache import hops, reasons
from perijove.config.apache.access import Access
from perijove.config.apache.flow import Label
from perijove.config.apache.remotes import ASKED, IS_FORWARD, remotes
from perijove.gateway.conditions import All, Compares, Comparison, Condition, Matches, Not, NotEmpty, Pattern, Setting
from perijove.gateway.conditions import Any as Either
from perijove.gateway.rules import (
    Bar,
    ForwardAsked,
    Nothing,
    Redirect,
    Refuse,
    Set,
    Then,
)
from perijove.gateway.templates import Fact, Template, Variable

if TYPE_CHECKING:
    from perijove.config.apache.flow import Flow
    from perijove.config.apache.host import Host
    from perijove.config.apache.upstreams import Upstreams

_CONNECT: Final[Condition] = Compares(ASKED, Comparison.SAME, (b"connect",))
_PORTS: Final = ((443, 443), (563, 563))  # mod_proxy_connect.c
_LOOPBACK: Final = ("127.0.0.1", "[::1]")  # what `localhost` is (RFC 6761 §6.3)


def warn_if_open(host: Host) -> None:
    """Tell of a forward proxy that nobody is kept from: strangers will find it, and send what they like through it."""
    if not host.forwards or host.said("proxy-requests")[1] is None:
        return
    if not Access([*host.levels.scopes, *host.proxies, *host.walked], host.when).keeps_out():
        host.scope.warn(
            "forward-proxy-open",
            "everybody may use this forward proxy: nothing says who may",
            host.said("proxy-requests")[1],
            'write `<Proxy "*">`, `Require ip 10.0.0.0/8` (your own network), `</Proxy>`',
        )


def add(flow: Flow, host: Host, upstreams: Upstreams, to: Label) -> None:
    """Add what sends a forward proxy's requests on, and leads them to a label."""
    asked = remotes(host.levels, upstreams.name)
    if not host.forwards:
        return
    said, modules = host.said, host.modules
    origin = said("proxy-requests")[1]
    domain = said("proxy-domain")
    if domain:
        plain = Not(Matches((Fact.CALLED,), Pattern(rb"\.")))
        location: Template = (*ASKED, b"://", Fact.CALLED, domain.encode(), Variable.TARGET)
        named = Not(Compares((Fact.CALLED,), Comparison.SAME, (b"localhost",)))
        flow.add(All((IS_FORWARD, Not(_CONNECT), plain, named)), Redirect(301, location), Then.STOP)
    if "proxy_http" in modules:
        ws = Compares(ASKED, Comparison.SAME, (b"ws",))
        flow.add(All((IS_FORWARD, ws)), Set(Setting.UPGRADES, b"*"))
    flow.add(IS_FORWARD, Set(Setting.UPSTREAM_ENDS, True))
    for one in asked:
        flow.add(All((IS_FORWARD, one.when)), ForwardAsked(one.upstream), to, origin)
    flow.add(IS_FORWARD, ForwardAsked(), to, origin)


def refusals(flow: Flow, host: Host) -> None:
    """Add what refuses a forward proxy's requests when access was checked.

    These are schemes that no module is there for, hosts that are blocked, and ports that are not allowed.
    """
    if not host.forwards:
        return
    said, modules = host.said, host.modules
    other = Label()
    flow.go(other, Not(IS_FORWARD))
    hops.connections(flow)
    hops.count_down(flow, said)
    if "proxy_connect" not in modules:
        flow.add(All((IS_FORWARD, _CONNECT)), Refuse(500, reasons.NO_CONNECT), Then.STOP)
    if "ssl" not in modules or said("sslproxyengine") != "on":
        https = Compares(ASKED, Comparison.SAME, (b"https",))
        flow.add(All((IS_FORWARD, https)), Refuse(500, reasons.no_handler("https", True, "ssl" in modules)), Then.STOP)
    if "proxy_http" not in modules:
        flow.add(All((IS_FORWARD, Not(_CONNECT))), Refuse(500, reasons.no_handler("http", False, False)), Then.STOP)
    ports = said("allow-connect", _PORTS)
    allowed = Either(tuple(_between(first, last) for first, last in ports))
    # The name is looked up before anything is blocked (proxy_connect_handler, ap_proxy_determine_connection).
    port = Bar(Refuse(403, reasons.PORT, None, reasons.PROXY_ERROR))
    flow.add(All((_CONNECT, Not(allowed))), port, Then.STOP)
    blocked = tuple(_has(word) for word in said("proxyblock", ()))
    if blocked:
        flow.add(All((IS_FORWARD, Either(blocked))), Bar(Refuse(403, reasons.BLOCKED, None, reasons.PROXY_ERROR)), Then.STOP)
    flow.add(IS_FORWARD, Nothing(), Then.STOP)
    flow.place(other)


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
