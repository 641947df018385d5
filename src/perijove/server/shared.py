"""Memory that a worker writes and the supervisor reads: one memfd for each slot. It outlives the worker.

Knows where each number lies. Must not know what is done about it.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from typing import Final

from perijove.engine.slots import COUNT

_HEARTBEAT: Final = struct.Struct("=d")
_COUNTERS: Final = 64  # where they begin
_SIZE: Final = _COUNTERS + 8 * COUNT


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
