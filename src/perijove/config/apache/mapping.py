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
