"""The differences that are accepted: what perijove does otherwise than Apache on purpose.

At most five, each with its reason and a recorded case that shows it. What tells that a difference is of a class is as narrow as
it can be, for whatever it catches is not looked at. Knows requests and the lines of a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.oracle.case import Request


@dataclass(frozen=True)
class Accepted:
    """A class of differences."""

    name: str
    reason: str
    case: str  # of tests/oracle/cases
    holds: Callable[[Request, Sequence[str]], bool]  # of a request and the lines of the difference


ACCEPTED: Final[tuple[Accepted, ...]] = ()


def accepted(request: Request, lines: Sequence[str]) -> str:
    """Return the name of the class of a difference; empty if it is of none."""
    return next((one.name for one in ACCEPTED if one.holds(request, lines)), "")
