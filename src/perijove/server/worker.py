"""The process that serves: a reactor with what a gateway says, and signals."""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import os
import resource
import signal
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import perijove
from perijove import engine
from perijove.engine.client import Client, Site
from perijove.engine.counters import Counters, unshared
from perijove.engine.head import Limits
from perijove.engine.listener import Acceptor
from perijove.engine.reactor import Endpoint, Reactor, Wakeup
from perijove.engine.record import Record
from perijove.engine.resolver import Resolver
from perijove.engine.upstream import Upstream
from perijove.gateway import model
from perijove.routing.compile import compile_table, timeouts
from perijove.server import systemd
from perijove.server.report import describe, say
from perijove.server.sockets import CannotListen, listen
from perijove.server.tls import BadCertificate, client_context, server_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from perijove.engine.plan import Table

_IDLE_AFTER_TERM: Final = 1.0  # seconds for which an idle connection may still bring a request when we are to stop
_KEPT_ADDRESSES: Final = 4096
_QUEUE: Final = 65536  # more than a queue of connections may hold


class Trust:
    """Whose forwarding fields are believed. A Unix socket's peers are: the file's permissions choose them."""

    def __init__(self, networks: tuple[model.Network, ...], unix: bool = True) -> None:
        self.networks = networks
        self._known: dict[str, bool] = {"": unix}

    def __call__(self, address: str) -> bool:
        """Tell whether the peer with this address is believed; an empty one is a Unix socket's."""
        found = self._known.get(address)
        if found is None:
            if len(self._known) >= _KEPT_ADDRESSES:
                self._known = {"": self._known[""]}
            ip = ipaddress.ip_address(address)
            found = any(ip in network for network in self.networks if network.version == ip.version)
            self._known[address] = found
        return found


@dataclass
class Given:
    """What a supervisor makes once for all workers."""

    sockets: dict[model.Address, list[socket.socket]] = field(default_factory=dict)
    pair: bytes | None = None  # a self-signed certificate with its key, PEM


@dataclass
class _Prepared:
    """All that a gateway needs and that can fail, made before anything is changed."""

    upstreams: dict[str, Upstream]
    tables: list[Table]
    contexts: list[ssl.SSLContext | None]
    sockets: dict[model.Address, list[socket.socket]]  # of addresses that were not listened on before
    log: int | None


class Worker:
    """A reactor that serves a gateway, and the next one after a reload."""

    def __init__(self, counters: Counters | None = None) -> None:
        self.counters = counters or unshared()
        self.reactor = Reactor()
        self.resolver = Resolver(self.reactor)
        self.gateway: model.Gateway | None = None
        self.upstreams: dict[str, Upstream] = {}
        self.acceptors: dict[model.Address, list[Acceptor]] = {}
        self.record: Record | None = None
        self.foreign: set[model.Address] = set()  # whose sockets are somebody else's, too, who removes a Unix socket's file

    def listening(self) -> dict[model.Address, list[socket.socket]]:
        """Return the listening sockets."""
        return {
            address: [one.sock for one in acceptors if one.sock is not None] for address, acceptors in self.acceptors.items()
        }

    def apply(self, gateway: model.Gateway, given: Given | None = None) -> None:
        """Serve `gateway` from now on. Running exchanges and tunnels keep what they started with.

        Args:
            gateway: what to serve.
            given: what a supervisor hands over; without it all is made here.

        Raises:
            CannotListen, BadCertificate, OSError: it cannot be served; what was served still is.
        """
        given = given or Given()
        prepared = self._prepare(gateway, given)
        before = self.acceptors
        self.acceptors = {}
        self._log(prepared.log)
        trust = Trust(gateway.trust)
        balancers = gateway.announced
        announced = Trust(balancers.networks, balancers.unix) if balancers is not None else None
        for listener, table, context in zip(gateway.listeners, prepared.tables, prepared.contexts, strict=True):
            acceptors = before.pop(listener.address, None)
            if acceptors is None:
                site = self._site(gateway, table)
                acceptors = [
                    Acceptor(self.reactor, one, site, context, trust, gateway.limits.connections)
                    for one in prepared.sockets[listener.address]
                ]
            for acceptor in acceptors:
                acceptor.site = self._renewed(acceptor.site, gateway, table)
                acceptor.secure = context
                acceptor.scheme = b"http" if context is None else b"https"
                acceptor.trusts = trust
                acceptor.announced = announced
                acceptor.limit = gateway.limits.connections
            self.acceptors[listener.address] = acceptors
        for address, gone in before.items():
            self._close_listeners(address, gone)
        for name, upstream in self.upstreams.items():
            if prepared.upstreams.get(name) is not upstream:
                upstream.close_idle()
                upstream.max_idle = 0
        self.foreign |= given.sockets.keys()
        self.upstreams = prepared.upstreams
        self.gateway = gateway
        self.resolver.watch(list(self.upstreams.values()))

    def _prepare(self, gateway: model.Gateway, given: Given) -> _Prepared:
        before = {} if self.gateway is None else self.gateway.upstreams
        upstreams = {
            # Files of a TLS upstream may have changed although their names have not.
            name: self.upstreams[name] if before.get(name) == one and one.tls is None else _upstream(one)
            for name, one in gateway.upstreams.items()
        }
        contexts = [server_context(one.tls, gateway, given.pair) if one.tls is not None else None for one in gateway.listeners]
        tables = [compile_table(gateway, one, upstreams) for one in gateway.listeners]
        log: int | None = None
        if gateway.access_log == "-":
            log = os.dup(2)
        elif gateway.access_log is not None:
            log = _open_log(gateway.access_log)
        sockets: dict[model.Address, list[socket.socket]] = {}
        try:
            for one in gateway.listeners:
                if one.address not in self.acceptors:
                    made = given.sockets.get(one.address)
                    sockets[one.address] = listen(one.address) if made is None else made
        except BaseException:
            for some in sockets.values():
                for sock in some:
                    sock.close()
            if log is not None:
                os.close(log)
            raise
        return _Prepared(upstreams, tables, contexts, sockets, log)

    def _log(self, fd: int | None) -> None:
        if self.record is not None:
            self.record.flush()
            os.close(self.record.fd)
        self.record = None if fd is None else Record(fd)
        self.reactor.log = self.record

    def _site(self, gateway: model.Gateway, table: Table) -> Site:
        limits = gateway.limits
        site = Site(table, Limits(limits.request_line, limits.header, limits.fields))
        site.body_limit = limits.body
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
        site.record = self.record
        return site

    def connections(self) -> list[Client]:
        """Return the client connections."""
        return [one for one in self.reactor.table if isinstance(one, Client)]

    def _close_listeners(self, address: model.Address, acceptors: list[Acceptor]) -> None:
        for acceptor in acceptors:
            acceptor.close()
        if isinstance(address, model.UnixAddress) and address not in self.foreign:
            with contextlib.suppress(OSError):
                os.unlink(address.path)

    def drain(self, grace: float, hurry: Callable[[], bool]) -> None:
        """End: take what waits in the queues, let exchanges finish for up to `grace` seconds, then close tunnels."""
        reactor = self.reactor
        for acceptors in self.acceptors.values():
            for acceptor in acceptors:
                acceptor.take(_QUEUE)
        for address, acceptors in self.acceptors.items():
            self._close_listeners(address, acceptors)
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


def _open_log(path: str) -> int:
    """Return a descriptor of the access log.

    Raises:
        OSError: its text says what is wrong with which file.
    """
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK, 0o640)
    except OSError as error:
        raise OSError(f"access-log `{path}` cannot be written: {error.strerror}") from None


def _upstream(one: model.Upstream) -> Upstream:
    """Return an engine's upstream; a name is left for the resolver."""
    made = Upstream(one.name, timeouts(one.timeouts))
    made.authority = one.authority
    made.max_idle = one.max_idle
    made.idle_timeout = one.idle_timeout
    if isinstance(one.address, model.UnixAddress):
        made.addresses = [(socket.AF_UNIX, one.address.path)]
    else:
        host, port = one.address.host, one.address.port
        try:
            ip = ipaddress.ip_address(host)
        except ValueError:
            made.host = host
            made.port = port
        else:
            made.addresses = [(socket.AF_INET if ip.version == 4 else socket.AF_INET6, (host, port))]
    if one.tls is not None:
        made.tls = client_context(one.tls)
        name = one.tls.server_name
        if name is None and isinstance(one.address, model.TcpAddress):
            name = one.address.host
        made.server_name = name if one.tls.verify or name is None or not _is_address(name) else None
    return made


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def check(gateway: model.Gateway) -> str | None:
    """Return why a gateway could not be served, as far as can be told without listening; None if it could."""
    try:
        for listener in gateway.listeners:
            if listener.tls is not None:
                server_context(listener.tls, gateway)
        upstreams = {name: _upstream(one) for name, one in gateway.upstreams.items()}
        for listener in gateway.listeners:
            compile_table(gateway, listener, upstreams)
        if gateway.access_log not in (None, "-"):
            os.close(_open_log(str(gateway.access_log)))
    except (BadCertificate, OSError) as error:
        return str(error)
    return None


class _Watchdog(Endpoint):
    """Tells systemd that the loop goes round."""

    def __init__(self, reactor: Reactor) -> None:
        super().__init__(reactor)
        self.until(systemd.watchdog())

    def on_event(self, mask: int) -> None:
        """It has no descriptor."""

    def on_timeout(self) -> None:
        """Tell it, and again in time."""
        systemd.notify("WATCHDOG=1")
        self.until(systemd.watchdog())


def raise_descriptors() -> None:
    """Take as many descriptors as may be had."""
    with contextlib.suppress(ValueError, OSError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = hard if hard != resource.RLIM_INFINITY else 1 << 20
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def run(gateway: model.Gateway, reload: Callable[[], model.Gateway | None]) -> int:
    """Serve until SIGTERM or SIGINT, reloading at SIGHUP; return the exit status.

    Args:
        gateway: what to serve.
        reload: gives what to serve next, or None, having said why, if that must not be served.
    """
    raise_descriptors()
    worker = Worker()
    signals: list[int] = []
    wakeup = Wakeup(worker.reactor, signals.extend)
    handed = systemd.match(systemd.handed_over(), [one.address for one in gateway.listeners])
    try:
        worker.apply(gateway, Given(handed))
    except (CannotListen, BadCertificate, OSError) as error:
        say(f"error: {error}")
        return 1
    before = signal.set_wakeup_fd(wakeup.writer.fileno(), warn_on_full_buffer=False)
    watched = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    handlers = {one: signal.signal(one, _noted) for one in watched}
    say(f"{perijove.__version__}, {engine.KIND} engine, pid {os.getpid()}")
    for line in describe(gateway, worker.listening()):
        say(line)
    _Watchdog(worker.reactor)
    systemd.notify("READY=1")
    gc.collect()
    gc.freeze()  # what stands now stands for good: the collector need not look at it again
    try:
        while True:
            worker.reactor.turn(60.0)
            if not signals:
                continue
            number = signals.pop(0)
            if number == signal.SIGHUP:
                systemd.reloading()
                _reload(worker, reload)
                systemd.notify("READY=1")
            elif number in (signal.SIGTERM, signal.SIGINT):
                systemd.notify("STOPPING=1")
                say("finishing what is running; once more to stop at once")
                assert worker.gateway is not None
                signals.clear()
                worker.drain(
                    worker.gateway.timeouts.grace, lambda: any(one in (signal.SIGTERM, signal.SIGINT) for one in signals)
                )
                return 0
    finally:
        signal.set_wakeup_fd(before)
        for one, handler in handlers.items():
            signal.signal(one, handler)
        worker.resolver.close()


def _noted(number: int, frame: object) -> None:
    """Do nothing: the wake-up descriptor has told the loop."""


def _reload(worker: Worker, reload: Callable[[], model.Gateway | None]) -> None:
    gateway = reload()
    if gateway is None:
        say("not reloaded: what was served before still is")
        return
    handed = systemd.match(systemd.handed_over(), [one.address for one in gateway.listeners])
    try:
        worker.apply(gateway, Given(handed))
    except (CannotListen, BadCertificate, OSError) as error:
        say(f"error: {error}")
        say("not reloaded: what was served before still is")
        return
    say("reloaded")
    for line in describe(gateway, worker.listening()):
        say(line)
