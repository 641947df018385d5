"""Options that `serve` and `show-config` share: a TOML file, or the same in options."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any, Final

import rich_click as click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from perijove.config import Loaded
    from perijove.text.diagnostic import Diagnostic

# What is served: in a file or in options, not in both. How perijove runs: options go with a file, and before it.
_WHAT: Final = ("to", "listen", "mount", "tls", "tls_cert", "tls_key", "redirect_http", "acme_webroot", "trust")
_HOW: Final = ("workers", "user", "watch", "grace", "metrics", "control", "access_log", "access_log_format")

_OPTIONS = (
    click.argument("file", required=False, metavar="[FILE.toml|FILE.conf]"),
    click.option(
        "--apache", is_flag=True, help="The file is Apache's, whatever it is called; one that ends in .conf is anyway."
    ),
    click.option(
        "-D", "define", multiple=True, metavar="NAME", help="Define a name for IfDefine in Apache's files; repeatable."
    ),
    click.option(
        "--allow-unenforced",
        multiple=True,
        metavar="DIRECTIVE",
        help="Serve although this directive, which keeps people out, is not emulated; may be repeated.",
    ),
    click.option("--to", metavar="URL", help="Where requests go: http://HOST:PORT, https://… or unix:PATH."),
    click.option(
        "--listen", multiple=True, metavar="ADDR", help="[HOST]:PORT or unix:PATH; may be repeated. Default: 127.0.0.1:8080."
    ),
    click.option("--mount", metavar="/PATH", help="Serve only what is below this path, which stays in the request."),
    click.option("--tls", type=click.Choice(["self-signed"]), help="Make a certificate, for trying things out."),
    click.option("--tls-cert", metavar="FILE", help="PEM file with certificate and chain."),
    click.option("--tls-key", metavar="FILE", help="PEM file with the key; may be left out if it is in the same file."),
    click.option("--redirect-http", metavar="ADDR", help="Accept plain HTTP here and redirect it to https, e.g. :80."),
    click.option(
        "--acme-webroot", metavar="DIR", help="Serve the answers to ACME challenges from here, for certbot --webroot."
    ),
    click.option(
        "--trust",
        multiple=True,
        metavar="CIDR",
        help="Proxies in front, whose X-Forwarded-* are believed; may be repeated; `none` is the default.",
    ),
    click.option("--workers", metavar="N", help="Processes that serve, or `auto`: one for each core. Default: 1."),
    click.option("--user", metavar="NAME[:GROUP]", help="Whom the processes that serve run as, where this one is root."),
    click.option("--watch", is_flag=True, help="Reload when the file changes."),
    click.option("--grace", metavar="SECONDS", help="For which running exchanges may go on at the end. Default: 30."),
    click.option("--metrics", metavar="ADDR", help="Where monitoring asks for /metrics, /healthz and /readyz."),
    click.option("--control", metavar="PATH", help="Unix socket for `perijove status` and `perijove reload`."),
    click.option("--access-log", metavar="FILE", help="A file, - for standard error, or syslog: for the system's log."),
    click.option("--access-log-format", type=click.Choice(["combined", "json"]), help="Of its lines. Default: combined."),
    click.option("--json", "as_json", is_flag=True, help="Print diagnostics as JSON."),
)


def configuration(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def running(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options by which a perijove that runs is found."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--control", metavar="PATH", help="Its control socket, where it has been given one."),
        click.option("--pid", type=int, help="Its pid, where more than one runs."),
    ):
        command = option(command)
    return command


def table_of(options: dict[str, Any]) -> dict[str, Any]:
    """Return what the options say, as the TOML file would say it.

    Raises:
        click.UsageError: the options contradict each other.
    """
    table: dict[str, Any] = {}
    if options["listen"]:
        table["listen"] = list(options["listen"])
    if options["mount"] is not None:
        mount = "/" + options["mount"].strip("/")
        table["route"] = [{"path": mount if mount == "/" else mount + "/", "to": options["to"]}]
    else:
        table["to"] = options["to"]
    cert, key = options["tls_cert"], options["tls_key"]
    if options["tls"] and (cert or key):
        raise click.UsageError("--tls self-signed makes a certificate: leave out --tls-cert and --tls-key")
    if key and not cert:
        raise click.UsageError("--tls-key needs its certificate: add --tls-cert FILE")
    if options["tls"]:
        table["tls"] = {"self-signed": True}
    elif cert or key:
        table["tls"] = {name: value for name, value in (("cert", cert), ("key", key or cert)) if value is not None}
    if options["redirect_http"] is not None:
        table["redirect-http"] = options["redirect_http"]
    if options["acme_webroot"] is not None:
        table["acme-webroot"] = options["acme_webroot"]
    trust = [one for one in options["trust"] if one != "none"]
    if trust:
        table["trust"] = trust
    return table | _process(options)


def _process(options: dict[str, Any]) -> dict[str, Any]:
    """Return what the options say of how perijove runs, as the TOML file would say it."""
    table: dict[str, Any] = {name: options[name] for name in _HOW if options[name] and name != "grace"}
    if options["workers"] is not None:
        table["workers"] = int(options["workers"]) if options["workers"].isdecimal() else options["workers"]
    if options["grace"] is not None:
        try:
            table["timeouts"] = {"grace": float(options["grace"])}
        except ValueError:  # "75s" and the like
            table["timeouts"] = {"grace": options["grace"]}
    return {name.replace("_", "-"): value for name, value in table.items()}


def overlaid(loaded: Loaded, options: dict[str, Any]) -> Loaded:
    """Return a configuration that was read from a file with what the options say of how perijove runs."""
    from dataclasses import replace

    from perijove.config.toml import load_table

    table = _process(options)
    if not table or loaded.gateway is None:
        return loaded
    said = load_table({"to": "http://localhost", **table})
    if said.gateway is None:
        return replace(loaded, gateway=None, diagnostics=(*loaded.diagnostics, *said.diagnostics))
    gateway = replace(
        loaded.gateway, **{name: getattr(said.gateway, name) for name in _HOW if options[name] and name != "grace"}
    )
    if options["grace"] is not None:
        gateway = replace(gateway, timeouts=replace(gateway.timeouts, grace=said.gateway.timeouts.grace))
    return replace(loaded, gateway=gateway)


def given(options: dict[str, Any]) -> list[str]:
    """Return the spellings of the options that were used which say what is served."""
    return [f"--{name.replace('_', '-')}" for name in _WHAT if options[name]]


def one_source(file: str | None, options: dict[str, Any]) -> None:
    """Check that there is one configuration, not none and not two.

    Raises:
        click.UsageError: it says what to type.
    """
    used = given(options)
    if file is not None and used:
        raise click.UsageError(f"{used[0]} and a file are two configurations: write it into {file}, or leave the file out")
    if file is None and not options["to"]:
        raise click.UsageError(
            "say where requests go: `perijove serve --to http://127.0.0.1:8000`, or name a file: `perijove serve hub.toml`"
        )


def colours(stream: IO[str]) -> bool:
    """Tell whether to colour what is written there: on a terminal, unless NO_COLOR is set and not empty (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def tell(diagnostics: Iterable[Diagnostic], as_json: bool) -> None:
    """Print diagnostics: on standard error for people, as JSON on standard output."""
    from perijove.engine.mask import masked_text
    from perijove.text.diagnostic import render

    if as_json:
        import json

        click.echo(masked_text(json.dumps({"diagnostics": [one.as_json() for one in diagnostics]}, indent=2)))
        return
    import sys

    colour = colours(sys.stderr)
    for one in diagnostics:
        click.echo(masked_text(render(one, colour=colour)), err=True, color=colour)
