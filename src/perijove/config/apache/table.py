"""The table of Apache's directives, read from `directives.tsv`, which scripts/apache_directives.py makes from a real httpd.

Knows names, modules, how arguments are taken and where a directive may stand. Must not know how a file is read.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from perijove.config.apache.words import fold


class How(enum.Enum):
    """How a directive takes its arguments: `enum cmd_how` of httpd's http_config.h."""

    RAW_ARGS = "RAW_ARGS"
    TAKE1 = "TAKE1"
    TAKE2 = "TAKE2"
    ITERATE = "ITERATE"
    ITERATE2 = "ITERATE2"
    FLAG = "FLAG"
    NO_ARGS = "NO_ARGS"
    TAKE12 = "TAKE12"
    TAKE3 = "TAKE3"
    TAKE23 = "TAKE23"
    TAKE123 = "TAKE123"
    TAKE13 = "TAKE13"
    TAKE_ARGV = "TAKE_ARGV"


class Where(enum.IntFlag):
    """Where a directive may stand, and when it is carried out: the same bits as in http_config.h."""

    LIMIT = 1
    OPTIONS = 2
    FILEINFO = 4
    AUTHCFG = 8
    INDEXES = 16
    ALL = 31
    ACCESS_CONF = 64
    RSRC_CONF = 128
    EXEC_ON_READ = 256
    PROXY_CONF = 2048


@dataclass(frozen=True, slots=True)
class Command:
    """A directive that a module has: `within` are the kinds of sections that its function refuses, `about` its own help."""

    name: str
    module: str
    how: How
    where: int
    within: frozenset[str]
    about: str
    # Whether it is carried out while the file is read, before anything is checked.
    at_once: bool


class Table(NamedTuple):
    """All of it: commands by their names in small letters, and the source files of modules."""

    commands: dict[str, tuple[Command, ...]]
    sources: dict[str, str]


@cache
def table() -> Table:
    """Return the table."""
    commands: dict[str, list[Command]] = {}
    sources: dict[str, str] = {}
    module = ""
    for line in files(__package__).joinpath("directives.tsv").read_text(encoding="utf-8").splitlines():
        first, second, *rest = line.split("\t")
        if first:
            module, sources[second] = second, rest[0]
            continue
        how, where, within, about = rest
        kinds = frozenset(filter(None, within.split(",")))
        command = Command(
            second, module, How(how), int(where), kinds, about.replace("\\n", "\n"), int(where) & Where.EXEC_ON_READ > 0
        )
        commands.setdefault(fold(second), []).append(command)
    return Table({name: tuple(its) for name, its in commands.items()}, sources)
