"""The class that JupyterHub starts and talks to (jupyterhub/proxy.py, ConfigurableHTTPProxy).

The API is configurable-http-proxy's, and its client the hub's own: of that class only what is started differs.
"""

from __future__ import annotations

import sys

from jupyterhub.proxy import ConfigurableHTTPProxy
from traitlets import Bool, Float, Integer, List, Unicode, default


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

    workers = Integer(1, min=0, help="Processes that serve; 0 is one for each core.", config=True)
    trust = List(
        Unicode(),
        help="""
        Proxies in front, whose X-Forwarded-* are believed: networks, as "10.0.0.0/8", or "none".

        Default: this machine and private networks.
        """,
        config=True,
    )
    redirect_port = Integer(
        0, min=0, max=65535, help="A port whose requests are redirected to https; 0 is none. It needs TLS.", config=True
    )
    redirect_to = Integer(
        0,
        min=0,
        max=65535,
        help="The port that `redirect_port` leads to, where it is not the one that is listened on; 0 is that one.",
        config=True,
    )
    acme_webroot = Unicode(
        "", help="Folder of answers to ACME challenges, for `certbot certonly --webroot`; empty is none.", config=True
    )
    routes_file = Unicode(
        "",
        help="File that keeps the routes while the proxy is restarted; empty is none. For one that outlives the hub.",
        config=True,
    )
    access_log = Unicode("", help="File of the access log, `-` for standard error, or `syslog:`; empty is none.", config=True)
    access_log_json = Bool(False, help="Write the access log as JSON, not in Apache's format.", config=True)
    metrics_ip = Unicode("127.0.0.1", help="Where metrics are asked for, with `metrics_port`.", config=True)
    metrics_port = Integer(0, min=0, max=65535, help="Port of /metrics, for Prometheus; 0 is none.", config=True)
    grace = Float(2.0, min=0.0, help="Seconds for which requests may go on when the proxy stops.", config=True)

    @default("command")
    def _default_command(self) -> list[str]:
        return [*self.prefix, *self.options()]

    def options(self) -> list[str]:
        """Return the command line's options that are not of JupyterHub's choice."""
        found = ["--workers", str(self.workers) if self.workers else "auto", "--grace", str(self.grace)]
        for one in self.trust:
            found += ["--trust", one]
        if self.redirect_port:
            found += ["--redirect-port", str(self.redirect_port)]
        if self.redirect_to:
            found += ["--redirect-to", str(self.redirect_to)]
        if self.acme_webroot:
            found += ["--acme-webroot", self.acme_webroot]
        if self.routes_file:
            found += ["--routes-file", self.routes_file]
        if self.access_log:
            found += ["--access-log", self.access_log]
            found += ["--access-log-format", "json" if self.access_log_json else "combined"]
        if self.metrics_port:
            found += ["--metrics-ip", self.metrics_ip, "--metrics-port", str(self.metrics_port)]
        return found
