"""The command line: one file for each command, and no logic.

Knows options and texts. What a command does is elsewhere, imported when it runs, so that `--help` is quick.
"""

from __future__ import annotations

import rich_click as click

from perijove.cli.commands import Commands


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    import perijove
    from perijove import engine

    click.echo(f"perijove {perijove.__version__}")
    click.echo(f"engine: {engine.KIND}" + (f" ({engine.DETAIL})" if engine.DETAIL else ""))
    ctx.exit()


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.rich_config(help_config=click.RichHelpConfiguration(text_markup="markdown"))
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show version and engine, and exit."
)
def main() -> None:
    """The reverse proxy made for JupyterHub.

    Try it: **perijove serve --to http://127.0.0.1:8000**
    """
