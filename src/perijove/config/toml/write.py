"""The way back: a configuration as TOML with every value that is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tomli_w

from perijove.config.toml.schema import dump

if TYPE_CHECKING:
    from perijove.config.toml.schema import Config


def write(config: Config) -> str:
    """Return a TOML text that serves the same."""
    table = dump(config)
    for key in ("route", "host", "upstream"):
        if not table.get(key):
            table.pop(key, None)
    return tomli_w.dumps(table)
