"""Upstreams: what a URL that is sent to becomes, or why nothing can be sent there.

Knows the modules that serve schemes, TLS to an upstream, times to wait, and the proxy between. Sources: ap_proxy_determine_connection
(modules/proxy/proxy_util.c), proxy_http_canon (mod_proxy_http.c), mod_proxy_wstunnel.c, ssl_engine_config.c and ssl_engine_io.c. Must not
know which requests go where.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from perijove.config.apache import reasons
from perijove.config.apache.proxy_tls import deciding, said, sections
from perijove.config.apache.remotes import parent
from perijove.config.apache.targets import SCHEMES, Target, beginning, split
from perijove.config.apache.words import octets
from perijove.config.apache.workers import used_once
from perijove.gateway.model import TcpAddress, Timeouts, TlsClient, UnixAddress, Upstream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perijove.config.apache.scope import Levels, Scope
    from perijove.gateway.reasons import Reason

_PLAIN: Final = frozenset(("http", "ws"))
_TLS: Final = frozenset(("https", "wss"))
_TIMEOUT: Final = 60.0  # core's Timeout, unless it says otherwise


class Upstreams:
    """Upstreams of one virtual host, among those of all."""

    def __init__(self, levels: Levels, made: dict[str, Upstream]) -> None:
        self.levels = levels
        self.said = levels.said
        self.modules = levels.modules
        self.made = made  # of all hosts, by name
        self._secured = sections(levels)

    def deciding(self, target: Target, regex: bool = False) -> list[Scope | None]:
        """Return the <Proxy> sections that may decide of TLS to what a target leads to: the first that its URL is in does."""
        if "ssl" not in self.modules:
            return [None]
        url = beginning(target) + target.path
        return deciding(self._secured, url.partition("$")[0] if regex else url)

    def name(self, target: Target, parameters: Mapping[str, str], section: Scope | None = None) -> str:
        """Return the name of the upstream of a target, with TLS as a <Proxy> section says; it is made if it is new."""
        secure = target.scheme in _TLS
        address: TcpAddress | UnixAddress
        if target.socket:
            address = UnixAddress(target.socket)
        else:
            address = TcpAddress(*split(target.authority, SCHEMES[target.scheme][1]))
        timeout = whole(parameters.get("timeout"), self.said("proxytimeout", self.said("timeout", _TIMEOUT)))
        connect = seconds(parameters.get("connectiontimeout"), timeout)
        tls = self._tls(section) if secure else None
        scheme = "https" if secure else "http"
        name = f"{scheme}://{target.authority}" + (f" at {address}" if target.socket else "")
        absolute = b""
        between = parent(self.levels, target)
        if between is not None and not target.socket and not secure:
            absolute = octets(f"http://{target.authority}")
            address = TcpAddress(*split(between.authority, 80))
        # An idle tunnel lives for the greater of Timeout and ProxyTimeout.
        idle = float(max(self.said("timeout", _TIMEOUT), self.said("proxytimeout", 0.0)))
        made = Upstream(
            name=name,
            scheme=scheme,
            address=address,
            tls=tls,
            max_idle=0 if used_once(parameters) else 64,
            idle_timeout=whole(parameters.get("ttl"), 30.0),
            host=octets(target.authority.lower()),  # ap_proxy_canon_netloc
            absolute=absolute,
            timeouts=Timeouts(connect=connect, response=timeout, stream=timeout, body=timeout, tunnel=idle),
        )
        number = 1
        while name in self.made and self.made[name] != replace(made, name=name):
            number += 1
            name = f"{made.name} ({number})"
        self.made[name] = replace(made, name=name)
        return name

    def failing(self, target: Target, section: Scope | None = None) -> int:
        """Return the status of every request to a target, if there is no handler for its scheme; else 0."""
        scheme = target.scheme
        modules = self.modules
        if scheme == "balancer" and "proxy_balancer" not in modules:
            return 500
        if not target.socket and "$" not in target.authority:
            host, port = split(target.authority, 80)
            if not host or port > 65535:
                return 400
        if scheme not in _PLAIN | _TLS:
            return 500
        if "proxy_http" not in modules and not (scheme in ("ws", "wss") and "proxy_wstunnel" in modules):
            return 500
        if scheme in _TLS and ("ssl" not in modules or said(self.levels, section, "sslproxyengine") != "on"):
            return 500
        return 0

    def why(self, target: Target) -> Reason:
        """Return why every request to a target fails, in httpd's words."""
        handled = "proxy_http" in self.modules
        return reasons.no_handler(target.scheme, target.scheme in _TLS and handled, handled and "ssl" in self.modules)

    def tunnels(self, target: Target) -> bool:
        """Tell whether mod_proxy_wstunnel is on its own (proxy_wstunnel_handler): mod_proxy_http does not help out."""
        if target.scheme not in ("ws", "wss") or "proxy_wstunnel" not in self.modules:
            return False
        return "proxy_http" not in self.modules or not self.said("websocket-fallback", True)

    def upgrades(self, target: Target, parameters: Mapping[str, str]) -> bytes:
        """Return what becomes of a WebSocket handshake: nothing, or the protocol that is asked for upstream."""
        asked = re.split(r"[,\s]+", parameters.get("upgrade", "").lower())  # ap_proxy_worker_can_upgrade (proxy_util.c)
        if target.scheme in ("ws", "wss"):
            return b"WebSocket" if self.tunnels(target) else b"*" if {"", "websocket", "any"} & {*asked} else b""
        return b"*" if {"websocket", "any"} & {*asked} else b""

    def _tls(self, section: Scope | None) -> TlsClient:
        """What of an upstream's certificate is checked (ssl_engine_config.c; modules/ssl/ssl_engine_io.c, the peer's name)."""
        ca = said(self.levels, section, "sslproxycacertificatefile") or []
        verify = said(self.levels, section, "sslproxyverify") or "none"
        by_name, by_cn = (said(self.levels, section, f"sslproxycheckpeer{one}") for one in ("name", "cn"))
        names = by_cn == "on" if by_name == "off" else by_name == "on" or by_cn != "off"
        # With optional_no_ca only a strange authority is put up with (ssl_verify_error_is_optional).
        expiry = said(self.levels, section, "sslproxycheckpeerexpire") != "off" or verify == "optional_no_ca"
        chain = verify in ("require", "optional")
        return TlsClient(
            verify=chain or names or expiry,
            ca=ca[-1][0] if chain and ca else None,
            system=False,
            chain=chain,
            names=names,
            expiry=expiry,
            name_from_host=True,
        )


def whole(text: str | None, default: float) -> float:
    """Return how long a parameter says that atoi reads: a unit means nothing (set_worker_param, mod_proxy.c)."""
    found = re.match(r"[ \t]*\+?([0-9]+)", text or "")
    return float(found[1]) if found else default


def seconds(text: str | None, default: float) -> float:
    """Return how long a parameter says, in seconds or `ms`."""
    found = re.fullmatch(r"([0-9]+)(ms|s)?", text or "")
    if not found:
        return default
    return float(found[1]) * (0.001 if found[2] == "ms" else 1.0)
