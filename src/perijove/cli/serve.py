"""`perijove serve`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import rich_click as click

from perijove.cli.garbage import kept
from perijove.cli.options import configuration, one_source, overlaid, table_of, tell

if TYPE_CHECKING:
    from perijove.config import Loaded


def load(file: str | None, options: dict[str, Any]) -> Loaded:
    """Read the file or the options."""
    from perijove import config

    if file is not None:
        return overlaid(config.load(file, options["apache"], options["define"], options["allow_unenforced"]), options)
    from perijove.config.toml import load_table

    return load_table(table_of(options))


@click.command(name="serve")
@configuration
@click.option("--check-config", is_flag=True, help="Only check the configuration: exit status 0 or 1.")
def command(file: str | None, check_config: bool, as_json: bool, **options: Any) -> None:
    """Serve: be the proxy in front of a JupyterHub, in the foreground.

    With nothing but where requests go:

        perijove serve --to http://127.0.0.1:8000

    On the public address, with TLS, at a sub-path:

        perijove serve --to http://127.0.0.1:8000 --mount /jupyter --listen :443
        --tls-cert chain.pem --tls-key key.pem --redirect-http :80

    From a file, which `perijove show-config` can write for you:

        perijove serve hub.toml

    SIGHUP and `perijove reload` read the file again, SIGUSR1 opens the access log anew, SIGTERM and Ctrl-C finish what is
    running and stop.
    """
    one_source(file, options)
    with kept(ends=check_config):
        loaded = load(file, options)
        if check_config:
            _check(loaded, as_json)
    loaded = _starting(loaded)
    tell(loaded.diagnostics, as_json)
    if loaded.gateway is None:
        sys.exit(1)
    from perijove.server.supervisor import run

    sys.exit(run(loaded, lambda: _starting(load(file, options)) if file != "-" else loaded))


def _starting(loaded: Loaded) -> Loaded:
    """Return what is read for a start: without a gateway, and with errors, if none comes of it."""
    from dataclasses import replace

    from perijove.text.diagnostic import Severity

    if loaded.starts:
        return loaded
    said = [
        replace(one, severity=Severity.ERROR) if one.name in ("no-certificate", "no-protocol") else one
        for one in loaded.diagnostics
    ]
    return replace(loaded, gateway=None, diagnostics=tuple(said))


def _check(loaded: Loaded, as_json: bool) -> None:
    from perijove.text.diagnostic import Diagnostic, Severity

    diagnostics = list(loaded.diagnostics)
    sound = loaded.gateway is not None
    if loaded.gateway is not None:
        from perijove.server.worker import CannotServe, check

        try:
            check(loaded.gateway)
        except CannotServe as error:
            sound = error.certificate and not loaded.certificates
            severity = Severity.WARNING if sound else Severity.ERROR
            hint = "`apachectl configtest` has no objection, and no server starts" if sound else ""
            diagnostics.append(Diagnostic(name="cannot-serve", severity=severity, message=str(error), help=hint))
    tell(diagnostics, as_json)
    if sound and not as_json:
        click.echo(f"{loaded.source.name}: Syntax OK", err=True)
    sys.exit(0 if sound else 1)
