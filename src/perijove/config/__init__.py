"""Texts that people write, and what they mean.

One package for each dialect: `load(source)` gives a gateway, or diagnostics that say why there is none. Knows dialects and
the gateway model. Must not know the engine, sockets or processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perijove.text.diagnostic import Diagnostic, Severity
from perijove.text.source import Source

if TYPE_CHECKING:
    from perijove.gateway.model import Gateway


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that was read: the gateway is None if a diagnostic is an error."""

    source: Source
    gateway: Gateway | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of what was read."""
        return () if self.source.name.startswith("<") else (self.source.name,)


def read(path: str) -> Source | Diagnostic:
    """Return the text of a file (`-` is standard input), or why it cannot be read."""
    try:
        if path == "-":
            import sys

            return Source("<stdin>", sys.stdin.read())
        with open(path, encoding="utf-8") as file:
            return Source(path, file.read())
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 text (octet {error.start})"
    except OSError as error:
        reason = error.strerror or str(error)
    return Diagnostic(
        name="unreadable-file",
        severity=Severity.ERROR,
        message=f"`{path}` cannot be read: {reason}",
        help="give the path of a TOML file, or `-` for standard input",
    )


def load(path: str) -> Loaded:
    """Read a configuration file."""
    source = read(path)
    if isinstance(source, Diagnostic):
        return Loaded(Source(path, ""), None, (source,))
    from perijove.config.toml import load as load_toml

    return load_toml(source)
