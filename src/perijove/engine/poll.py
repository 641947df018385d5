"""Waiting for descriptors, and the clock. Pure form; `poll.pyx` is its twin.

Knows epoll (and `select.poll` where there is none, as on macOS). Must not know what is behind a descriptor.
"""

from __future__ import annotations

import select
import time


def clock() -> float:
    """Return seconds that never go back, whatever happens to the wall clock."""
    return time.monotonic()


def wall() -> float:
    """Return the time of day: seconds since 1970."""
    return time.time()


class Poller:
    """Level-triggered readiness of many descriptors.

    `wait`, then `next` until it answers False; `fd` and `mask` are the event it stands at.
    """

    __slots__ = ("_events", "_poll", "fd", "mask")

    def __init__(self) -> None:
        self._poll = select.epoll() if hasattr(select, "epoll") else select.poll()
        self._events: list[tuple[int, int]] = []
        self.fd = -1
        self.mask = 0

    def add(self, fd: int, mask: int) -> None:
        """Watch `fd`. Raises OSError as epoll_ctl does (ENOSPC: too many watches)."""
        self._poll.register(fd, mask)

    def change(self, fd: int, mask: int) -> None:
        """Watch `fd` for something else; errors and hang-ups are always told."""
        self._poll.modify(fd, mask)

    def remove(self, fd: int) -> None:
        """Watch `fd` no more. To be called before it is closed."""
        self._poll.unregister(fd)

    def wait(self, timeout: float) -> int:
        """Wait at most `timeout` seconds (negative: for ever); return how many events there are."""
        if isinstance(self._poll, select.epoll):
            events = self._poll.poll(timeout if timeout >= 0 else None, 512)
        else:
            events = self._poll.poll(timeout * 1000 if timeout >= 0 else None)
        events.reverse()  # taken from the end
        self._events = events
        return len(events)

    def next(self) -> bool:
        """Step to the next event of the last `wait`."""
        if not self._events:
            return False
        self.fd, self.mask = self._events.pop()
        return True

    def close(self) -> None:
        """Release the descriptor."""
        if isinstance(self._poll, select.epoll):
            self._poll.close()
