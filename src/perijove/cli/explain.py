"""`perijove explain`."""

from __future__ import annotations

import sys

import rich_click as click

from perijove.cli.garbage import kept
from perijove.cli.options import colours, tell

_REFUSED = 3


@click.command(name="explain")
@click.argument("file", metavar="FILE.toml|FILE.conf")
@click.argument("url", metavar="URL")
@click.option("--method", default="GET", metavar="METHOD", help="Of the request. Default: GET.")
@click.option("--header", "-H", "fields", multiple=True, metavar="'NAME: VALUE'", help="A further field; may be repeated.")
@click.option("--websocket", is_flag=True, help="Ask for a WebSocket, as a kernel's or a terminal's; so do ws:// and wss://.")
@click.option("--from", "source", metavar="IP", help="The client's address, or unix:. Default: 192.0.2.1, somebody elsewhere.")
@click.option("--apache", is_flag=True, help="The file is Apache's, whatever it is called; one that ends in .conf is anyway.")
@click.option("-D", "define", multiple=True, metavar="NAME", help="Define a name for IfDefine in Apache's files; repeatable.")
@click.option(
    "--allow-unenforced",
    multiple=True,
    metavar="DIRECTIVE",
    help="Explain although this directive, which keeps people out, is not emulated; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@kept()
def command(
    file: str,
    url: str,
    method: str,
    fields: tuple[str, ...],
    websocket: bool,
    source: str | None,
    apache: bool,
    define: tuple[str, ...],
    allow_unenforced: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say what would happen to a request, and why: which host, which rules, what goes upstream, what comes back.

    Nothing is sent, and no server need run:

        perijove explain hub.conf https://hub.example.org/hub/login

    Why a notebook's kernel does not connect:

        perijove explain hub.conf https://hub.example.org/user/ann/api/kernels/1/channels --websocket

    What a client gets that asks a forward proxy for a tunnel:

        perijove explain proxy.conf elsewhere.example:443 --method CONNECT

    Exit status: 0 if the request is forwarded or answered, 3 if it is refused, 1 if the file has an error, 2 if
    the command line is wrong.
    """
    from perijove import config
    from perijove.explain.render import data, text
    from perijove.explain.request import ELSEWHERE, request
    from perijove.explain.run import explain

    try:
        asked = request(url, method, fields, websocket, source or ELSEWHERE)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    loaded = config.load(file, apache, define, allow_unenforced)
    if loaded.gateway is None:
        tell(loaded.diagnostics, as_json)
        sys.exit(1)
    found = explain(loaded.gateway, asked)
    if as_json:
        import json

        from perijove.engine.mask import masked_text

        said = {**data(found), "diagnostics": [one.as_json() for one in loaded.diagnostics]}
        click.echo(masked_text(json.dumps(said, indent=2, ensure_ascii=False)))
    else:
        tell(loaded.diagnostics, False)
        colour = colours(sys.stdout)
        click.echo(text(found, colour=colour), nl=False, color=colour)
    sys.exit(_REFUSED if found.outcome == "refused" else 0)
