"""Ids of requests. Must not know what is asked for, nor where an id is written."""

from __future__ import annotations

import os
from itertools import count
from typing import Final

_prefix: Final = os.urandom(6).hex().encode()  # this process's own
_serial: Final = count(1)


def fresh() -> bytes:
    """Return an id that no other request has."""
    return b"%b-%x" % (_prefix, next(_serial))
