"""`perijove chp`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import rich_click as click
from click.core import ParameterSource
from click.globals import get_current_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.config.chp import Options, Tls
    from perijove.config.redis import Redis
    from perijove.server.loaded import Renewing
    from perijove.server.supervisor import Supervisor


_LEVELS: Final = {"debug": 10, "info": 20, "warn": 30, "error": 40}  # of --log-level, as Python's `logging` has them
_PROTOCOLS: Final = ("TLSv1_2", "TLS", "SSLv23")  # as Node.js calls them: the last two are whatever both sides speak


def _tls_options(prefix: str, whose: str) -> list[Any]:
    return [
        click.option(f"--{prefix}-key", metavar="FILE", help=f"PEM file with the key {whose}."),
        click.option(f"--{prefix}-cert", metavar="FILE", help=f"PEM file with the certificate {whose}."),
        click.option(f"--{prefix}-ca", metavar="FILE", help=f"PEM file of authorities that vouch for the other side {whose}."),
        click.option(f"--{prefix}-request-cert", is_flag=True, help=f"Ask for certificates {whose}."),
        click.option(f"--{prefix}-reject-unauthorized", is_flag=True, help=f"Refuse those without a good one {whose}."),
    ]


_OPTIONS = [
    click.option("--ip", default="", metavar="IP", help="Where the public side listens. Default: all addresses."),
    click.option("--port", type=int, default=8000, help="Of the public side. Default: 8000."),
    click.option("--socket", metavar="PATH", help="A Unix socket in place of IP and port."),
    *_tls_options("ssl", "of the public side"),
    click.option("--ssl-ciphers", metavar="LIST", help="Ciphers of TLS 1.2 on all sides, as OpenSSL writes them."),
    click.option(
        "--ssl-protocol", metavar="NAME", help="TLSv1_2 for that alone on all sides, TLS for 1.2 and 1.3, as without."
    ),
    click.option("--ssl-allow-rc4", is_flag=True, help="Without effect: OpenSSL knows RC4 no more."),
    click.option("--ssl-dhparam", metavar="FILE", help="PEM file of Diffie-Hellman parameters, for ciphers that need them."),
    click.option("--api-ip", default="localhost", metavar="IP", help="Where the API listens. Default: localhost."),
    click.option("--api-port", type=int, help="Of the API. Default: the public port + 1."),
    click.option("--api-socket", metavar="PATH", help="A Unix socket in place of the API's IP and port."),
    *_tls_options("api-ssl", "of the API"),
    *_tls_options("client-ssl", "towards targets"),
    click.option("--default-target", metavar="URL", help="Where requests go that no route is for."),
    click.option("--error-target", metavar="URL", help="Whom to ask for pages of errors: URL/404?url=…"),
    click.option("--error-path", metavar="DIR", help="Folder with pages of errors: 404.html, 503.html, error.html."),
    click.option("--redirect-port", type=int, help="A port whose requests are redirected to https."),
    click.option("--redirect-to", type=int, help="The port they are redirected to, if not --port."),
    click.option("--pid-file", metavar="FILE", help="Write the pid here."),
    click.option("--no-x-forward", is_flag=True, help="Tell targets nothing of the client by X-Forwarded-*."),
    click.option("--no-prepend-path", is_flag=True, help="Leave the paths of targets out of requests."),
    click.option("--no-include-prefix", is_flag=True, help="Leave the prefix of the route out of requests."),
    click.option("--auto-rewrite", is_flag=True, help="Change host and port in redirects to what the client asked for."),
    click.option("--change-origin", is_flag=True, help="Send the target's host as Host, not the client's."),
    click.option("--protocol-rewrite", type=click.Choice(["http", "https"]), help="The scheme of redirects."),
    click.option("--custom-header", multiple=True, metavar="NAME:VALUE", help="A field to set in requests; may be repeated."),
    click.option("--insecure", is_flag=True, help="Do not check certificates of targets."),
    click.option("--host-routing", is_flag=True, help="The first segment of a route is the host."),
    click.option("--metrics-ip", default="", metavar="IP", help="Where metrics are asked for."),
    click.option("--metrics-port", type=int, help="Of metrics. Default: there are none."),
    click.option("--metrics-socket", metavar="PATH", help="A Unix socket in place of the metrics' IP and port."),
    click.option("--log-level", default="info", metavar="LEVEL", help="debug, info, warn or error. Default: info."),
    click.option("--timeout", type=int, metavar="MS", help="For which a client may be silent in the middle of a request."),
    click.option("--proxy-timeout", type=int, metavar="MS", help="For which a target may be silent."),
    click.option("--storage-backend", metavar="MODULE", help="Not possible: that is a module of Node.js."),
    click.option("--keep-alive-timeout", type=int, metavar="MS", help="For which an idle connection is kept."),
    click.option(
        "--trust",
        multiple=True,
        metavar="CIDR",
        help="Proxies in front, whose X-Forwarded-* are believed; may be repeated; `none` is nobody. "
        "Default: this machine and private networks. (perijove's own)",
    ),
    click.option("--workers", metavar="N", default="1", help="Processes that serve, or `auto`. (perijove's own)"),
    click.option(
        "--grace", type=float, default=2.0, metavar="SECONDS", help="For which requests may go on at the end. (perijove's own)"
    ),
    click.option(
        "--redis",
        metavar="URL",
        help="Share routes with other perijoves: redis://HOST:PORT/DB, rediss://… or unix:///PATH. "
        "Put a URL with a password into PERIJOVE_REDIS_URL instead. (perijove's own, as all that follow)",
    ),
    click.option("--redis-prefix", default="perijove", metavar="NAME", help="Of keys: one for each hub. Default: perijove."),
    click.option("--redis-ca", metavar="FILE", help="PEM file of authorities that vouch for Redis."),
    click.option("--redis-cert", metavar="FILE", help="PEM file with the certificate to show to Redis."),
    click.option("--redis-key", metavar="FILE", help="PEM file with its key."),
    click.option(
        "--redis-sentinel", multiple=True, metavar="HOST:PORT", help="A sentinel that knows where it is; may be repeated."
    ),
    click.option("--redis-service", metavar="NAME", help="The name that sentinels know it by."),
    click.option("--routes-file", metavar="FILE", help="Keep routes here, so that a restart knows them."),
    click.option("--acme-webroot", metavar="DIR", help="Answers to ACME challenges, for certbot --webroot. (perijove's own)"),
    click.option(
        "--access-log", metavar="FILE", help="A file, - for standard error, or syslog: for the system's. (perijove's own)"
    ),
    click.option("--access-log-format", type=click.Choice(["combined", "json"]), default="combined", help="(perijove's own)"),
    click.option(
        "--log-format",
        type=click.Choice(["chp", "jupyterhub", "json"]),
        default="chp",
        help="Lines as configurable-http-proxy's, as the hub's own, or JSON. (perijove's own)",
    ),
    click.option("--json", "as_json", is_flag=True, help="The same as --log-format json. (perijove's own)"),
    click.option("--user", metavar="NAME", help="Whom workers run as: NAME or NAME:GROUP. (perijove's own)"),
]


def _with_options(command: Any) -> Any:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        import perijove

        click.echo(f"perijove {perijove.__version__} as configurable-http-proxy 5")
        ctx.exit()


@click.command(name="chp", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-V", "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show it, and exit.")
@_with_options
def command(pid_file: str | None, **written: Any) -> None:
    """Be JupyterHub's own proxy: configurable-http-proxy's command line and REST API, without Node.js.

    In jupyterhub_config.py:

        c.ConfigurableHTTPProxy.command = ["perijove", "chp"]

    The API's token is the environment variable CONFIGPROXY_AUTH_TOKEN; the passwords of keys are CONFIGPROXY_SSL_KEY_PASSPHRASE
    and CONFIGPROXY_API_SSL_KEY_PASSPHRASE. SIGTERM and Ctrl-C stop it.
    """
    from perijove.api import log
    from perijove.api.listen import serve
    from perijove.config import chp, loaded
    from perijove.config.options import BadOption
    from perijove.server.supervisor import run

    context = get_current_context()
    try:
        for option in ("ip", "port"):
            if written["socket"] is not None and context.get_parameter_source(option) is ParameterSource.COMMANDLINE:
                raise BadOption(f"--socket and --{option} say two different things: leave one out")
        options = _options(written)
        gateway = chp.gateway(options)
    except BadOption as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    log.begin(options.said)
    found = loaded("chp", gateway)

    async def beside(of: Supervisor) -> Sequence[Renewing]:
        listening = await serve(of)
        log.started(options, gateway)  # whoever waits for these words asks at once
        return listening

    if pid_file is None:
        sys.exit(run(found, lambda: found, beside))
    try:
        with open(pid_file, "w") as file:
            file.write(str(os.getpid()))
    except OSError as error:
        click.echo(f"error: --pid-file `{pid_file}` cannot be written: {error.strerror}", err=True)
        sys.exit(1)
    try:
        status = run(found, lambda: found, beside)
    finally:
        with suppress(OSError):  # somebody was faster
            os.unlink(pid_file)
    sys.exit(status)


def _options(written: dict[str, Any]) -> Options:
    """Return what was written as what is meant by it.

    Raises:
        BadOption: it means nothing.
    """
    from perijove.config import chp
    from perijove.config.options import BadOption
    from perijove.config.toml import values
    from perijove.gateway.model import Form, LogFormat, Said

    if written["storage_backend"] is not None:
        raise BadOption("--storage-backend names a module of Node.js, which is not here: see --redis and --routes-file")
    protocol = written["ssl_protocol"] or "TLS"
    if protocol not in _PROTOCOLS:
        raise BadOption(f"--ssl-protocol {protocol} is not spoken: leave it out for TLS 1.2 and 1.3")
    headers: list[tuple[str, str]] = []
    for one in written["custom_header"]:
        name, colon, value = one.partition(":")
        if not colon or not name.strip():
            raise BadOption(f"A colon was expected in custom header: {one}")
        headers.append((name.strip(), value.strip()))
    workers = written["workers"]
    if workers != "auto" and not (workers.isdecimal() and int(workers) > 0):
        raise BadOption(f"--workers takes a number, or `auto`, not `{workers}`")
    redis = _redis(written)
    log = written["access_log"]
    same = [
        *("ip", "port", "socket", "api_ip", "api_port", "api_socket", "insecure", "default_target", "error_target"),
        *("error_path", "redirect_port", "redirect_to", "auto_rewrite", "change_origin", "protocol_rewrite"),
        *("host_routing", "metrics_ip", "metrics_port", "metrics_socket", "acme_webroot", "routes_file", "user"),
    ]
    return chp.Options(
        **{name: written[name] for name in same},
        tls=_tls(written, "ssl", "CONFIGPROXY_SSL_KEY_PASSPHRASE"),
        ciphers=written["ssl_ciphers"],
        dhparam=written["ssl_dhparam"],
        newest_tls=protocol != "TLSv1_2",
        api_tls=_tls(written, "api_ssl", "CONFIGPROXY_API_SSL_KEY_PASSPHRASE"),
        client_tls=_tls(written, "client_ssl"),
        token=os.environ.get("CONFIGPROXY_AUTH_TOKEN", ""),
        x_forward=not written["no_x_forward"],
        prepend_path=not written["no_prepend_path"],
        include_prefix=not written["no_include_prefix"],
        custom_headers=tuple(headers),
        timeout=_seconds(written["timeout"]),
        proxy_timeout=_seconds(written["proxy_timeout"]),
        keep_alive_timeout=_seconds(written["keep_alive_timeout"]),
        trust=written["trust"] or chp.PRIVATE,
        workers=0 if workers == "auto" else int(workers),
        grace=written["grace"],
        redis=redis,
        access_log=None if log is None else values.log_target(log),
        access_log_format=LogFormat(written["access_log_format"]),
        said=Said(
            _LEVELS.get(written["log_level"].lower(), _LEVELS["info"]),
            Form.JSON if written["as_json"] else Form(written["log_format"]),
        ),
    )


def _redis(written: dict[str, Any]) -> Redis:
    """Return which Redis is meant, and see that it can be spoken to.

    Raises:
        BadOption: the package is missing.
    """
    from importlib.util import find_spec

    from perijove.config.options import BadOption
    from perijove.config.redis import Redis

    made = Redis(
        url=written["redis"] or os.environ.get("PERIJOVE_REDIS_URL", ""),
        **{name: written[f"redis_{name}"] for name in ("prefix", "ca", "cert", "key", "service")},
        sentinels=written["redis_sentinel"],
        sentinel_password=os.environ.get("PERIJOVE_REDIS_SENTINEL_PASSWORD", ""),
    )
    if (made.url or made.sentinels) and find_spec("redis") is None:
        raise BadOption("--redis needs a package that is not there; type:  pip install 'perijove[redis]'")
    if "@" in (written["redis"] or ""):
        click.echo(
            "warning: whoever lists processes sees the password of --redis: put the URL into PERIJOVE_REDIS_URL", err=True
        )
    return made


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _tls(written: dict[str, Any], prefix: str, secret: str = "") -> Tls:
    """Return the options of one side; `secret` is the environment variable with the password of its key."""
    from perijove.config.chp import Tls

    names = ("key", "cert", "ca", "request_cert", "reject_unauthorized")
    return Tls(**{name: written[f"{prefix}_{name}"] for name in names}, password=os.environ.get(secret, "") if secret else "")
