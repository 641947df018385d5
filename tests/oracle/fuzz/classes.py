"""The differences that are accepted: what perijove does otherwise than Apache on purpose.

At most five, each with its reason and a recorded case that shows it. What tells that a difference is of a class is as narrow as
it can be, for whatever it catches is not looked at. Knows requests and the lines of a difference.
"""

from __future__ import annotations

import re
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


_control: Final = re.compile(r"%(?:[01][0-9a-f]|7f)", re.IGNORECASE).search
_upstream: Final = re.compile(r"[-+]upstream\[\d+\] <- ([^:]*):").match


def _fields(lines: Sequence[str]) -> set[str]:
    """Return the names of the upstream's fields that differ; something that is no name if anything else does."""
    found = [_upstream(line.strip()) for line in lines[1:]]
    return {one[1] if one else "?" for one in found}


def _values(request: Request, name: str) -> list[str]:
    return [value.lower() for field, value in request.get("headers", []) if field.lower() == name]


def _nominated(request: Request, lines: Sequence[str]) -> bool:
    tokens = {token.strip() for value in _values(request, "connection") for token in value.split(",")}
    return _fields(lines) <= tokens - {"close", "keep-alive", "upgrade"}


def _upgrades(request: Request, lines: Sequence[str]) -> bool:
    return _values(request, "upgrade") not in ([], ["websocket"]) and _fields(lines) <= {"connection", "upgrade"}


def _controls(request: Request, lines: Sequence[str]) -> bool:
    return _control(request["target"]) is not None


def _died(request: Request, lines: Sequence[str]) -> bool:
    return any(line.strip().startswith("-client <- status 0 ") for line in lines[1:])


ACCEPTED: Final = (
    Accepted(
        "nominated fields",
        "What a client names in Connection is dropped before fields are edited: it cannot take away what the proxy sets (RFC 9110, 7.6.1).",
        "fz-nominated-fields",
        _nominated,
    ),
    Accepted(
        "other upgrades",
        "Only WebSockets are passed on: other protocols, such as h2c, would lead past all rules. Upgrade may name several.",
        "fz-other-upgrades",
        _upgrades,
    ),
    Accepted(
        "control characters in fields",
        "A path with encoded control characters cannot end a field's line, nor stand in a field.",
        "fz-line-ends-in-fields",
        _controls,
    ),
    Accepted(
        "edits without end",
        "RequestHeader edit* with a pattern that matches nothing at all: httpd's process dies, and answers nothing.",
        "fz-endless-edits",
        _died,
    ),
)


def accepted(request: Request, lines: Sequence[str]) -> str:
    """Return the name of the class of a difference; empty if it is of none."""
    return next((one.name for one in ACCEPTED if one.holds(request, lines)), "")
