"""The class that JupyterHub starts and talks to (jupyterhub/proxy.py, ConfigurableHTTPProxy).

The API is configurable-http-proxy's, and its client the hub's own: of that class only what is started differs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy
from traitlets import Bool, Dict, Enum, Float, Integer, List, TraitType, Unicode, default

_REDIS = "PERIJOVE_REDIS_URL"  # perijove reads it there: whoever lists processes sees what is on a command line


def _seconds(value: float) -> str:
    return str(round(value * 1000))  # which options have as milliseconds


def _processes(value: int) -> str:
    return str(value) if value else "auto"


def _field(pair: tuple[str, str]) -> str:
    return f"{pair[0]}: {pair[1]}"


def _option(trait: TraitType[Any, Any], option: str, **how: Any) -> Any:
    """Have a trait written as an option of the command, where it has a value.

    Args:
        trait: of the class.
        option: of `perijove chp`; a list has it repeated, a truth is a flag.
        how: `write` makes the option's value of the trait's, or of one of its values; `always` is said whatever it is.
    """
    return trait.tag(config=True, option=option, **how)


class PerijoveProxy(ConfigurableHTTPProxy):
    """JupyterHub's own proxy, and the public one: no Node.js, no second proxy.

    In jupyterhub_config.py:

        c.JupyterHub.proxy_class = "perijove"

    With TLS and a redirection from http, on one machine this is all that is needed in front of the hub:

        c.JupyterHub.bind_url = "https://:443"
        c.JupyterHub.ssl_cert = "/etc/letsencrypt/live/hub.example.org/fullchain.pem"
        c.JupyterHub.ssl_key = "/etc/letsencrypt/live/hub.example.org/privkey.pem"
        c.PerijoveProxy.redirect_port = 80
        c.PerijoveProxy.acme_webroot = "/var/www/acme"

    A proxy that is started by somebody else, as a systemd unit, outlives the hub, and a restart of the hub cuts nothing:

        c.PerijoveProxy.should_start = False
        c.PerijoveProxy.api_url = "http://127.0.0.1:8001"
        c.PerijoveProxy.auth_token = "…"
    """

    prefix = (sys.executable, "-P", "-m", "perijove", "chp")  # of the command

    # ------------------------------------------------------------------ processes

    workers = _option(
        Integer(1, min=0, help="Processes that serve; 0 is one for each core."), "--workers", write=_processes, always=True
    )
    user = _option(
        Unicode(
            help="""
            Whom the processes that serve run as, where the hub is root's: NAME or NAME:GROUP.

            Such a user must be allowed to read perijove's own files, and to open the sockets of users' servers that have one.
            Empty: as the hub.
            """
        ),
        "--user",
    )
    grace = _option(
        Float(2.0, min=0.0, help="Seconds for which requests may go on when the proxy stops."), "--grace", always=True
    )

    # ------------------------------------------------------------------ the public side

    trust = _option(
        List(
            Unicode(),
            help="""
            Proxies in front, whose X-Forwarded-* are believed: networks, as "10.0.0.0/8", or "none".

            Default: this machine and private networks.
            """,
        ),
        "--trust",
    )
    redirect_port = _option(
        Integer(0, min=0, max=65535, help="A port whose requests are redirected to https; 0 is none. It needs TLS."),
        "--redirect-port",
    )
    redirect_to = _option(
        Integer(
            0,
            min=0,
            max=65535,
            help="The port that `redirect_port` leads to, where it is not the one that is listened on; 0 is that one.",
        ),
        "--redirect-to",
    )
    acme_webroot = _option(
        Unicode(help="Folder of answers to ACME challenges, for `certbot certonly --webroot`; empty is none."), "--acme-webroot"
    )
    ssl_ciphers = _option(Unicode(help="Ciphers of TLS 1.2, as OpenSSL writes them; empty are its own."), "--ssl-ciphers")
    ssl_protocol = _option(
        Enum(["", "TLS", "TLSv1_2"], "", help="`TLSv1_2` is that alone; else TLS 1.3, too."), "--ssl-protocol"
    )
    ssl_dhparam = _option(
        Unicode(help="PEM file of Diffie-Hellman parameters, for ciphers that need them; empty is none."), "--ssl-dhparam"
    )
    ssl_ca = _option(Unicode(help="PEM file of authorities that vouch for browsers' certificates; empty is none."), "--ssl-ca")
    ssl_request_cert = _option(
        Bool(False, help="Whether browsers are asked for a certificate, and not served without one."), "--ssl-request-cert"
    )
    timeout = _option(
        Float(
            0.0, min=0.0, help="Seconds for which a client may be silent in the middle of a request; 0 is the default of each."
        ),
        "--timeout",
        write=_seconds,
    )
    keep_alive_timeout = _option(
        Float(0.0, min=0.0, help="Seconds for which an idle connection is kept; 0 is perijove's default."),
        "--keep-alive-timeout",
        write=_seconds,
    )

    # ------------------------------------------------------------------ towards the hub and users' servers

    proxy_timeout = _option(
        Float(0.0, min=0.0, help="Seconds for which a server may be silent before it has answered; 0 is perijove's default."),
        "--proxy-timeout",
        write=_seconds,
    )
    custom_headers = _option(
        Dict(
            value_trait=Unicode(),
            key_trait=Unicode(),
            help='Fields that all requests have when they go on: {"X-Name": "value"}.',
        ),
        "--custom-header",
        write=_field,
    )
    insecure = _option(Bool(False, help="Do not check the certificates of servers."), "--insecure")

    # ------------------------------------------------------------------ routes that outlive the proxy

    routes_file = _option(
        Unicode(help="File that keeps the routes while the proxy is restarted; empty is none. For one that outlives the hub."),
        "--routes-file",
    )
    redis_url = Unicode(
        help="""
        Redis or Valkey in which several perijoves share their routes: redis://HOST:PORT/DB, rediss://… or unix:///PATH.

        It may have a password: the proxy is told by its environment. Empty: that of PERIJOVE_REDIS_URL, or none.
        """,
        config=True,
    )
    redis_prefix = _option(
        Unicode(help="What keys in Redis begin with: one for each hub. Default: perijove."), "--redis-prefix"
    )
    redis_ca = _option(Unicode(help="PEM file of authorities that vouch for Redis; empty are the system's."), "--redis-ca")
    redis_cert = _option(Unicode(help="PEM file with the certificate to show to Redis; empty is none."), "--redis-cert")
    redis_key = _option(Unicode(help="PEM file with its key."), "--redis-key")
    redis_sentinels = _option(List(Unicode(), help="Sentinels that know where Redis is, each HOST:PORT."), "--redis-sentinel")
    redis_service = _option(Unicode(help="The name that sentinels know it by."), "--redis-service")

    # ------------------------------------------------------------------ what is told

    log_format = _option(
        Enum(
            ["jupyterhub", "chp", "json"],
            "jupyterhub",
            help="How lines of the proxy's log are written: as the hub's own, as configurable-http-proxy's, or as JSON.",
        ),
        "--log-format",
        always=True,
    )
    access_log = _option(
        Unicode(help="File of the access log, `-` for standard error, or `syslog:`; empty is none."), "--access-log"
    )
    access_log_json = _option(
        Bool(False, help="Write the access log as JSON, not in Apache's format."),
        "--access-log-format",
        write=lambda _: "json",
    )
    metrics_ip = Unicode("127.0.0.1", help="Where metrics are asked for, with `metrics_port`.", config=True)
    metrics_port = _option(Integer(0, min=0, max=65535, help="Port of /metrics, for Prometheus; 0 is none."), "--metrics-port")
    metrics_socket = _option(Unicode(help="Unix socket of /metrics, in place of a port; empty is none."), "--metrics-socket")

    extra_options = List(
        Unicode(), help='Further options of `perijove chp`, which has them all: ["--change-origin"].', config=True
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not self.should_start:
            given = [name for name in self.trait_names(option=lambda option: option is not None) if name in self._given()]
            if given:
                self.log.warning(
                    "Without effect, since the proxy is started by somebody else (should_start is False): "
                    f"{', '.join(f'PerijoveProxy.{name}' for name in given)}. They are options of its command"
                )

    def _given(self) -> set[str]:
        return {name for one in type(self).mro() for name in self.config.get(one.__name__, {})}

    @default("command")
    def _default_command(self) -> list[str]:
        return list(self.prefix)

    def options(self) -> list[str]:
        """Return the command line's options that are not of JupyterHub's choice."""
        found: list[str] = []
        for name, trait in self.traits(option=lambda option: option is not None).items():
            value, option = getattr(self, name), trait.metadata["option"]
            write = trait.metadata.get("write", str)
            if isinstance(value, list | dict):
                for one in value.items() if isinstance(value, dict) else value:
                    found += [option, write(one)]
            elif value is True and "write" not in trait.metadata:
                found.append(option)
            elif value or trait.metadata.get("always"):
                found += [option, write(value)]
        if self.metrics_port:
            found += ["--metrics-ip", self.metrics_ip]
        return [*found, *self.extra_options]

    async def start(self) -> None:
        """Start it. The traits' options are added to `command`, whoever has set that."""
        command = self.command
        self.set_trait("command", [*command, *self.options()])
        try:
            with _environment(_REDIS, self.redis_url):
                await super().start()
        finally:
            self.set_trait("command", command)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Have a variable in this process' environment, which the hub copies for the proxy when it starts it."""
    before = os.environ.get(name)
    if value:
        os.environ[name] = value
    try:
        yield
    finally:
        if value and before is None:
            del os.environ[name]
        elif before is not None:
            os.environ[name] = before
