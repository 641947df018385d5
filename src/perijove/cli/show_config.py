"""`perijove show-config`."""

from __future__ import annotations

import sys
from typing import Any

import rich_click as click

from perijove.cli.options import configuration, one_source, table_of, tell


@click.command(name="show-config")
@configuration
def command(file: str | None, as_json: bool, **options: Any) -> None:
    """Print the configuration that is in force, as TOML that serves the same.

    Every value is there, also those that were left out. To begin a file of your own:

        perijove show-config --to http://127.0.0.1:8000 --mount /jupyter > hub.toml
    """
    from perijove.config import read
    from perijove.config.toml import load, load_table, parse
    from perijove.config.toml.schema import validate
    from perijove.config.toml.write import write
    from perijove.text.diagnostic import Diagnostic
    from perijove.text.source import Source

    one_source(file, options)
    if file is not None and (options["apache"] or file.endswith(".conf")):
        raise click.UsageError(
            f"{file} is Apache's, and TOML cannot say all that it says: `perijove serve {file}` serves it as it is, and "
            f"`perijove explain {file} URL` says what it does"
        )
    if file is not None:
        source = read(file)
        if isinstance(source, Diagnostic):
            tell([source], as_json)
            sys.exit(1)
        loaded = load(source)
        config, _ = parse(source)
    else:
        table = table_of(options)
        loaded = load_table(table)
        config, _ = validate(Source("<options>", ""), table)
    if loaded.diagnostics:
        tell(loaded.diagnostics, as_json)
    if loaded.gateway is None or config is None:
        sys.exit(1)
    click.echo(write(config), nl=False)
