"""`perijove status`."""

from __future__ import annotations

import sys

import rich_click as click

from perijove.cli.options import running


@click.command(name="status")
@running
def command(pid: int | None, control: str | None, as_json: bool) -> None:
    """Show what a perijove that runs is doing.

    Its workers, listeners, routes and upstreams, what is open, when certificates end, and the last errors. With JSON for
    machines:

        perijove status --json | jq '.upstreams[] | select(.health == "failing")'

    It is asked over its control socket, which only its owner and root may open. The exit status is 1 if there is none to ask,
    or if none of its workers serves.
    """
    import json
    import time

    from perijove.observe.status import table
    from perijove.server.console import NotFound, ask, find

    try:
        found = ask(control or find(pid), "GET", "/status")
    except NotFound as error:
        click.echo(f"perijove: {error}", err=True)
        sys.exit(1)
    click.echo(json.dumps(found, indent=2) if as_json else table(found, time.time()), nl=as_json)
    sys.exit(0 if any(one["serves"] for one in found["workers"]) else 1)
