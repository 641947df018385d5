"""The dialect of Apache httpd 2.4, as Debian 12 builds it (2.4.71).

`document` is what was written, `reading` what Apache makes of it while it reads: includes, conditions, variables, macros, and
the checks of `apachectl configtest` that need no value. Knows Apache's words and Debian's files. Must not know the engine,
sockets or processes; asks the system for the addresses of names, as Apache does when it reads, and runs no shell.

Octets that are not UTF-8 are kept by the surrogateescape handler of PEP 383: Apache reads octets, people read text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from perijove.config import Loaded
from perijove.text.diagnostic import Severity, has_errors

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from perijove.config.apache.reading import Reading
    from perijove.gateway.model import Gateway
    from perijove.text.diagnostic import Diagnostic
    from perijove.text.source import Source


# What `apachectl configtest` has no objection to, though no server starts with it.
_AT_START = frozenset(("no-certificate", "no-cipher", "no-lbmethod", "no-protocol"))


def load(source: Source, defines: Sequence[str] = (), unenforced: Collection[str] = ()) -> Loaded:
    """Read an Apache configuration.

    Args:
        source: the file that is named to httpd.
        defines: names of `-D`.
        unenforced: directives whose absence is accepted although they keep people out.
    """
    from perijove.config.apache.reading import read

    reading = read(source, defines)
    gateway, found = meaning(source, reading, unenforced)
    starts = not any(one.name in _AT_START for one in found)
    return Loaded(source, None if has_errors(found) else gateway, found, reading.files, False, starts)


def meaning(source: Source, reading: Reading, unenforced: Collection[str] = ()) -> tuple[Gateway, tuple[Diagnostic, ...]]:
    """Return what a configuration means that has been read, whatever is wrong with it, and what is to be said of it."""
    from perijove.config.apache.lower import lower
    from perijove.config.apache.scopes import scopes
    from perijove.config.apache.servers import assume_ports
    from perijove.config.apache.unemulated import ignored, judge

    found: list[Diagnostic] = [*reading.diagnostics, *judge(reading.items, unenforced)]
    server, hosts = scopes(replace(reading, items=ignored(reading.items, unenforced)), found.append)
    if reading.assumed and reading.items:
        assume_ports(server, hosts, source)
    gateway = lower(server, hosts)
    return gateway, tuple(_once(found))


def _once(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Return errors first, each once: what the main server says is looked at for every host."""
    order = list(Severity)
    return sorted(dict.fromkeys(diagnostics), key=lambda one: order.index(one.severity))
