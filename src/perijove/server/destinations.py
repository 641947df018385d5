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

Change = tuple[bytes, str | None, int]  # a prefix; where it leads, or None if it is no more; where its last use is noted


class Upstreams:
    """The routes of a worker, and whom they lead to."""

    def __init__(self, resolver: Resolver, counters: Counters) -> None:
        self.routes = Routes()
        self._resolver = resolver
        self._counters = counters
        self._made: dict[tuple[str, model.Address], Upstream] = {}
        self._used: dict[int, int] = {}  # by the upstream's id: routes
        self._times = model.Timeouts()
        self._tls = model.TlsClient()
        self._contents: Contents = {}

    def change(self, changes: Iterable[Change]) -> None:
        """Make these changes, in order."""
        for prefix, url, activity in changes:
            before = self.routes.remove(prefix) if url is None else self.routes.put(Target(prefix, url, activity))
            if before is not None and before.upstream is not None:
                self._release(before)

    def replace(self, changes: Iterable[Change]) -> None:
        """Have these routes and no others."""
        kept = {prefix: (url, activity) for prefix, url, activity in changes}
        gone = [prefix for prefix in self.routes.targets if prefix not in kept]
        self.change((prefix, None, -1) for prefix in gone)
        self.change((prefix, url, activity) for prefix, (url, activity) in kept.items())

    def begin(self, gateway: model.Gateway, contents: Contents) -> None:
        """Be of another gateway from now on: whoever is connected to as before keeps the connections."""
        assert gateway.routing is not None
        tls = gateway.routing.tls
        same = tls == self._tls and gateway.timeouts == self._times
        for key, upstream in list(self._made.items()):
            if not same or (key[0] == "https" and contents != self._contents):
                del self._made[key]
                del self._used[id(upstream)]
                self._give_up(upstream)
        for target in self.routes.targets.values():
            if id(target.upstream) not in self._used:
                target.upstream = None
        self.routes.users.clear()
        self._times, self._tls, self._contents = gateway.timeouts, tls, contents

    def named(self) -> list[Upstream]:
        """Return the upstreams that are called by names, which are to be looked up."""
        return [one for one in self._made.values() if one.host]

    def find(self, url: Url) -> Upstream:
        """Return the upstream of a URL, for one more route."""
        key = (url.scheme, url.address)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._make(url)
        self._used[id(found)] = self._used.get(id(found), 0) + 1
        return found

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

    def _release(self, target: Target) -> None:
        upstream = target.upstream
        number = id(upstream)
        self._used[number] -= 1
        if self._used[number] == 0:
            del self._used[number]
            for key, made in self._made.items():
                if made is upstream:
                    del self._made[key]
                    self._give_up(made)
                    break

    def _give_up(self, upstream: Upstream) -> None:
        upstream.close_idle()
        upstream.max_idle = 0  # what is still in use does not come back
        if upstream.host:
            self._resolver.remove(upstream)
