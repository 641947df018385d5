"""What a worker is: a reactor that serves a gateway, and the next one after a reload.

Knows how a gateway becomes what the engine runs. Must not know who tells it what to serve (`child`): it is given open sockets,
an open log and the contents of files, since it may have no right to them.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from perijove.engine.client import Client
from perijove.engine.counters import Counters
from perijove.engine.listener import Acceptor
from perijove.engine.reactor import Reactor
from perijove.engine.resolver import Resolver
from perijove.engine.site import Site
from perijove.engine.slots import FIRST_UPSTREAM
from perijove.engine.upstream import Address, Upstream
from perijove.gateway import model
from perijove.routing import upstreams as holders
from perijove.routing.compile import compile_table, head_limits, timeouts
from perijove.routing.dynamic import BadTarget, Destinations, url_of
from perijove.routing.trust import Trust
from perijove.server import limits, log
from perijove.server.destinations import Upstreams
from perijove.server.failures import Failures
from perijove.server.files import Contents, Unreadable, pages, read
from perijove.server.peer import examiner
from perijove.server.said import Voice
from perijove.server.shared import Numbers
from perijove.server.tls import BadCertificate, client_context, self_signed, server_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from perijove.engine.limiter import Limiter
    from perijove.engine.plan import Table, Timeouts
    from perijove.engine.record import Record

_IDLE_AFTER_TERM: Final = 1.0  # seconds for which an idle connection may still bring a request when we are to stop
_VISITED: Final = 256  # upstreams that requests have named and that are kept
_QUEUE: Final = 65536  # more than a queue of connections may hold


class CannotServe(Exception):
    """A gateway cannot be served; the text says why. `certificate`: for what is in a file of certificates or keys."""

    certificate = False


@dataclass(frozen=True)
class Given:
    """What a worker cannot make for itself."""

    sockets: Mapping[model.Address, list[socket.socket]]  # of addresses that were not listened on before
    files: Contents
    made: bytes | None = None  # a self-signed certificate with its key, PEM
    log: int | None = None  # a descriptor of the access log
    numbers: Numbers = field(default_factory=Numbers)


class Visited:
    """Upstreams that requests name, rather than the configuration: of a forward proxy, and of URLs that rules make.

    So many are kept; beyond that the one that was asked for longest ago is given up.
    """

    def __init__(self, resolver: Resolver, counters: Counters, times: Timeouts) -> None:
        self._resolver = resolver
        self._counters = counters
        self._times = times
        self._known: dict[tuple[bytes, bytes, bool], Upstream] = {}

    def __call__(self, scheme: bytes, authority: bytes, barred: bool = False) -> Upstream | None:
        """Return the upstream of a scheme and an authority; None if that is nonsense, or a scheme that is not spoken."""
        key = (scheme, authority.lower(), barred)
        found = self._known.pop(key, None)
        if found is None:
            found = holders.visited(scheme, authority, self._times, barred)
            if found is None:
                return None
            found.counters = self._counters
            if _is_address(found.host):
                found.addresses = [_literal(found.host, found.port)]
                found.host = ""
            else:
                self._resolver.add(found)
            if len(self._known) >= _VISITED:
                self._give_up(self._known.pop(next(iter(self._known))))
        self._known[key] = found
        return found

    def _give_up(self, upstream: Upstream) -> None:
        upstream.close_idle()
        upstream.max_idle = 0  # what is still in use does not come back
        self._resolver.remove(upstream)

    def close(self) -> None:
        """Give all up: another gateway is served."""
        for upstream in self._known.values():
            self._give_up(upstream)
        self._known.clear()


class Worker:
    """A reactor that serves a gateway, and the next one after a reload."""

    def __init__(self, counters: Counters, shared: limits.Memory, number: int) -> None:
        self.counters = counters
        self.reactor = Reactor()
        self.notices = limits.Notices(self.reactor, model.Limits())
        self.limiter: Limiter | None = None  # once there was a limit
        self._shared = shared
        self.visited: Visited | None = None
        self._number = number  # of its slot
        self.resolver = Resolver(self.reactor)
        self.destinations = Upstreams(self.resolver, counters)  # of routes that come and go
        self.gateway: model.Gateway | None = None
        self.upstreams: dict[str, Upstream] = {}
        self.acceptors: dict[model.Address, list[Acceptor]] = {}
        self.record: Record | None = None
        self.voice: Voice | None = None  # by which all is said, …
        self.failures: Failures | None = None  # … and which requests fail

    def apply(self, gateway: model.Gateway, given: Given) -> None:
        """Serve `gateway` from now on. Running exchanges and tunnels keep what they started with.

        Raises:
            BadCertificate: it cannot be served; what was served still is. What was given is the caller's still.
        """
        known = {} if self.gateway is None else self.gateway.upstreams
        upstreams = {
            # Files of a TLS upstream may have changed although their names have not.
            name: self.upstreams[name] if known.get(name) == one and one.tls is None else _upstream(one, given.files)
            for name, one in gateway.upstreams.items()
        }
        for name, upstream in upstreams.items():
            upstream.counters = self.counters
            upstream.counted = given.numbers.upstreams.get(name, FIRST_UPSTREAM)
        contexts = _contexts(gateway, given.files, given.made)
        left = self.visited
        visited = Visited(self.resolver, self.counters, timeouts(gateway.timeouts))
        leads = None
        if gateway.routing is not None:
            self.destinations.begin(gateway, given.files)
            leads = destinations(gateway.routing, self.destinations, given.files)
        tables = [compile_table(gateway, one, upstreams, given.numbers.routes, visited, leads) for one in gateway.listeners]
        before = self.acceptors
        self.acceptors = {}
        self.gateway = gateway
        self.reopen(given.log)
        self._limit(gateway.limits)
        if gateway.said is not None and self.failures is None:
            with contextlib.suppress(OSError):  # standard output is closed
                self.voice = Voice(gateway.said)
                self.failures = Failures(self.reactor, self.voice)
        self.counters.detailed = -1 if gateway.routing is None else given.numbers.routes.get("/", -1)
        trust = Trust(gateway.trust)
        balancers = gateway.announced
        announced = Trust(balancers.networks, balancers.unix) if balancers is not None else None
        for listener, table, context in zip(gateway.listeners, tables, contexts, strict=True):
            acceptors = before.pop(listener.address, None)
            if acceptors is None:
                site = self._site(gateway, table)
                acceptors = [Acceptor(self.reactor, one, site, context, trust) for one in given.sockets[listener.address]]
            for acceptor in acceptors:
                acceptor.site = self._renewed(acceptor.site, gateway, table)
                acceptor.secure = context
                acceptor.scheme = b"http" if context is None else b"https"
                acceptor.trusts = trust
                acceptor.announced = announced
            self.acceptors[listener.address] = acceptors
        for gone in before.values():
            _close(gone)
        for name, upstream in self.upstreams.items():
            if upstreams.get(name) is not upstream:
                upstream.close_idle()
                upstream.max_idle = 0
        self.upstreams = upstreams
        self.visited = visited
        if left is not None:
            left.close()
        self.resolver.watch([*self.upstreams.values(), *self.destinations.named()])

    def reopen(self, descriptor: int | None) -> None:
        """Write the access log to another descriptor from now on, which is ours; None is no log."""
        dropped = 0
        if self.record is not None:
            self.record.flush()
            self.record.sink.close()
            dropped = self.record.dropped
        assert self.gateway is not None
        self.record = None if descriptor is None else log.record(self.gateway, descriptor, dropped)
        self.reactor.log = self.record
        for acceptors in self.acceptors.values():
            for acceptor in acceptors:
                acceptor.site.record = self.record

    def _limit(self, written: model.Limits) -> None:
        """Go by these limits, and count what is open if that was not done before."""
        self.notices.limits = written
        wanted = limits.are_set(written)
        if self.limiter is None and wanted:
            self.limiter = self._shared.limiter(self._number)
        if self.limiter is not None:
            limits.configure(self.limiter, written)
            for one in self.connections() if wanted else ():
                one.enter(self.limiter)

    def _site(self, gateway: model.Gateway, table: Table) -> Site:
        written = gateway.limits
        site = Site(table, head_limits(gateway, table))
        site.body_limit = written.body
        site.limiter = self.limiter if limits.are_set(written) else None
        site.tell = self.notices.refused
        site.failed = None if self.failures is None else self.failures.failed
        site.record = self.record
        site.counters = self.counters
        return site

    def _renewed(self, site: Site, gateway: model.Gateway, table: Table) -> Site:
        """Change what all connections of a listener share; each sees it with its next request."""
        fresh = self._site(gateway, table)
        site.table = fresh.table
        site.limits = fresh.limits
        site.response_limits = fresh.response_limits
        site.timeouts = fresh.timeouts
        site.body_limit = fresh.body_limit
        site.limiter = fresh.limiter
        site.record = self.record
        return site

    def connections(self) -> list[Client]:
        """Return the client connections."""
        return [one for one in self.reactor.table if isinstance(one, Client)]

    def drain(self, grace: float, hurry: Callable[[], bool]) -> None:
        """End: take what waits in the queues, let exchanges finish for up to `grace` seconds, then close tunnels."""
        reactor = self.reactor
        for acceptors in self.acceptors.values():
            for acceptor in acceptors:
                acceptor.take(_QUEUE)
        for acceptors in self.acceptors.values():
            _close(acceptors)
        self.acceptors = {}
        reactor.draining = True
        begun = time.monotonic()
        for one in self.connections():
            one.drain()
        while not hurry():
            left = self.connections()
            waited = time.monotonic() - begun
            if not left or waited >= grace:
                break
            if waited >= _IDLE_AFTER_TERM:
                for one in left:
                    one.close_if_idle()
            reactor.turn(0.05)
        for one in self.connections():
            one.end()
        reactor.turn(0.0)
        for one in self.connections():
            one.close()
        if self.record is not None:
            self.record.flush()


def _close(acceptors: list[Acceptor]) -> None:
    for acceptor in acceptors:
        acceptor.close()


def _contexts(gateway: model.Gateway, contents: Contents, made: bytes | None) -> list[ssl.SSLContext | None]:
    return [server_context(one.tls, contents, made) if one.tls is not None else None for one in gateway.listeners]


def open_log(gateway: model.Gateway) -> int | None:
    """Return a descriptor of the access log; None if there is none.

    Raises:
        CannotServe: it cannot be written to.
    """
    try:
        return None if gateway.access_log is None else log.open_target(gateway.access_log)
    except log.CannotLog as error:
        raise CannotServe(str(error)) from None


def _upstream(one: model.Upstream, contents: Contents) -> Upstream:
    """Return an engine's upstream; a name is left for the resolver."""
    made = holders.upstream(one)
    if isinstance(one.address, model.UnixAddress):
        made.addresses = [(socket.AF_UNIX, one.address.path)]
    elif _is_address(one.address.host):
        made.addresses = [_literal(one.address.host, one.address.port)]
    else:
        made.host = one.address.host
        made.port = one.address.port
    if one.tls is not None:
        made.tls = client_context(one.tls, contents)
        name = one.tls.server_name
        if name is None and isinstance(one.address, model.TcpAddress):
            name = one.address.host
        made.server_name = name if one.tls.verify or name is None or not _is_address(name) else None
        made.name_from_host = one.tls.name_from_host
        made.examine = examiner(one.tls)
    return made


def _literal(host: str, port: int) -> Address:
    family = socket.AF_INET if ipaddress.ip_address(host).version == 4 else socket.AF_INET6
    return family, (host, port)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def destinations(routing: model.Routing, found: Upstreams, contents: Contents) -> Destinations:
    """Return what tables lead to routes by."""
    return Destinations(
        routing, found.routes, found.find, {path: contents[path] for path in pages(routing) if path in contents}
    )


def check(gateway: model.Gateway) -> Contents:
    """Try all that serving a gateway needs, but for listening; return what its files hold.

    Raises:
        CannotServe: it could not be served.
    """
    try:
        contents = read(gateway)
        made = self_signed(gateway) if any(one.tls and not one.tls.certificates for one in gateway.listeners) else None
        _contexts(gateway, contents, made)
        upstreams = {name: _upstream(one, contents) for name, one in gateway.upstreams.items()}
        for listener in gateway.listeners:
            compile_table(gateway, listener, upstreams, {})
        if gateway.routing is not None:
            client_context(gateway.routing.tls, contents)
            if gateway.routing.api.tls is not None:
                server_context(gateway.routing.api.tls, contents)
            for _, target in gateway.routing.first:
                url_of(target)
            if gateway.routing.error_target is not None:
                url_of(gateway.routing.error_target)
    except (BadCertificate, Unreadable, BadTarget) as error:
        wrong = CannotServe(str(error))
        wrong.certificate = isinstance(error, BadCertificate)
        raise wrong from None
    descriptor = open_log(gateway)
    if descriptor is not None:
        os.close(descriptor)
    return contents
