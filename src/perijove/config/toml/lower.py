"""From what is written to what it means: Config to Gateway.

All that a key implies is said here, as rules in order: the slash that a prefix lacks, URLs and cookies that change with a
prefix, the redirection to https. Must not know how rules are run.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from perijove.config.acme import answers
from perijove.config.toml import schema, values
from perijove.gateway.model import (
    CertificatePair,
    Gateway,
    Limits,
    Listener,
    LogFormat,
    Peers,
    Stages,
    TcpAddress,
    Timeouts,
    TlsClient,
    TlsServer,
    Upstream,
    VirtualHost,
)
from perijove.gateway.rules import (
    Always,
    Condition,
    EditField,
    Forward,
    MapCookie,
    MapUrl,
    Operation,
    PathIs,
    PathMapping,
    PathPrefix,
    Redirect,
    Respond,
    Rule,
    Template,
    Then,
    Variable,
)
from perijove.gateway.templates import Part
from perijove.text.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.gateway.model import Address
    from perijove.text.source import Source, Span

_PUBLIC: Template = (Variable.SCHEME, b"://", Variable.HOST)


class _Lowering:
    """One configuration on its way."""

    def __init__(self, source: Source, config: schema.Config) -> None:
        self.source = source
        self.config = config
        self.diagnostics: list[Diagnostic] = []
        self.upstreams: dict[str, Upstream] = {}
        written = config.timeouts
        self.timeouts = Timeouts(**{name: getattr(written, name) for name in type(written).model_fields})

    def tell(self, name: str, message: str, path: tuple[object, ...], help_text: str = "", *, warn: bool = False) -> None:
        """Add a diagnostic about a key."""
        self.diagnostics.append(
            Diagnostic(
                name=name,
                severity=Severity.WARNING if warn else Severity.ERROR,
                message=message,
                where=schema.place(self.source, path),
                help=help_text,
            )
        )

    def gateway(self) -> Gateway:
        """Return the gateway; it is of use only if no error was told."""
        config = self.config
        for name, upstream in config.upstream.items():
            self._upstream(name, upstream)
        written = config.limits
        if written.burst and not written.requests_per_client:
            self.tell(
                "burst-without-rate",
                "`burst` says how many requests may come at once, but there is no bound on requests",
                ("limits", "burst"),
                'add `requests-per-client = "20/s"`, or remove `burst`',
                warn=True,
            )
        if config.access_log is None and config.access_log_format != "combined":
            self.tell(
                "no-access-log", "`access-log-format` is of no use without `access-log`", ("access-log-format",), warn=True
            )
        return Gateway(
            listeners=self._listeners(),
            hosts=self._hosts(),
            upstreams=self.upstreams,
            before=self._before(),
            trust=tuple(ipaddress.ip_network(one) for one in config.trust),
            announced=Peers(
                networks=tuple(ipaddress.ip_network(one) for one in config.proxy_protocol if one != "unix"),
                unix="unix" in config.proxy_protocol,
            )
            if config.proxy_protocol
            else None,
            timeouts=self.timeouts,
            limits=Limits(**{name: getattr(written, name) for name in type(written).model_fields}),
            access_log=None if config.access_log is None else values.log_target(config.access_log),
            access_log_format=LogFormat(config.access_log_format),
            metrics=None if config.metrics is None else values.listen_address(config.metrics),
            workers=0 if config.workers == "auto" else config.workers,
            user=config.user,
            control=config.control,
            watch=config.watch,
        )

    def _readable(self, path: str | None, at: tuple[object, ...]) -> None:
        why = schema.readable(path) if path is not None else None
        if why is not None:
            self.tell("unreadable-file", f"`{path}` cannot be read: {why}", at)

    def _listeners(self) -> tuple[Listener, ...]:
        config = self.config
        tls = None
        if config.tls is not None:
            pairs: tuple[CertificatePair, ...] = ()
            if config.tls.cert is not None and config.tls.key is not None:
                self._readable(config.tls.cert, ("tls", "cert"))
                self._readable(config.tls.key, ("tls", "key"))
                pairs = (CertificatePair(cert=config.tls.cert, key=config.tls.key),)
            for number, host in enumerate(config.host):
                if host.tls is not None:
                    self._readable(host.tls.cert, ("host", number, "tls", "cert"))
                    self._readable(host.tls.key, ("host", number, "tls", "key"))
                    pairs += (CertificatePair(cert=host.tls.cert, key=host.tls.key),)
            tls = TlsServer(certificates=pairs)
        elif any(host.tls is not None for host in config.host):
            number = next(number for number, host in enumerate(config.host) if host.tls is not None)
            self.tell(
                "host-tls-without-tls",
                "a host has a certificate, but the listeners have no TLS",
                ("host", number, "tls"),
                "add `[tls]` with the certificate for clients that name no host",
            )
        listeners: list[Listener] = []
        seen: set[Address] = set()
        for number, text in enumerate(config.listen):
            address = values.listen_address(text)
            if address in seen and not (isinstance(address, TcpAddress) and address.port == 0):
                self.tell("double-listener", f"`{text}` is listened on twice", ("listen", number), "remove one")
            seen.add(address)
            listeners.append(Listener(address=address, tls=tls))
        if config.redirect_http is not None:
            address = values.listen_address(config.redirect_http)
            secure = next((one.address for one in listeners if isinstance(one.address, TcpAddress)), None)
            if tls is None or secure is None:
                self.tell(
                    "redirect-without-tls",
                    "`redirect-http` leads to https, but no TCP listener has TLS",
                    ("redirect-http",),
                    "add `[tls]` with `cert` and `key`",
                )
            elif address in seen:
                self.tell("double-listener", f"`{config.redirect_http}` is listened on twice", ("redirect-http",), "remove one")
            else:
                listeners.append(Listener(address=address, redirect_to=secure.port))
        return tuple(listeners)

    def _upstream(self, name: str, written: schema.Upstream) -> None:
        url = values.upstream_url(written.url)
        at: tuple[object, ...] = ("upstream", name)
        if url.path not in ("", "/"):
            self.tell(
                "upstream-with-path",
                f"`{written.url}` has a path",
                (*at, "url"),
                "a route's `to` can have one, an upstream not",
            )
        self._readable(written.ca, (*at, "ca"))
        tls = None
        if url.scheme == "https":
            tls = TlsClient(verify=written.verify, ca=written.ca, server_name=written.server_name)
        elif written.ca is not None or not written.verify or written.server_name is not None:
            self.tell(
                "tls-without-https",
                f"upstream `{name}` is spoken to without TLS, so `ca`, `verify` and `server-name` do nothing",
                (*at, "url"),
                f"write `{written.url.replace('http://', 'https://')}`, or remove them",
                warn=True,
            )
        timeouts = self.timeouts
        if written.timeouts is not None:
            own = {key: value for key, value in written.timeouts.model_dump().items() if value is not None}
            timeouts = replace(timeouts, **own)
        self.upstreams[name] = Upstream(
            name=name,
            scheme=url.scheme,
            address=url.address,
            tls=tls,
            max_idle=written.max_idle,
            idle_timeout=written.idle_timeout,
            timeouts=timeouts,
        )

    def _before(self) -> tuple[Rule, ...]:
        """The answers of an ACME client come first: its authority may ask by any name, and must not be sent elsewhere."""
        folder = self.config.acme_webroot
        if folder is None:
            return ()
        at = ("acme-webroot",)
        if not os.path.isdir(folder):
            self.tell(
                "no-such-folder",
                f"`{folder}` is not a folder yet",
                at,
                f"certbot wants it to be there: `mkdir -p {folder}`",
                warn=True,
            )
        return (answers(folder, schema.place(self.source, at)),)

    def _hosts(self) -> tuple[VirtualHost, ...]:
        config = self.config
        routes: list[tuple[schema.Route, tuple[str | int, ...]]] = [
            (route, ("route", number)) for number, route in enumerate(config.route)
        ]
        if config.to is not None:
            everything = schema.Route.model_validate({"to": config.to})
            if any(route.path == "/" for route, _ in routes):
                self.tell("unreachable-route", "`to` is for `/`, and so is a route", ("to",), "keep one of them")
            routes.append((everything, ("to",)))
        hosts: list[VirtualHost] = []
        names: dict[str, int] = {}
        for number, host in enumerate(config.host):
            for name in host.names:
                if name.lower() in names:
                    self.tell("double-host", f"`{name}` is the name of two hosts", ("host", number, "names"), "keep one")
                names[name.lower()] = number
                if not _is_name(name):
                    self.tell(
                        "bad-value",
                        f"`{name}` is not a host name",
                        ("host", number, "names"),
                        'write a name without port, `"*.example.org"` or `"*"`',
                    )
            its = [(route, ("host", number, "route", at)) for at, route in enumerate(host.route)]
            stages = self._stages(its)
            origin = schema.place(self.source, ("host", number))
            hosts.append(VirtualHost(names=tuple(name.lower() for name in host.names), stages=stages, origin=origin))
        if routes:
            if "*" in names:
                self.tell(
                    "double-host", '`[[route]]` is for hosts that no `[[host]]` names, and `"*"` names them all', ("route",)
                )
            hosts.append(VirtualHost(names=("*",), stages=self._stages(routes)))
        if not hosts:
            self.tell(
                "no-route",
                "nothing is served",
                (),
                'say where requests go: `to = "http://127.0.0.1:8000"`, or add a `[[route]]`',
            )
        return tuple(hosts)

    def _stages(self, routes: Sequence[tuple[schema.Route, tuple[str | int, ...]]]) -> Stages:
        chosen: list[Rule] = []
        request: list[Rule] = []
        response: list[Rule] = []
        before: list[str] = []
        for route, at in routes:
            hider = next((path for path in before if _covers(path, route.path)), None)
            if hider is not None:
                self.tell(
                    "unreachable-route",
                    f"the route for `{route.path}` is never reached: one for `{hider}` stands before it",
                    at,
                    "put the longer path first",
                )
            before.append(route.path)
            self._route(route, at, chosen, request, response)
        return Stages(route=tuple(chosen), request=tuple(request), response=tuple(response))

    def _route(
        self,
        route: schema.Route,
        at: tuple[str | int, ...],
        chosen: list[Rule],
        request: list[Rule],
        response: list[Rule],
    ) -> None:
        origin = schema.place(self.source, at)
        prefix = route.path.encode()
        when: Condition = Always() if prefix == b"/" else PathPrefix(prefix)
        if route.redirect is not None:
            action = Redirect(route.redirect.status, values.template(route.redirect.to))
            chosen.append(Rule(when, action, Then.STOP, origin))
        elif route.respond is not None:
            body: list[Part] = []
            for line in route.respond.body.splitlines(keepends=True):
                text = line.rstrip("\r\n")
                body += [*values.template(text), line[len(text) :].encode()]
            answer = Respond(route.respond.status, route.respond.content_type, tuple(part for part in body if part != b""))
            chosen.append(Rule(when, answer, Then.STOP, origin))
        else:
            self._forward(route, at, when, origin, chosen, response)
        if len(prefix) > 1 and prefix.endswith(b"/"):
            slash = Redirect(308, (prefix, Variable.SEARCH))
            chosen.append(Rule(PathIs(prefix[:-1]), slash, Then.STOP, origin))
        for fields, rules in ((route.request_fields, request), (route.response_fields, response)):
            if fields is not None:
                rules += [Rule(when, edit, Then.NEXT, origin) for edit in _edits(fields)]

    def _forward(
        self,
        route: schema.Route,
        at: tuple[str | int, ...],
        when: Condition,
        origin: Span | None,
        chosen: list[Rule],
        response: list[Rule],
    ) -> None:
        path = ""
        if route.upstream is not None:
            name = route.upstream
            if name not in self.upstreams:
                known = ", ".join(f"`{one}`" for one in self.upstreams) or "none is"
                self.tell("unknown-upstream", f"no upstream is called `{name}`", (*at, "upstream"), f"defined: {known}")
                return
        else:
            assert route.to is not None
            url = values.upstream_url(route.to)
            path = "" if url.path == "/" else url.path
            name = f"{url.scheme}://{url.address}"
            if name not in self.upstreams:
                tls = TlsClient() if url.scheme == "https" else None
                self.upstreams[name] = Upstream(
                    name=name, scheme=url.scheme, address=url.address, tls=tls, timeouts=self.timeouts
                )
        upstream = self.upstreams[name]
        public = route.path.encode()
        inner = path.encode()
        if route.strip_prefix:
            inner = b"/" if public.endswith(b"/") else b""
        if path or route.strip_prefix:
            self._about_prefix(route, at, path)
        mapping = PathMapping(public, inner) if (path or route.strip_prefix) and inner != public else None
        chosen.append(Rule(when, Forward(name, mapping, route.preserve_host), Then.STOP, origin))
        own = upstream.scheme.encode() + b"://"
        outside = public if mapping else b""
        inside = inner if mapping else b""
        maps = [
            MapUrl((own, upstream.authority, inside), (*_PUBLIC, outside)),
            # With Host kept, the upstream believes the public name to be its own, under its own scheme.
            MapUrl((own, Variable.HOST, inside), (*_PUBLIC, outside)),
        ]
        if mapping:
            maps.append(MapUrl((inside,), (outside,)))
        response += [Rule(when, one, Then.NEXT, origin) for one in maps]
        domain = upstream.address.host.encode() if isinstance(upstream.address, TcpAddress) else None
        cookie = MapCookie(
            path_from=inside if mapping else None,
            path_to=outside if mapping else None,
            domain_from=domain,
            domain_to=b"",
            secure=upstream.scheme == "http",
        )
        response.append(Rule(when, cookie, Then.NEXT, origin))

    def _about_prefix(self, route: schema.Route, at: tuple[str | int, ...], path: str) -> None:
        if path and route.strip_prefix:
            self.tell("two-mappings", "`strip-prefix` and a path in `to` both map the prefix", at, "keep one of them")
        if path and path.endswith("/") != route.path.endswith("/"):
            wanted = path.rstrip("/") + ("/" if route.path.endswith("/") else "")
            self.tell(
                "slash-mismatch",
                f"`path` and `to` must both end in a slash, or neither: `{route.path}` becomes `{path}`",
                (*at, "to"),
                f"let `to` end in `{wanted or '/'}`",
            )
        if path.rstrip("/") != route.path.rstrip("/"):
            self.tell(
                "prefix-mapped",
                f"`{route.path}` reaches the upstream as `{path or '/'}`: a JupyterHub cannot work so, its pages name its "
                "`base_url`",
                (*at, "strip-prefix" if route.strip_prefix else "to"),
                f'for a hub, set `c.JupyterHub.base_url = "{route.path}"` and let `to` have no path; for other applications '
                "this is fine",
                warn=True,
            )


def _edits(fields: schema.Fields) -> list[EditField]:
    edits = [EditField(Operation.REMOVE, values.field_name(name)) for name in fields.remove]
    for operation, table in (
        (Operation.SET, fields.set),
        (Operation.ADD, fields.add),
        (Operation.DEFAULT, fields.default),
    ):
        edits += [EditField(operation, values.field_name(name), values.template(text)) for name, text in table.items()]
    return edits


def _covers(before: str, path: str) -> bool:
    """Tell whether the prefix `before` has everything that `path` has."""
    return before == "/" or path == before or path.startswith(before if before.endswith("/") else before + "/")


def _is_name(name: str) -> bool:
    rest = "x" if name == "*" else name.removeprefix("*.")
    return bool(rest) and all(c.isascii() and (c.isalnum() or c in ".-_:[]") for c in rest) and ":" not in rest.split("]")[-1]


def lower(source: Source, config: schema.Config) -> tuple[Gateway, list[Diagnostic]]:
    """Return what a configuration means, and what is to be said of it."""
    lowering = _Lowering(source, config)
    gateway = lowering.gateway()
    return gateway, lowering.diagnostics
