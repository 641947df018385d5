"""What an entry of the tables of messages consists of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from perijove.text.diagnostic import Severity


class Tie(Enum):
    """By what a message leads to the line that is responsible, named as the group of its pattern that has it."""

    PATH = "path"  # what becomes of this path is asked of the tables
    SOCKET = "socket"  # the same, of a WebSocket's handshake
    HOST = "host"  # the virtual host in which this path ends so
    ADDRESS = "address"  # the line whose URL has this host and port
    ORIGIN = "origin"  # the site of this name
    LINE = "line"  # the message names it
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Family:
    """Messages that mean the same.

    `pattern` is searched for in lines that have one of `codes`, which are Apache's, or one of `marks`: so most lines need no
    pattern at all. `confirms` are names of checks whose findings such a message shows to be true.
    """

    name: str
    severity: Severity
    message: str
    pattern: str
    tie: Tie
    means: str
    help: str
    sees: str = ""
    codes: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    confirms: frozenset[str] = frozenset()
    secure: bool = False  # it is about a line that speaks TLS upstream
    quiet: bool = False  # it comes at levels that mostly say that all is well, too

    def search(self, octets: bytes) -> re.Match[bytes] | None:
        """Return what its pattern finds."""
        return re.search(self.pattern.encode(), octets)


def names(text: str) -> frozenset[str]:
    """Return the names of a text."""
    return frozenset(text.split())
