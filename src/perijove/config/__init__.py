"""Texts that people write, and what they mean.

One package for each dialect: `load(source)` gives a gateway, or diagnostics that say why there is none. Knows dialects and
the gateway model. Must not know the engine, sockets or processes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from perijove.text.diagnostic import Diagnostic, Severity
from perijove.text.source import Source

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from perijove.gateway.model import Gateway


# A section, or a directive and its argument.
_APACHE: Final = re.compile(r"\s*(?:</?[A-Za-z]+|[A-Z][A-Za-z]+[ \t]+[^=\s])").match


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that was read: the gateway is None if a diagnostic is an error."""

    source: Source
    gateway: Gateway | None
    diagnostics: tuple[Diagnostic, ...]
    read: tuple[str, ...] = ()  # paths of further files
    # Whether what is in files of certificates is a part of the configuration; else it is looked at when a server starts.
    certificates: bool = True
    starts: bool = True  # what it means is known, but no server is started by it if this is False: a diagnostic says why

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of what was read."""
        own = () if self.source.name.startswith("<") else (self.source.name,)
        return tuple(dict.fromkeys((*own, *self.read)))


def loaded(name: str, gateway: Gateway) -> Loaded:
    """Return a gateway that was not read from a file, under a name."""
    return Loaded(Source(f"<{name}>", ""), gateway, ())


def read(path: str, octets: bool = False) -> Source | Diagnostic:
    """Return the text of a file (`-` is standard input), or why it cannot be read; `octets` that are no UTF-8 may be in it."""
    errors = "surrogateescape" if octets else "strict"
    try:
        if path == "-":
            import sys

            return Source("<stdin>", sys.stdin.buffer.read().decode("utf-8", errors))
        with open(path, encoding="utf-8", errors=errors, newline="") as file:
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


def load(path: str, apache: bool = False, defines: Sequence[str] = (), unenforced: Collection[str] = ()) -> Loaded:
    """Read a configuration file.

    Args:
        path: of the file; `-` is standard input. One that ends in `.conf` is Apache's.
        apache: it is Apache's whatever it is called.
        defines: names that are defined for Apache's IfDefine.
        unenforced: directives whose absence is accepted although they keep people out.
    """
    apache = apache or path.endswith(".conf")
    source = read(path, apache)
    if isinstance(source, Diagnostic):
        return Loaded(Source(path, ""), None, (source,))
    if apache:
        from perijove.config.apache import load as load_apache

        return load_apache(source, defines, unenforced)
    from perijove.config.toml import load as load_toml

    return _hinted(load_toml(source))


def _hinted(loaded: Loaded) -> Loaded:
    """Return it with what to type if the text is not TOML but looks like Apache's: standard input has no name that tells."""
    if not any(one.name == "toml-syntax" for one in loaded.diagnostics):
        return loaded
    first = next((line for line in loaded.source.text.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    if not _APACHE(first):
        return loaded
    said = (replace(one, help="if it is Apache's, say so: `--apache`") for one in loaded.diagnostics)
    return replace(loaded, diagnostics=tuple(said))
