"""Which commands there are, imported when they are asked for, so that `--help` is quick."""

from __future__ import annotations

import importlib
from difflib import get_close_matches

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


class Commands(click.RichGroup):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names, as `--help` shows them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one, or None if there is none of that name."""
        module = _COMMANDS.get(cmd_name)
        return getattr(importlib.import_module(module), "command") if module else None  # noqa: B009

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """As any group does it, but that a name which is nearly right is told, as it is of options."""
        near = [] if args[0] in _COMMANDS else get_close_matches(args[0], _COMMANDS, 1)
        if near:
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)
