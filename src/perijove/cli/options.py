"""Options that `serve` and `show-config` share: a TOML file, or the same in options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from perijove.text.diagnostic import Diagnostic

_OPTIONS = (
    click.argument("file", required=False, metavar="[FILE.toml]"),
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
        "--trust",
        multiple=True,
        metavar="CIDR",
        help="Proxies in front, whose X-Forwarded-* are believed; may be repeated; `none` is the default.",
    ),
    click.option("--workers", metavar="N", help="Processes that serve, or `auto`: one for each core. Default: 1."),
    click.option("--access-log", metavar="FILE", help="Apache's combined format; - is standard error."),
    click.option("--json", "as_json", is_flag=True, help="Print diagnostics as JSON."),
)


def configuration(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
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
    for name in ("redirect_http", "access_log"):
        if options[name] is not None:
            table[name.replace("_", "-")] = options[name]
    if options["workers"] is not None:
        table["workers"] = int(options["workers"]) if options["workers"].isdecimal() else options["workers"]
    trust = [one for one in options["trust"] if one != "none"]
    if trust:
        table["trust"] = trust
    return table


def given(options: dict[str, Any]) -> list[str]:
    """Return the spellings of the configuration options that were used."""
    names = ("to", "listen", "mount", "tls", "tls_cert", "tls_key", "redirect_http", "trust", "workers", "access_log")
    return [f"--{name.replace('_', '-')}" for name in names if options[name]]


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


def tell(diagnostics: Iterable[Diagnostic], as_json: bool) -> None:
    """Print diagnostics: on standard error for people, as JSON on standard output."""
    from perijove.text.diagnostic import render

    if as_json:
        import json

        click.echo(json.dumps({"diagnostics": [one.as_json() for one in diagnostics]}, indent=2))
        return
    import sys

    colour = sys.stderr.isatty()
    for one in diagnostics:
        click.echo(render(one, colour=colour), err=True, color=colour)
