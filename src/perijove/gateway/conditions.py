"""Conditions of rules.

Knows what may be asked. Must not know how it is spelt anywhere, nor how it is found out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Network

from perijove.gateway.templates import Template

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression for octets, in the spelling of Python's `re`, which is searched for (not matched whole)."""

    pattern: bytes
    groups: int = 0
    guarded: bool = False  # it might take very long on some texts: run it under a limit
    source: str = ""  # as it was written, for those who read


@dataclass(frozen=True, slots=True)
class Always:
    """Every request."""


@dataclass(frozen=True, slots=True)
class PathPrefix:
    """Paths under a prefix, by whole segments: `/a` has `/a` and `/a/b`, not `/ab`; `/a/` has only what is below.

    `merged`: any number of slashes in a path is as good as one.
    """

    prefix: bytes
    merged: bool = False


@dataclass(frozen=True, slots=True)
class PathIs:
    """One path."""

    path: bytes


@dataclass(frozen=True, slots=True)
class PathMatches:
    """Paths in which a pattern is found. Its groups are the rule's captures.

    `merged`: any number of slashes in a path is as good as one.
    """

    pattern: Pattern
    names: tuple[tuple[int, bytes], ...] = ()  # groups that become notes, by number
    merged: bool = False


@dataclass(frozen=True, slots=True)
class Matches:
    """Texts in which a pattern is found.

    `captures`: its groups are the rule's captures. `keeps`: they are kept for this rule and those behind.
    """

    subject: Template
    pattern: Pattern
    captures: bool = False
    keeps: bool = False


class Setting(Enum):
    """What can be different from place to place."""

    PRESERVE_HOST = "preserve-host"
    FORWARDED_FIELDS = "forwarded-fields"  # whether the fields that tell of the client are added
    OVERRIDE_ERRORS = "override-errors"  # statuses of the upstream that are answered with our pages
    PAGES = "pages"  # of errors: pairs of status and `actions.Page`, beside those that were set before for other statuses
    RESPONSE_TIMEOUT = "response-timeout"  # seconds
    UPGRADES = "upgrades"  # how a WebSocket handshake is passed on: b"" is not, else what Upgrade says
    UPSTREAM_ENDS = "upstream-ends"  # whether the connection to the upstream is used once
    UPSTREAM_IS_OLD = "upstream-is-old"  # whether it is spoken to in HTTP/1.0, which knows no upgrade and no chunks
    CLIENT_ENDS = "client-ends"  # whether the client's connection ends with the answer
    MAX_RANGES = "max-ranges"  # of a content that are made for a request; 0 is none
    MAX_RANGE_OVERLAPS = "max-range-overlaps"
    MAX_RANGE_REVERSALS = "max-range-reversals"
    CHALLENGE = "challenge"  # what WWW-Authenticate says with 401


class Comparison(Enum):
    """How two texts are compared."""

    SAME = "same"
    SAME_FOLDED = "same without case"
    LESS = "less"
    MORE = "more"
    SHORTER = "shorter or less"  # fewer octets, or as many and less
    LONGER = "longer or more"
    NUMBERS_SAME = "same number"
    NUMBERS_LESS = "smaller number"
    NUMBERS_MORE = "larger number"


@dataclass(frozen=True, slots=True)
class Compares:
    """Two texts that compare so."""

    left: Template
    how: Comparison
    right: Template


class Disk(Enum):
    """What may be found on the disk."""

    FILE = "file"
    FILLED = "file that is not empty"
    DIRECTORY = "directory"
    LINK = "symbolic link"
    EXECUTABLE = "executable"
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A path under which the disk has something of this kind."""

    subject: Template
    kind: Disk


@dataclass(frozen=True, slots=True)
class Within:
    """An address within networks."""

    subject: Template
    networks: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class NotEmpty:
    """A text that is not empty."""

    subject: Template


@dataclass(frozen=True, slots=True)
class HasNote:
    """A variable that rules have set for this request."""

    name: bytes


@dataclass(frozen=True, slots=True)
class SettingIs:
    """A setting that has this value now."""

    setting: Setting
    value: object


@dataclass(frozen=True, slots=True)
class Never:
    """No request."""


@dataclass(frozen=True, slots=True)
class All:
    """All of these, looked at in order up to the first that does not hold."""

    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """One of these, looked at in order up to the first that holds."""

    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    of: Condition


class Groups(Enum):
    """What becomes of the groups that patterns of a condition have found."""

    FORGOTTEN = "forgotten"
    CAPTURES = "captures"  # they are the rule's captures
    KEPT = "kept"  # they are kept for this rule and those behind


@dataclass(frozen=True, slots=True)
class Apart:
    """A condition whose texts see the groups of its own patterns only."""

    of: Condition
    groups: Groups = Groups.FORGOTTEN


Condition = (
    Always
    | Never
    | PathPrefix
    | PathIs
    | PathMatches
    | Matches
    | Compares
    | OnDisk
    | Within
    | NotEmpty
    | HasNote
    | OnDisk
    | SettingIs
    | All
    | Any
    | Not
    | Apart
)


def both(one: Condition, other: Condition) -> Condition:
    """Return a condition that holds where both do."""
    if isinstance(one, Always):
        return other
    return one if isinstance(other, Always) else All((one, other))
