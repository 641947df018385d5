"""Why a request is refused, for those who read.

Knows what may go wrong while rules run. Must not know who speaks of it in which words, nor how it is found out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Reason:
    """A refusal in words: those of whoever the configuration was written for, and plain ones with what to do about it.

    In `words`, `{raw}` stands for the path as it was sent, `{path}` for the path as it is now, `{user}` for the name that was given.
    """

    code: str = ""  # by which it is known there
    words: str = ""
    plain: str = ""


class Fault(Enum):
    """What refuses a request although no rule says so."""

    BAD_PATH = "bad path"  # it cannot be decoded, or climbs above the root
    ENCODED_SLASH = "encoded slash"  # or an encoded NUL
    NOWHERE = "nowhere"  # nothing sends it anywhere
    BAD_TARGET = "bad target"  # what would be sent upstream cannot stand in a request line
    NO_UPSTREAM = "no upstream"  # a URL that was made of the request leads nowhere
    ENDLESS = "endless"  # rules went round too often
    NO_CREDENTIALS = "no credentials"  # no name and password
    UNKNOWN_USER = "unknown user"
    WRONG_PASSWORD = "wrong password"
    OTHER_USER = "other user"  # somebody, but none of those
