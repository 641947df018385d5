"""What the worker of a URL says, as rules: of WebSockets, and whether its connections are used again.

A request has the worker with the longest name that its URL begins with, wherever it was sent from, and so perhaps another than the
one of the ProxyPass that it met. Knows workers. Must not know which requests go where.
"""

from __future__ import annotations

import string
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from perijove.config.apache import reasons
from perijove.config.apache.fixups import refuse
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.targets import target_of
from perijove.config.apache.words import octets
from perijove.config.apache.workers import Index, Worker, url_of, workers
from perijove.gateway.conditions import Always, Condition, Matches, Pattern, Setting
from perijove.gateway.rules import Encoding, Refuse, Set
from perijove.gateway.templates import Encoded, Given, Template, Variable

if TYPE_CHECKING:
    from perijove.config.apache.directives.mod_proxy import Pass
    from perijove.config.apache.host import Host
    from perijove.config.apache.targets import Target
    from perijove.config.apache.upstreams import Upstreams
    from perijove.text.source import Span

_SAFE: Final = "~$-_.+!*'(),;:@&=/"  # in a path (ap_proxy_canonenc)
_UNSAFE: Final = bytes(sorted(set(range(256)) - set((_SAFE + string.ascii_letters + string.digits).encode())))


class WorkerSettings:
    """Workers of one virtual host, and what they say."""

    def __init__(self, host: Host, upstreams: Upstreams) -> None:
        self.host = host
        self.upstreams = upstreams
        self.index = Index(workers(host.levels.scopes))
        self.pings = any("ping" in one.parameters for one in self.index.workers)

    def shared(self, one: Pass) -> dict[str, str]:
        """Return the parameters of a ProxyPass: those of the worker that its URL has, which may be of another line."""
        assert one.target is not None
        url = url_of(one.target)
        wild = one.pattern is not None
        near = self.index.near(url)
        return next((dict(its.parameters) for its in near if its.wild is wild and its.begins(url)), one.parameters)

    def of_pass(self, flow: Flow, one: Pass, target: Target, path: Template, encoding: Encoding, whole: bool) -> None:
        """Add what is said of where a ProxyPass sends, if that is not what it says; `whole`: the path has the query in it."""
        origin = url_of(replace(target, path=""))
        written = target.path if one.pattern is None else target.path.partition("$")[0]
        if encoding is not Encoding.NONE:  # names of workers are as they were written, URLs are not
            written = quote(written, safe=_SAFE, errors="surrogateescape")
            path = (Encoded(path, _UNSAFE),)
        if not target.path.startswith("/") and not whole:  # a URL without a path gets one (proxy_http_canon)
            path = (Given(path, path, (b"/",)),)
        url: Template = (octets(origin), *path)
        if not whole:
            url = (*url, Variable.SEARCH)
        said = self.upstreams.upgrades(target, one.parameters)
        self._of_url(flow, target, url, origin + written, said, one.origin)

    def of_rule(self, flow: Flow, url: str, path: Template, span: Span) -> None:
        """Add what is said of a URL that a RewriteRule leads to; `path` is all of it if `url` is empty."""
        if not url:
            self.reuse(flow, path, "", span)
            return
        target = target_of(url)
        if target is not None:
            origin = url_of(target)
            whole = (octets(origin), Given(path, (Encoded(path, _UNSAFE),), (b"/",)), Variable.SEARCH)
            self._of_url(flow, target, whole, origin, self.upstreams.upgrades(target, {}), span)

    def reuse(self, flow: Flow, url: Template, base: str, span: Span) -> None:
        """Add whether a connection for a URL that begins with `base` is used once."""
        self._reuse(flow, self._of(url, base), span)

    def _of_url(self, flow: Flow, target: Target, url: Template, base: str, said: bytes, span: Span) -> None:
        """Add what the worker of a URL, which begins so, says of WebSockets, unless it is what has been `said`; and of reuse."""
        found = self._of(url, base)
        upgrades = [(holds, self.upstreams.upgrades(target, {} if one is None else one.parameters)) for holds, one in found]
        if any(value != said for _, value in upgrades):
            for holds, value in upgrades:
                flow.add(holds, Set(Setting.UPGRADES, value), origin=span)
        self._reuse(flow, found, span)
        self._refuse(flow, found, span)

    def _refuse(self, flow: Flow, found: list[tuple[Condition, Worker | None]], span: Span) -> None:
        """Refuse what a worker would be asked for that takes nothing (ap_proxy_acquire_connection)."""
        if not any(one is not None and one.unusable() for _, one in found):
            return
        after = Label()
        for holds, one in reversed(found):
            if one is not None and one.unusable():
                refuse(flow, self.host, holds, Refuse(503, reasons.DISABLED), after, span)
            else:
                flow.go(after, holds, span)
        flow.place(after)

    def _of(self, url: Template, base: str) -> list[tuple[Condition, Worker | None]]:
        """Return whose a URL may be that begins so, the last that holds; None is nobody in particular (proxy:reverse)."""
        found: list[tuple[Condition, Worker | None]] = [(Always(), None)]
        for worker in reversed(self.index.longer(base)):
            if worker.begins(base):
                found = [(Always(), worker)]
            elif worker.name.startswith(base) or (worker.wild and base.startswith(worker.name.partition("$")[0])):
                found.append((Matches(url, Pattern(worker.pattern(), 0, False, worker.name)), worker))
        return found

    def _reuse(self, flow: Flow, found: list[tuple[Condition, Worker | None]], span: Span) -> None:
        """Nobody's connection is used again, nor is one of a pattern that fills something in."""
        ends = [(holds, one is None or one.once()) for holds, one in found]
        if all(once for _, once in ends):
            ends = ends[:1]
        if any(once for _, once in ends):
            for holds, once in ends:
                flow.add(holds, Set(Setting.UPSTREAM_ENDS, once), origin=span)
