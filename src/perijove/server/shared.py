"""Memory that a worker writes and the supervisor reads: one memfd for each slot. It outlives the worker.

Knows where each number lies. Must not know what is done about it.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from perijove.engine.slots import ACTIVITIES, COUNT, FIRST_ROUTE, FIRST_UPSTREAM, ROUTE, ROUTES, UPSTREAM, UPSTREAMS

_HEARTBEAT: Final = struct.Struct("=d")
_COUNTERS: Final = 64  # where they begin
_SIZE: Final = _COUNTERS + 8 * (COUNT + ACTIVITIES)


@dataclass(frozen=True)
class Numbers:
    """Where routes and upstreams are counted in the row, by their names. A name keeps its place as long as perijove runs."""

    routes: Mapping[str, int] = field(default_factory=dict)
    upstreams: Mapping[str, int] = field(default_factory=dict)

    def grown(self, routes: Iterable[str], upstreams: Iterable[str]) -> Numbers:
        """Return these and places for names that are new; where there is no room left, they are counted with the nameless."""
        return Numbers(
            _places(self.routes, routes, FIRST_ROUTE, ROUTE, ROUTES),
            _places(self.upstreams, upstreams, FIRST_UPSTREAM, UPSTREAM, UPSTREAMS),
        )


def _places(known: Mapping[str, int], names: Iterable[str], first: int, size: int, most: int) -> Mapping[str, int]:
    found = dict(known)
    for name in names:
        if name not in found and len(found) + 1 < most:
            found[name] = first + size * (len(found) + 1)
    return found


class Shared:
    """The memory of one slot."""

    def __init__(self, descriptor: int | None = None) -> None:
        """Map it, or make it.

        Args:
            descriptor: of a memory that was made elsewhere.
        """
        if descriptor is None:
            descriptor = os.memfd_create("perijove-worker")
            os.ftruncate(descriptor, _SIZE)
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _SIZE)

    def beat(self) -> None:
        """Note that the worker's loop goes round."""
        _HEARTBEAT.pack_into(self._memory, 0, time.monotonic())

    def age(self) -> float:
        """Return the seconds since the last beat."""
        (beaten,) = _HEARTBEAT.unpack_from(self._memory, 0)
        return time.monotonic() - float(beaten)

    def counters(self) -> memoryview:
        """Return the row of numbers that `engine.slots` describes."""
        return memoryview(self._memory)[_COUNTERS:_SIZE].cast("q")

    def close(self) -> None:
        """Let go of it."""
        self._memory.close()
        os.close(self.descriptor)
