"""configurable-http-proxy's command line as a gateway.

Knows its options by their names (bin/configurable-http-proxy of version 5) and the gateway model. Must not know how options are
read from a command line, or who asks the API.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from perijove.config.acme import answers
from perijove.config.options import BadOption
from perijove.config.redis import Redis, shared
from perijove.gateway import model
from perijove.gateway.rules import (
    Always,
    EditField,
    ForwardDynamic,
    MapCookie,
    MapUrl,
    Operation,
    PathIs,
    Redirect,
    Respond,
    Rule,
    Template,
    Variable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.gateway.conditions import Network

# Who stands in front of most hubs and ends TLS there: this machine, and private networks (RFC 1918, 4193, 3927, 6598).
PRIVATE: Final = (
    "127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "169.254.0.0/16", "fe80::/10",
    "100.64.0.0/10",
)  # fmt: skip


_is_name: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch  # RFC 9110, 5.6.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Options for TLS of one side: PEM files, and what is wanted of the other side."""

    key: str | None = None
    cert: str | None = None
    ca: str | None = None
    request_cert: bool = False
    reject_unauthorized: bool = False
    password: str = field(default="", repr=False)  # of the key

    def server(self, option: str, options: Options) -> model.TlsServer | None:
        """Return TLS towards those who connect; None without any.

        Raises:
            BadOption: a part of it is missing; `option` is how the options begin.
        """
        if self.key is None and self.cert is None:
            return None
        if self.cert is None:
            raise BadOption(f"--{option}-key needs its certificate: add --{option}-cert FILE")
        return model.TlsServer(
            certificates=(model.CertificatePair(cert=self.cert, key=self.key or self.cert, password=self.password),),
            client_ca=self.ca,
            asks_client=self.request_cert,
            needs_client=self.request_cert,  # so it is there too, whatever its help says of --ssl-reject-unauthorized
            ciphers=options.ciphers,
            dh=options.dhparam,
            newest=options.newest_tls,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options. Times are in seconds."""

    ip: str = ""
    port: int = 8000
    socket: str | None = None
    tls: Tls = Tls()
    ciphers: str | None = None  # of all sides, as what follows
    dhparam: str | None = None
    newest_tls: bool = True  # TLS 1.3, too
    api_ip: str = "localhost"
    api_port: int | None = None  # the port and one, if None
    api_socket: str | None = None
    api_tls: Tls = Tls()
    client_tls: Tls = Tls()
    insecure: bool = False
    token: str = ""
    default_target: str | None = None
    error_target: str | None = None
    error_path: str | None = None
    redirect_port: int | None = None
    redirect_to: int | None = None
    x_forward: bool = True
    prepend_path: bool = True
    include_prefix: bool = True
    auto_rewrite: bool = False
    change_origin: bool = False
    protocol_rewrite: str | None = None
    custom_headers: tuple[tuple[str, str], ...] = ()
    host_routing: bool = False
    metrics_ip: str = ""
    metrics_port: int | None = None
    metrics_socket: str | None = None
    timeout: float | None = None
    proxy_timeout: float | None = None
    keep_alive_timeout: float | None = None
    # Perijove's own.
    trust: Sequence[str] = PRIVATE
    workers: int = 1
    grace: float = 2.0
    redis: Redis | None = None
    routes_file: str | None = None
    acme_webroot: str | None = None
    access_log: model.LogFile | model.Stderr | model.Syslog | None = None
    access_log_format: model.LogFormat = model.LogFormat.COMBINED
    said: model.Said = field(default_factory=model.Said)
    user: str | None = None  # whom workers run as


def gateway(options: Options) -> model.Gateway:
    """Return what the options mean.

    Raises:
        BadOption: nothing can be made of them.
    """
    if options.error_target is not None and options.error_path is not None:
        raise BadOption("--error-target and --error-path are two ways to say one thing: leave one out")
    tls = options.tls.server("ssl", options)
    routing = model.Routing(
        api=model.RoutesApi(address=_api_address(options), tls=options.api_tls.server("api-ssl", options), token=options.token),
        by_host=options.host_routing,
        keeps_prefix=options.include_prefix,
        keeps_base=options.prepend_path,
        preserve_host=not options.change_origin,
        tells=options.x_forward,
        tls=_towards_targets(options),
        first=() if options.default_target is None else (("/", options.default_target),),
        error_target=options.error_target,
        error_pages=options.error_path,
        kept=_kept(options),
    )
    return model.Gateway(
        listeners=_listeners(options, tls),
        hosts=(model.VirtualHost(names=("*",), stages=_stages(options)),),
        upstreams={},
        before=_before(options),
        trust=_networks(options.trust),
        timeouts=_timeouts(options),
        metrics=_metrics_address(options),
        routing=routing,
        workers=options.workers,
        access_log=options.access_log,
        access_log_format=options.access_log_format,
        said=options.said,
        user=options.user,
    )


def _kept(options: Options) -> model.Redis | str | None:
    redis = None if options.redis is None else shared(options.redis)
    if redis is not None and options.routes_file is not None:
        raise BadOption("routes are kept in Redis or in a file: leave --routes-file out, or --redis and PERIJOVE_REDIS_URL")
    return redis or options.routes_file


def _before(options: Options) -> tuple[Rule, ...]:
    rules = [Rule(PathIs(b"/_chp_healthz"), Respond(200, "application/json", (b'{"status":"OK"}',)))]
    if options.acme_webroot is not None:
        rules.append(answers(options.acme_webroot))
    return tuple(rules)


def _networks(texts: Sequence[str]) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(one) for one in texts if one != "none")
    except ValueError as error:
        raise BadOption(f"--trust takes networks, as 10.0.0.0/8, or `none`: {error}") from None


def _listeners(options: Options, tls: model.TlsServer | None) -> tuple[model.Listener, ...]:
    if options.redirect_port is not None and tls is None:
        raise BadOption("--redirect-port leads to https: add --ssl-cert FILE and --ssl-key FILE")
    if options.socket is not None:
        return (model.Listener(address=model.UnixAddress(options.socket), tls=tls),)
    ip = "" if options.ip == "*" else options.ip
    first = model.Listener(address=model.TcpAddress(ip, options.port), tls=tls)
    if options.redirect_port is None:
        return (first,)
    to = options.redirect_to or options.port
    url: Template = (b"https://", Variable.HOSTNAME, b"" if to == 443 else b":%d" % to, Variable.TARGET)
    stages = model.Stages(route=(Rule(Always(), Redirect(301, url)),))
    nameless = model.Stages(
        route=(Rule(Always(), Respond(400, "text/plain", (b"Whom is this for? It is served by https only.\n",))),)
    )
    hosts = model.VirtualHost(names=("*",), stages=stages), model.VirtualHost(names=("",), stages=nameless)
    return first, model.Listener(address=model.TcpAddress(ip, options.redirect_port), redirect_to=None, hosts=hosts)


def _api_address(options: Options) -> model.Address:
    if options.api_socket is not None:
        return model.UnixAddress(options.api_socket)
    port = options.port + 1 if options.api_port is None else options.api_port
    return model.TcpAddress("" if options.api_ip == "*" else options.api_ip, port)


def _metrics_address(options: Options) -> model.Address | None:
    if options.metrics_socket is not None:
        return model.UnixAddress(options.metrics_socket)
    return None if options.metrics_port is None else model.TcpAddress(options.metrics_ip, options.metrics_port)


def _towards_targets(options: Options) -> model.TlsClient:
    written = options.client_tls
    if written.key is not None and written.cert is None:
        raise BadOption("--client-ssl-key needs its certificate: add --client-ssl-cert FILE")
    return model.TlsClient(
        verify=not options.insecure,
        ca=written.ca,
        cert=written.cert,
        key=written.key,
        ciphers=options.ciphers,
        newest=options.newest_tls,
    )


def _stages(options: Options) -> model.Stages:
    always = Always()
    request = tuple(
        Rule(always, EditField(Operation.SET, _name(name), (_value(name, value),))) for name, value in options.custom_headers
    )
    return model.Stages(route=(Rule(always, ForwardDynamic()),), request=request, response=_maps(options))


def _name(text: str) -> bytes:
    if not _is_name(text):
        raise BadOption(f"--custom-header: `{text}` is no name of a field: letters, digits and hyphens")
    return text.encode("ascii")


def _value(name: str, text: str) -> bytes:
    if any((one < " " and one != "\t") or one == "\x7f" or one > "\xff" for one in text):
        raise BadOption(f"--custom-header: the value of `{name}` has a character that a field cannot have")
    return text.encode("latin-1")


def _maps(options: Options) -> tuple[Rule, ...]:
    """Return what becomes of cookies under https, and of redirects to a target (setRedirectHostRewrite of http-proxy-3)."""
    rules = [Rule(Always(), MapCookie(secure=True))]
    if not options.auto_rewrite and options.protocol_rewrite is None:
        return tuple(rules)
    for scheme in (b"http", b"https"):
        public = scheme if options.protocol_rewrite is None else options.protocol_rewrite.encode("latin-1")
        host = Variable.HOST if options.auto_rewrite else Variable.UPSTREAM
        rules.append(Rule(Always(), MapUrl((scheme + b"://", Variable.UPSTREAM), (public + b"://", host))))
    return tuple(rules)


def _timeouts(options: Options) -> model.Timeouts:
    made = model.Timeouts(grace=options.grace)
    if options.timeout is not None:
        made = replace(made, body=options.timeout, header=options.timeout)
    # --timeout is of a connection on which nothing moves, whoever is to speak.
    silent = min((one for one in (options.timeout, options.proxy_timeout) if one), default=None)
    if silent is not None:
        made = replace(made, response=silent, stream=silent)
    if options.keep_alive_timeout is not None:
        made = replace(made, keepalive=options.keep_alive_timeout)
    return made
