"""The command line: one file for each command, and no logic.

Knows options and texts. What a command does is elsewhere, imported when it runs, so that `--help` is quick.
"""

from __future__ import annotations

import importlib

import rich_click as click

_COMMANDS = {
    "serve": "perijove.cli.serve",
    "reload": "perijove.cli.reload",
    "status": "perijove.cli.status",
    "show-config": "perijove.cli.show_config",
    "chp": "perijove.cli.chp",
    "explain": "perijove.cli.explain",
    "check": "perijove.cli.check",
}


class _Commands(click.RichGroup):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _COMMANDS.get(cmd_name)
        return getattr(importlib.import_module(module), "command") if module else None  # noqa: B009


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    import perijove
    from perijove import engine

    click.echo(f"perijove {perijove.__version__}")
    click.echo(f"engine: {engine.KIND}" + (f" ({engine.DETAIL})" if engine.DETAIL else ""))
    ctx.exit()


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.rich_config(help_config=click.RichHelpConfiguration(text_markup="markdown"))
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show version and engine, and exit."
)
def main() -> None:
    """The reverse proxy made for JupyterHub.

    Try it: **perijove serve --to http://127.0.0.1:8000**
    """
