"""`perijove reload`."""

from __future__ import annotations

import sys

import rich_click as click

from perijove.cli.options import running


@click.command(name="reload")
@running
def command(pid: int | None, control: str | None, as_json: bool) -> None:
    """Have a perijove that runs read its configuration, certificates and keys again.

    It waits until that is served, and says what is wrong if it cannot be: then nothing has changed, and the exit status is 1.
    Requests and WebSockets that run keep what they started with.
    """
    import json

    from perijove.server.console import NotFound, ask, find

    try:
        told = ask(control or find(pid), "POST", "/reload")
    except NotFound as error:
        click.echo(f"perijove: {error}", err=True)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        for line in told["why"]:
            click.echo(line, err=True)
        click.echo("reloaded" if told["reloaded"] else "not reloaded: what was served before still is", err=True)
    sys.exit(0 if told["reloaded"] else 1)
