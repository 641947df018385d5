"""Upstreams of a worker's routes: made when a route is first used, given up when the last route to it is gone.

Knows the engine's upstreams and routes. Must not know who tells of routes (`child`), or what is decided for a request.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

from perijove.engine.routes import Routes, Target
from perijove.gateway import model
from perijove.routing import upstreams as holders
from perijove.server.peer import examiner
from perijove.server.tls import client_context

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perijove.engine.counters import Counters
    from perijove.engine.resolver import Resolver
    from perijove.engine.upstream import Upstream
    from perijove.routing.dynamic import Url
    from perijove.server.files import Contents

Key = tuple[str, model.Address]  # scheme and address
Change = tuple[bytes, str | None, int]  # a prefix; where it leads, or None if it is no more; where its last use is noted


class Held:
    """An upstream that routes lead to."""

    __slots__ = ("gone", "key", "upstream", "uses")

    def __init__(self, key: Key, upstream: Upstream) -> None:
        self.key = key
        self.upstream = upstream
        self.uses = 0
        self.gone = False  # it was given up: whoever still leads there is to ask again


class Upstreams:
    """The routes of a worker, and whom they lead to."""

    def __init__(self, resolver: Resolver, counters: Counters) -> None:
        self.routes = Routes()
        self._resolver = resolver
        self._counters = counters
        self._held: dict[Key, Held] = {}
        self._times = model.Timeouts()
        self._tls = model.TlsClient()
        self._contents: Contents = {}

    def change(self, changes: Iterable[Change]) -> None:
        """Make these changes, in order."""
        for prefix, url, activity in changes:
            before = self.routes.remove(prefix) if url is None else self.routes.put(Target(prefix, url, activity))
            if before is not None and isinstance(before.upstream, Held):
                self._release(before.upstream)

    def replace(self, changes: Iterable[Change]) -> None:
        """Have these routes and no others."""
        kept = {prefix: (url, activity) for prefix, url, activity in changes}
        known = {prefix: (one.url, one.activity) for prefix, one in self.routes.targets.items()}
        self.change((prefix, None, -1) for prefix in known if prefix not in kept)
        self.change((prefix, *told) for prefix, told in kept.items() if known.get(prefix) != told)

    def begin(self, gateway: model.Gateway, contents: Contents) -> None:
        """Be of another gateway from now on: whoever is connected to as before keeps the connections."""
        assert gateway.routing is not None
        tls = gateway.routing.tls
        same = tls == self._tls and gateway.timeouts == self._times
        for held in list(self._held.values()):
            if not same or (held.key[0] == "https" and contents != self._contents):
                self._give_up(held)
        self.routes.users.clear()
        self._times, self._tls, self._contents = gateway.timeouts, tls, contents

    def named(self) -> list[Upstream]:
        """Return the upstreams that are called by names, which are to be looked up."""
        return [one.upstream for one in self._held.values() if one.upstream.host]

    def find(self, url: Url, target: Target | None) -> Upstream:
        """Return the upstream of a URL, for a route; without one it is held for good."""
        known = None if target is None else target.upstream
        if isinstance(known, Held) and not known.gone:
            return known.upstream
        key = (url.scheme, url.address)
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = Held(key, self._make(url))
        held.uses += 1
        if target is not None:
            target.upstream = held
        return held.upstream

    def _make(self, url: Url) -> Upstream:
        address = url.address
        shown = str(address) if isinstance(address, model.UnixAddress) else f"{url.scheme}://{address}"
        made = holders.upstream(
            model.Upstream(name=shown, scheme=url.scheme, address=address, timeouts=self._times, host=url.authority)
        )
        made.counters = self._counters
        if url.scheme == "https":
            assert isinstance(address, model.TcpAddress)
            made.tls = client_context(self._tls, self._contents)
            made.server_name = address.host
            made.examine = examiner(self._tls)
        if isinstance(address, model.UnixAddress):
            made.addresses = [(socket.AF_UNIX, address.path)]
            return made
        try:
            family = socket.AF_INET if ipaddress.ip_address(address.host).version == 4 else socket.AF_INET6
            made.addresses = [(family, (address.host, address.port))]
        except ValueError:
            made.host, made.port = address.host, address.port
            self._resolver.add(made)
        return made

    def _release(self, held: Held) -> None:
        held.uses -= 1
        if held.uses == 0 and not held.gone:
            self._give_up(held)

    def _give_up(self, held: Held) -> None:
        held.gone = True
        del self._held[held.key]
        upstream = held.upstream
        upstream.close_idle()
        upstream.max_idle = 0  # what is still in use does not come back
        if upstream.host:
            self._resolver.remove(upstream)
