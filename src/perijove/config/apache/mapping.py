"""What ProxyPass and its like lead to: upstreams, and rules that forward to them.

Sources: modules/proxy/mod_proxy.c (proxy_trans, ap_proxy_trans_match), mod_proxy_http.c (proxy_http_canon), mod_proxy_wstunnel.c.
"""

from __future__ import annotations

import ipaddress
import re
import string
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from perijove.config.apache import reasons
from perijove.config.apache.access import both
from perijove.config.apache.answers import prefix, substituted
from perijove.config.apache.directives.mod_proxy import SCHEMES, Pass, Target, url_of
from perijove.config.apache.files import FILE
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.hops import EXPECTS, HAS_CONTENT
from perijove.config.apache.patterns import BAD_PORT
from perijove.config.apache.responses import filled
from perijove.config.apache.scope import Kind, Scope
from perijove.config.apache.words import is_wildcard
from perijove.config.apache.workers import Index, Worker, used_once, workers
from perijove.config.apache.workers import url_of as worker_url
from perijove.gateway.conditions import (
    All,
    Always,
    Compares,
    Comparison,
    Condition,
    HasNote,
    Matches,
    Never,
    Not,
    NotEmpty,
    PathMatches,
    Pattern,
    Setting,
)
from perijove.gateway.model import TcpAddress, Timeouts, TlsClient, UnixAddress, Upstream
from perijove.gateway.rules import (
    Balance,
    BalanceMember,
    Encoding,
    ForwardAnywhere,
    ForwardTo,
    Hold,
    Nothing,
    Refuse,
    Set,
    SetNote,
    Template,
    Then,
)
from perijove.gateway.templates import Call, Capture, Encoded, Fact, Function, Note, Part, RequestField, Rest, Variable, Without

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from perijove.gateway.reasons import Reason
    from perijove.text.source import Span

_PLAIN: Final = frozenset(("http", "ws"))
_TLS: Final = frozenset(("https", "wss"))
_SAFE: Final = "~$-_.+!*'(),;:@&=/"  # in a path (ap_proxy_canonenc)
_UNSAFE: Final = bytes(sorted(set(range(256)) - set((_SAFE + string.ascii_letters + string.digits).encode())))
UNDECODED: Final = b"\0undecoded"  # the note of a path that stays encoded
_PATH_NEXT: Final = Pattern(rb"\A(?:/|\Z)")


class Mapper:
    """Upstreams of one virtual host."""

    def __init__(self, levels: list[Scope], upstreams: dict[str, Upstream]) -> None:
        self.levels = levels
        self.upstreams = upstreams  # of all hosts, by name
        self.modules = levels[0].modules
        # A path may be another than the one that was asked for; then, or with MergeSlashes Off, it may have double slashes.
        self.rewrites = any(line.flags.passthrough for one in levels if one.rewriting for line in one.rewriting.rules)
        self.workers = Index(workers(levels))
        self.pings = any("ping" in one.parameters for one in self.workers.workers)
        self.instead: Callable[[Flow], None] = lambda _flow: None  # what comes before a failure that is only seen later
        self.slashes = self.rewrites or not self.said("merge-slashes", True)
        # Slashes that have been kept encoded are not encoded once more (proxy_http_canon: PROXY_CANONENC_NOENCODEDSLASHENCODING).
        self.encoding = Encoding.SLASHES if self.said("encoded-slashes") == "nodecode" else Encoding.CANONICAL

    def said(self, name: str, default: Any = None) -> Any:
        """Return what the host says, or else the main server."""
        for one in reversed(self.levels):
            if name in one.said:
                return one.said[name]
        return default

    def add(self, flow: Flow, one: Pass, when: Condition, proxied: Label, declined: Label, scope: Scope) -> None:
        """Add the rules of a ProxyPass: where it applies, the request is forwarded, or `!` ends the search."""
        if one.target is None:
            flow.go(declined, when, one.origin)
            return
        if one.target.scheme == "balancer" and "proxy_balancer" not in self.modules:
            self._refuse(flow, when, 500, self.why(one.target), one.origin)
            return
        members = self._workers(one.target, True) if one.target.scheme == "balancer" else []
        if len(members) > 1:
            self._balance(flow, one, when, members, lambda its, member: self._forward(flow, its, Always(), member, proxied))
            return
        one = replace(one, parameters=self._shared(one))
        assert one.target is not None
        target = self._member(one.target, one)
        if target is None:
            why = replace(reasons.NO_WORKERS, words=reasons.NO_WORKERS.words.format(balancer=one.target.url))
            self._refuse(flow, when, 503, why, one.origin)  # no balancer of that name, or none of its workers
            return
        if not target.socket and not 0 < split(target.authority, SCHEMES.get(target.scheme, ("", 80))[1])[1] < 65536:
            # AH01083: proxy_fixup comes before all that sections do to a request.
            flow.add(when, Refuse(400), Then.STOP, one.origin)
            return
        failing = self.failing(target)
        if failing:
            self._refuse(flow, when, failing, self.why(target), one.origin)
            return
        if self.tunnels(target):
            asked = Compares((RequestField(b"upgrade"),), Comparison.SAME_FOLDED, (b"websocket",))
            flow.add(both(when, Not(asked)), Refuse(404, reasons.NOT_A_WEBSOCKET), Then.STOP, one.origin)
        after = Label()
        flow.add(when, Set(Setting.UPGRADES, self.upgrades(target, one.parameters)), origin=one.origin, otherwise=after)
        if "ping" in one.parameters:
            flow.add(HAS_CONTENT, SetNote(EXPECTS, (b"1",)), origin=one.origin)
        if one.interpolate and self.said("interpolate", False) and "${" in one.target.url:
            url = self._interpolated(one)
            self._reuse(flow, self._workers_of(url, ""), one.origin)
            flow.add(Always(), ForwardAnywhere(url, self.encoding), proxied, one.origin)
        else:
            self._forward(flow, one, when, target, proxied)
        flow.place(after)

    def _shared(self, one: Pass) -> dict[str, str]:
        """Return the parameters of a ProxyPass: those of the worker that its URL has, which may be of another line."""
        if one.target is None or one.target.scheme == "balancer":
            return one.parameters
        url = worker_url(one.target)
        wild = one.pattern is not None
        return next(
            (dict(its.parameters) for its in self.workers.near(url) if its.wild is wild and its.begins(url)), one.parameters
        )

    def balanced(self, flow: Flow, url: str, path: Template, encoding: Encoding, proxied: Label, span: Span) -> None:
        """Add what sends a request to a balancer that a RewriteRule names, with a path (rewrite_url, mod_proxy_balancer.c)."""
        target = url_of(url)
        assert target is not None
        one = Pass("", target, span)
        members = self._workers(target, True)

        def send(its: Pass, member: Target) -> None:
            base = member.path.rstrip("/").encode("utf-8", "surrogateescape")
            flow.add(Always(), ForwardTo(self.upstream(member, its.parameters), (base, *path), encoding), proxied, span)

        if len(members) > 1:
            self._balance(flow, one, Always(), members, send)
            return
        member = self._member(target, one)
        if member is None:
            why = replace(reasons.NO_WORKERS, words=reasons.NO_WORKERS.words.format(balancer=url))
            self._refuse(flow, Always(), 503, why, span)
            return
        failing = self.failing(member)
        if failing:
            self._refuse(flow, Always(), failing, self.why(member), span)
            return
        flow.add(Always(), Set(Setting.UPGRADES, self.upgrades(member, one.parameters)), origin=span)
        send(one, member)

    def _balance(
        self,
        flow: Flow,
        one: Pass,
        when: Condition,
        members: list[tuple[Target, dict[str, str]]],
        send: Callable[[Pass, Target], None],
    ) -> None:
        """Add what chooses a member of a balancer, and what sends the request there."""
        assert one.target is not None
        said = self._of_balancer(one.target) | one.parameters
        after = Label()
        name = f"balancer://{one.target.authority}"
        note = b"\0" + name.lower().encode("utf-8", "surrogateescape")
        targets = [(replace(member, path=member.path.rstrip("/") + one.target.path), its) for member, its in members]
        cookie, _, parameter = said.get("stickysession", "").partition("|")
        chosen = Balance(
            name,
            note,
            tuple(
                BalanceMember(
                    self.upstream(target, {**its, **one.parameters}),
                    round(100 * float(its.get("loadfactor", "1"))),
                    its.get("route", "").encode("utf-8", "surrogateescape"),
                    its.get("redirect", "").encode("utf-8", "surrogateescape"),
                    "h" in _status(its),
                    self._seconds(its.get("retry"), 60.0),
                    int(its.get("lbset", "0")),
                )
                for target, its in targets
            ),
            cookie.encode("utf-8", "surrogateescape"),
            (parameter or cookie).encode("utf-8", "surrogateescape"),
            b";:" if said.get("scolonpathdelim", "").lower() == "on" else b";",
            int(said.get("maxattempts", len(members) - 1)),
            said.get("nofailover", "").lower() != "on",
        )
        flow.add(when, chosen, origin=one.origin, otherwise=after)
        for number, (target, its) in enumerate(targets):
            other = Label()
            is_it = Compares((Note(note),), Comparison.SAME, (b"%d" % number,))
            parameters = {**its, **one.parameters}
            flow.add(is_it, Set(Setting.UPGRADES, self.upgrades(target, parameters)), origin=one.origin, otherwise=other)
            send(replace(one, parameters=parameters), target)
            flow.place(other)
        flow.place(after)

    def _of_balancer(self, target: Target) -> dict[str, str]:
        """Return what ProxySet says of a balancer."""
        said: dict[str, str] = {}
        name = f"balancer://{target.authority.lower()}"
        for level in self.levels:
            for scope in (level, *level.sections):
                for line in scope.said.get("proxyset", ()):
                    words = [word.text for word in line.words]
                    named = scope.path if scope is not level else words.pop(0)
                    if named.lower().rstrip("/") == name:
                        said |= {key.lower(): value for key, _, value in (word.partition("=") for word in words)}
        return said

    def _refuse(self, flow: Flow, when: Condition, status: int, why: Reason | None, origin: Span) -> None:
        """Refuse what is found to lead nowhere when it is to be sent: what comes before that has its say."""
        after = Label()
        flow.add(when, Nothing(), origin=origin, otherwise=after)
        self.instead(flow)
        flow.add(Always(), Refuse(status, why), Then.STOP, origin)
        flow.place(after)

    # ------------------------------------------------------------------ paths

    def undecoded(self) -> tuple[Pattern, ...]:
        """Return the paths that a ProxyPass with `mapping` is for, which are not decoded (proxy_pre_translate_name)."""
        found = [one for level in self.levels for one in level.said.get("proxy-pass", ()) if one.mapping]
        return tuple(_undecoded(one) for one in found)

    def where(self, one: Pass) -> Condition:
        """Return which paths a ProxyPass is for (alias_match): any number of slashes is as good as one."""
        if one.mapping:
            # A path that was decoded may look like one that never was; it has lost a percent sign then.
            fits = PathMatches(_undecoded(one))
            return All((fits, HasNote(UNDECODED))) if "%" in one.path else fits
        if one.pattern is not None:
            return PathMatches(one.pattern)
        return prefix(one.path, self.slashes)[0]

    def _rest(self, one: Pass) -> Part:
        """Return what is behind the prefix that `where` has found."""
        return prefix(one.path, self.slashes)[1]

    def _forward(self, flow: Flow, one: Pass, when: Condition, target: Target, proxied: Label) -> None:
        """Add what sends a request that a ProxyPass is for, with the path that it has there (ap_proxy_trans_match)."""
        cut = target.authority.find("$")
        if cut > 0:
            target = replace(target, authority=target.authority[:cut], path=target.authority[cut:] + target.path)
        name = self.upstream(target, one.parameters)
        base = target.path.encode("utf-8", "surrogateescape")
        if one.mapping:
            whole_sent = (base, Capture(1)) if one.pattern is None else _filled(base, (base, Fact.PATH))
            self._send(flow, one, name, target, whole_sent, Encoding.NONE, proxied)
            return
        if one.nocanon:
            # What was sent is passed on as it was; but only if that fits, too (AH01135, AH01136).
            canonical = Label()
            flow.go(canonical, Not(_as_sent(one)), one.origin)
            if one.pattern is None and not self.rewrites:
                self._send(flow, one, name, target, (base, Rest(_size(one), True)), Encoding.NONE, proxied)
            else:
                # The path is what was sent, with its query.
                sent = Without((Variable.TARGET,), one.path.encode("utf-8", "surrogateescape"))
                whole_path = (base, sent) if one.pattern is None else _filled(base, (base, Variable.TARGET))
                flow.add(Always(), Hold(whole_path), origin=one.origin)
                self._send(flow, one, name, target, (Fact.HELD,), Encoding.NONE, proxied, True)
            flow.place(canonical)
        path = (base, self._rest(one)) if one.pattern is None else _filled(base, (base, Fact.PATH))
        if one.nocanon and one.pattern is not None:
            flow.add(when, Hold(path), origin=one.origin)
            path = (Fact.HELD,)
        self._send(flow, one, name, target, path, self.encoding, proxied)

    def _worker(self, flow: Flow, one: Pass, target: Target, path: Template, encoding: Encoding, whole: bool) -> None:
        """Set what the worker of a URL says of WebSockets, where that is another's than this ProxyPass'."""
        origin = worker_url(replace(target, path=""))
        written = target.path if one.pattern is None else target.path.partition("$")[0]
        if encoding is not Encoding.NONE:  # names of workers are as they were written, URLs are not
            written = quote(written, safe=_SAFE, errors="surrogateescape")
            path = (Encoded(path, _UNSAFE),)
        url: Template = (origin.encode("utf-8", "surrogateescape"), *path)
        if not whole:
            url = (*url, Variable.SEARCH)
        self.by_worker(flow, target, url, origin + written, self.upgrades(target, one.parameters), one.origin)

    def by_worker(self, flow: Flow, target: Target, url: Template, base: str, said: bytes, span: Span) -> None:
        """Set what the worker of a URL, which begins so, says of WebSockets, unless it is what has been `said`; and of reuse."""
        found = self._workers_of(url, base)
        upgrades = [(holds, self.upgrades(target, {} if one is None else one.parameters)) for holds, one in found]
        if any(value != said for _, value in upgrades):
            for holds, value in upgrades:
                flow.add(holds, Set(Setting.UPGRADES, value), origin=span)
        self._reuse(flow, found, span)

    def _workers_of(self, url: Template, base: str) -> list[tuple[Condition, Worker | None]]:
        """Return whose a URL may be that begins so, the last that holds; None is nobody in particular (proxy:reverse)."""
        found: list[tuple[Condition, Worker | None]] = [(Always(), None)]
        for worker in reversed(self.workers.longer(base)):
            if worker.begins(base):
                found = [(Always(), worker)]
            elif worker.name.startswith(base) or (worker.wild and base.startswith(worker.name.partition("$")[0])):
                found.append((Matches(url, Pattern(worker.pattern(), 0, False, worker.name)), worker))
        return found

    def _reuse(self, flow: Flow, found: list[tuple[Condition, Worker | None]], span: Span) -> None:
        """Set whether a connection is used once: nobody's is, and so is one of a pattern that fills something in."""
        ends = [(holds, one is None or one.once()) for holds, one in found]
        if all(once for _, once in ends):
            ends = ends[:1]
        if any(once for _, once in ends):
            for holds, once in ends:
                flow.add(holds, Set(Setting.UPSTREAM_ENDS, once), origin=span)

    def _send(
        self,
        flow: Flow,
        one: Pass,
        name: str,
        target: Target,
        path: Template,
        encoding: Encoding,
        proxied: Label,
        whole: bool = False,
    ) -> None:
        """Add a forward; a path that begins with no slash becomes a part of the host's name. `whole`: it has the query in it."""
        if one.target is not None and one.target.scheme != "balancer":
            self._worker(flow, one, target, path, encoding, whole)
        known = target.path.startswith("/") or bool(target.socket)
        if not known and encoding is Encoding.NONE:  # the name has the query in it, too
            rooted = Matches(path, Pattern(b"/"))
            asked = Matches(path, Pattern(rb"\?")) if whole else NotEmpty((Variable.SEARCH,))
            self._refuse(flow, All((asked, Not(rooted))), 400, None, one.origin)
        when: Condition = Always() if known else Matches(path, _PATH_NEXT)
        flow.add(when, ForwardTo(name, path, encoding, whole), proxied, one.origin)
        if not known:
            flow.add(Always(), Hold(path), origin=one.origin)
            path = (Fact.HELD,)
            origin = f"{target.scheme}://{target.authority}".encode("utf-8", "surrogateescape")
            flow.add(Matches((origin, Fact.HELD), BAD_PORT), Refuse(400), Then.STOP, one.origin)
            self.instead(flow)
            flow.add(Always(), ForwardAnywhere((origin, *path), encoding, whole), proxied, one.origin)

    def _interpolated(self, one: Pass) -> Template:
        assert one.target is not None
        url = filled(one.target.url, True)
        if one.pattern is None:
            return (*url, Rest(len(one.path.encode("utf-8", "surrogateescape"))))
        # What the pattern found is filled in afterwards.
        return tuple(part for text in url for part in (substituted(text) if isinstance(text, bytes) else (text,)))

    # ------------------------------------------------------------------ upstreams

    def failing(self, target: Target) -> int:
        """Return the status of every request to a target, if there is no handler for its scheme; else 0."""
        scheme = target.scheme
        modules = self.modules
        if scheme == "balancer" and "proxy_balancer" not in modules:
            return 500
        if not target.socket and "$" not in target.authority and split(target.authority, 80)[1] > 65535:
            return 400
        if scheme not in _PLAIN | _TLS:
            return 500
        if "proxy_http" not in modules and not (scheme in ("ws", "wss") and "proxy_wstunnel" in modules):
            return 500
        if scheme in _TLS and ("ssl" not in modules or self._said_of(target, "sslproxyengine") != "on"):
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
        asked = parameters.get("upgrade", "").lower()
        if target.scheme in ("ws", "wss"):
            return b"WebSocket" if self.tunnels(target) else b"*" if asked in ("", "websocket", "any") else b""
        if asked in ("websocket", "any"):
            return b"*"
        return b""

    def upstream(self, target: Target, parameters: dict[str, str]) -> str:
        """Return the name of the upstream of a target; it is made if it is new."""
        secure = target.scheme in _TLS
        address: TcpAddress | UnixAddress
        if target.socket:
            address = UnixAddress(target.socket)
        else:
            host, port = split(target.authority, SCHEMES[target.scheme][1])
            address = TcpAddress(host, port)
        timeout = self._seconds(parameters.get("timeout"), self.said("proxytimeout", self.said("timeout", 60.0)))
        connect = self._seconds(parameters.get("connectiontimeout"), timeout)
        tls = self._tls(target) if secure else None
        scheme = "https" if secure else "http"
        name = f"{scheme}://{target.authority}" + (f" at {address}" if target.socket else "")
        absolute = b""
        parent = self._parent(target)
        if parent is not None and not target.socket and not secure:
            absolute = f"http://{target.authority}".encode("utf-8", "surrogateescape")
            address = TcpAddress(*split(parent.authority, 80))
        once = used_once(parameters)
        made = Upstream(
            name=name,
            scheme=scheme,
            address=address,
            tls=tls,
            max_idle=0 if once else 64,
            idle_timeout=self._seconds(parameters.get("ttl"), 30.0),
            host=target.authority.encode("utf-8", "surrogateescape"),
            absolute=absolute,
            timeouts=Timeouts(connect=connect, response=timeout, stream=timeout, body=timeout, tunnel=self._idle()),
        )
        number = 1
        while name in self.upstreams and self.upstreams[name] != replace(made, name=name):
            number += 1
            name = f"{made.name} ({number})"
        self.upstreams[name] = replace(made, name=name)
        return name

    def _parent(self, target: Target) -> Target | None:
        """Return the proxy that is asked for a URL of another server (ProxyRemote). NoProxy does not count here."""
        url = f"{target.scheme}://{target.authority}{target.path}".lower()
        for level in self.levels:
            for kind, what, parent, _ in level.said.get("proxy-remote", ()):
                if kind == "proxyremote" and (what == "*" or url.startswith(what.lower()) or target.scheme == what.lower()):
                    found = url_of(parent)
                    return found if found is not None and found.scheme == "http" else None
        return None

    def _idle(self) -> float:
        """An idle tunnel lives for the greater of Timeout and ProxyTimeout."""
        return float(max(self.said("timeout", 60.0), self.said("proxytimeout", 0.0)))

    def _seconds(self, text: str | None, default: float) -> float:
        found = re.fullmatch(r"([0-9]+)(ms|s)?", text or "")
        if not found:
            return default
        return float(found[1]) * (0.001 if found[2] == "ms" else 1.0)

    def _tls(self, target: Target) -> TlsClient:
        """What of an upstream's certificate is checked (ssl_engine_config.c; modules/ssl/ssl_engine_io.c, the peer's name)."""
        ca = self._said_of(target, "sslproxycacertificatefile") or []
        verify = self._said_of(target, "sslproxyverify") or "none"
        by_name, by_cn = (self._said_of(target, f"sslproxycheckpeer{one}") for one in ("name", "cn"))
        names = by_cn == "on" if by_name == "off" else by_name == "on" or by_cn != "off"
        expiry = self._said_of(target, "sslproxycheckpeerexpire") != "off"
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

    def worker(self, flow: Flow, url: str, path: Template, span: Span) -> None:
        """Set what the worker of a URL says of WebSockets and of reuse that a RewriteRule leads to; `path` is all of it if it is empty."""
        if not url:
            self._reuse(flow, self._workers_of(path, ""), span)
            return
        target = url_of(url)
        if target is not None:
            origin = worker_url(target)
            whole = (origin.encode("utf-8", "surrogateescape"), Encoded(path, _UNSAFE), Variable.SEARCH)
            self.by_worker(flow, target, whole, origin, self.upgrades(target, {}), span)

    def by_url(self, scope: Scope, url: str, span: Span) -> str | Refuse:
        """Return the upstream of a URL that a RewriteRule leads to, or how such requests are refused."""
        target = url_of(url)
        if target is None:
            return Refuse(500)
        if target.scheme == "balancer" and "proxy_balancer" in self.modules:
            return ""  # `balanced` says which
        failing = self.failing(target)
        if failing:
            return Refuse(failing, self.why(target) if failing == 500 else None)
        return self.upstream(target, {})

    def _said_of(self, target: Target, name: str) -> Any:
        """Return what is said of TLS to a target: in the last <Proxy> that its URL is in, or else by the host (proxy_walk)."""
        found = self.said(name)
        url = f"{target.scheme}://{target.authority}{target.path or '/'}"
        for level in self.levels:
            for section in level.sections:
                if section.kind is Kind.PROXY and name in section.said and _is_in(url, section):
                    found = section.said[name]
        return found

    # ------------------------------------------------------------------ balancers

    def _member(self, target: Target, one: Pass) -> Target | None:
        """Return the worker that stands for a balancer: the first that is not a spare; None if there is none."""
        if target.scheme != "balancer":
            return target
        for member, parameters in self._workers(target) or self._workers(target, True):
            one.parameters.update(parameters)
            return replace(member, path=member.path.rstrip("/") + target.path)
        return None

    def members(self, url: str) -> list[str]:
        """Return the URLs that a balancer's stands for; of any other URL itself."""
        target = url_of(url)
        if target is None or target.scheme != "balancer":
            return [url]
        found: list[str] = []
        for member, _ in self._workers(target):
            found.append(f"{member.scheme}://{member.authority}{member.path.rstrip('/')}{target.path}")
        return found

    def _workers(self, target: Target, spares: bool = False) -> list[tuple[Target, dict[str, str]]]:
        """Return the workers of a balancer that are in use, each with its parameters; the `spares`, too, if asked for."""
        found: list[tuple[Target, dict[str, str]]] = []
        name = f"balancer://{target.authority.lower()}"
        for level in self.levels:
            for section in level.sections:
                if section.path.lower().rstrip("/") != name:
                    continue
                for line in section.said.get("balancermember", ()):
                    words = [word.text for word in line.words if "://" in word.text or "=" in word.text]
                    parameters = {key.lower(): value for key, _, value in (word.partition("=") for word in words[1:])}
                    member = url_of(words[0])
                    if member is not None and not set("ds" if spares else "hds") & _status(parameters):
                        found.append((member, parameters))
        return found

    # ------------------------------------------------------------------ sections

    def proxied_to(self, scope: Scope) -> Condition:
        """Return what holds for requests that a <Proxy> section is for: those that go to a URL it names."""
        if scope.path == "*":
            return Matches((Fact.UPSTREAM_URL,), Pattern(b"."))
        text = scope.path.encode("utf-8", "surrogateescape")
        if scope.regex:
            from perijove.config.apache.patterns import compiled

            pattern = compiled(scope.path, False, scope.origin, scope) if scope.origin else None
            return Never() if pattern is None else Matches((Fact.UPSTREAM_URL,), pattern)
        if is_wildcard(scope.path):
            from perijove.config.apache.scopes import fnmatch

            return Matches((Fact.UPSTREAM_URL,), Pattern(fnmatch(scope.path, False)))
        return Matches((Fact.UPSTREAM_URL,), Pattern(rb"\A" + re.escape(text)))

    def handler(self, flow: Flow, when: Condition, text: str, span: Span, handled: Label, other: Label) -> None:
        """SetHandler proxy:URL sends a file's request to an upstream, with the name of the file behind the URL (proxy_handler)."""
        if not text.lower().startswith("proxy:"):
            flow.go(other, when, span)
            return
        target = url_of(text[6:])
        if target is None or self.failing(target):
            flow.add(when, Refuse(500, None if target is None else self.why(target)), Then.STOP, span)
            return
        path = (target.path.encode("utf-8", "surrogateescape"), Call(Function.FOUND, (Note(FILE),)))
        after = Label()
        flow.add(when, Set(Setting.UPGRADES, self.upgrades(target, {})), origin=span, otherwise=after)
        origin = worker_url(replace(target, path=""))
        self._reuse(flow, self._workers_of((origin.encode("utf-8", "surrogateescape"), *path), origin), span)
        flow.add(Always(), ForwardTo(self.upstream(target, {}), path, self.encoding), handled, span)
        flow.place(after)


def _is_in(url: str, section: Scope) -> bool:
    """Tell whether a URL, and so all that begin with it, is one that a <Proxy> section is for (ap_proxy_section, proxy_walk)."""
    from perijove.config.apache.scopes import fnmatch

    if section.path == "*":
        return True
    if section.regex:
        return re.search(section.path, url) is not None
    if is_wildcard(section.path):
        return re.search(fnmatch(section.path, False), url.encode("utf-8", "surrogateescape")) is not None
    return url.startswith(section.path)


def _status(parameters: Mapping[str, str]) -> set[str]:
    """Return the letters of a worker's status that are set: `+H`, `D`, `-H` (ap_proxy_set_wstatus)."""
    found: set[str] = set()
    sign = "+"
    for letter in parameters.get("status", "").lower():
        if letter in "+-":
            sign = letter
        elif sign == "+":
            found.add(letter)
        else:
            found.discard(letter)
    return found


def _undecoded(one: Pass) -> Pattern:
    """Return what finds a path that a ProxyPass with `mapping` is for; what is behind it is the first group.

    With `servlet`, segments may have parameters, which do not count and are dropped (alias_match_servlet).
    """
    if one.pattern is not None:
        return one.pattern
    octets = one.path.encode("utf-8", "surrogateescape")
    segment = rb"(?:;[^/]*)?" if one.mapping == "servlet" else b""
    words = [re.escape(word) + (segment if word else b"") for word in octets.split(b"/")]
    end = b"(.*)" if octets.endswith(b"/") else rb"((?:/.*)?)\Z"
    return Pattern(rb"(?s)\A" + b"/".join(words) + end, 1, False, one.path)


def _size(one: Pass) -> int:
    return len(one.path.encode("utf-8", "surrogateescape"))


def _as_sent(one: Pass) -> Condition:
    """Return whether what a ProxyPass is for is also found in what was sent, and of the same size (alias_match)."""
    if one.pattern is not None:
        return Matches((Variable.TARGET,), one.pattern, captures=True)
    behind = rb"(?!/)" if one.path.endswith("/") else rb"(?=/|\Z)"
    return Matches((Variable.TARGET,), Pattern(rb"\A" + re.escape(one.path.encode("utf-8", "surrogateescape")) + behind))


def _filled(text: bytes, whole: Template) -> Template:
    """Return a target with what a pattern found; one without `$` has all of the path behind it."""
    return substituted(text) if b"$" in text else whole


def split(authority: str, default: int) -> tuple[str, int]:
    """Return host and port of an authority."""
    host, colon, port = authority.rpartition(":")
    if colon and port.isdigit() and not authority.endswith("]"):
        return host.strip("[]"), int(port)
    return authority.strip("[]"), default


def is_address(text: str) -> bool:
    """Tell whether a host is an address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
