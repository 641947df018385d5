"""Waiting for descriptors, copying between those that are joined, and the clock. Pure form; `poll.pyx` is its twin.

A tunnel that is at rest, or in which what one side says is taken by the other at once, needs no more than two descriptors:
these are joined, and their events are dealt with here, where an event costs little more than its two system calls.

Knows epoll (and `select.poll` where there is none, as on macOS). Must not know what is behind a descriptor.
"""

from __future__ import annotations

import select
import time

from perijove.engine.buffer import Buffer
from perijove.engine.const import AGAIN, IN, READ_SIZE, UNTOLD


def clock() -> float:
    """Return seconds that never go back, whatever happens to the wall clock."""
    return time.monotonic()


def wall() -> float:
    """Return the time of day: seconds since 1970."""
    return time.time()


class _Joint:
    """Where what a descriptor says goes; `to` is -1 when it goes there no more."""

    __slots__ = ("due", "octets", "to")

    def __init__(self, to: int, always: bool) -> None:
        self.to = to
        self.octets = 0  # that were not told yet
        self.due = -1.0 if always else 0.0  # when they are told with the next ones; negative is at once


class Poller:
    """Level-triggered readiness of many descriptors.

    `wait`, then `next` until it answers False; `fd` and `mask` are the event it stands at, `now` is when `wait` returned.

    Where `copied` is true, `fd` is joined and was read: `count` is how many octets went to the other one since that was last
    told, or, as of `Buffer.relay`, why none did; what the other one did not take lies in `rest`, until the next `next`.
    """

    __slots__ = ("_events", "_joints", "_poll", "copied", "count", "fd", "mask", "now", "rest")

    def __init__(self) -> None:
        self._poll = select.epoll() if hasattr(select, "epoll") else select.poll()
        self._events: list[tuple[int, int]] = []
        self._joints: dict[int, _Joint] = {}
        self.fd = -1
        self.mask = 0
        self.now = clock()
        self.copied = False
        self.count = 0
        self.rest = Buffer()

    def add(self, fd: int, mask: int) -> None:
        """Watch `fd`. Raises OSError as epoll_ctl does (ENOSPC: too many watches)."""
        self._poll.register(fd, mask)

    def change(self, fd: int, mask: int) -> None:
        """Watch `fd` for something else; errors and hang-ups are always told."""
        self._poll.modify(fd, mask)

    def remove(self, fd: int) -> None:
        """Watch `fd` no more, nor copy. To be called before it is closed."""
        self.part(fd)
        self._poll.unregister(fd)

    def wait(self, timeout: float) -> int:
        """Wait at most `timeout` seconds (negative: for ever); return how many events there are."""
        if isinstance(self._poll, select.epoll):
            events = self._poll.poll(timeout if timeout >= 0 else None, 512)
        else:
            events = self._poll.poll(timeout * 1000 if timeout >= 0 else None)
        self.now = clock()
        events.reverse()  # taken from the end
        self._events = events
        return len(events)

    def next(self) -> bool:
        """Step to the next event of the last `wait` that is for somebody to hear of."""
        self.copied = False
        self.rest.clear()
        events = self._events
        while events:
            fd, mask = events.pop()
            if mask == IN and (joint := self._joints.get(fd)) is not None and joint.to >= 0:
                count = self.rest.relay(fd, joint.to, READ_SIZE)
                if count == AGAIN:
                    continue
                if count > 0:
                    joint.octets += count
                    if self.now < joint.due and not self.rest.size():
                        continue
                    joint.due = joint.due if joint.due < 0.0 else self.now + UNTOLD
                    count = joint.octets
                    joint.octets = 0
                self.count = count
                self.copied = True
            self.fd = fd
            self.mask = mask
            return True
        return False

    def join(self, fd: int, other: int, always: bool = False) -> None:
        """Copy what one of two says to the other from now on, if they are not joined already.

        Both are watched, and nothing lies ready for either. For `IN` alone: any other event is told as ever.
        With `always` each copying is told, else one in a second (`UNTOLD`).
        """
        joint = self._joints.get(fd)
        if joint is None or joint.to != other:
            self._joints[fd] = _Joint(other, always)
            self._joints[other] = _Joint(fd, always)

    def part(self, fd: int) -> None:
        """Copy no more between `fd` and what it is joined with, if it is."""
        joint = self._joints.get(fd)
        if joint is not None and joint.to >= 0:
            self._joints[joint.to].to = -1
            joint.to = -1

    def untold(self, fd: int) -> int:
        """Return how many octets of `fd`, which is or was joined, were copied and not told yet, and forget them."""
        joint = self._joints.get(fd)
        octets = 0
        if joint is not None:
            octets = joint.octets
            joint.octets = 0
        return octets

    def close(self) -> None:
        """Release the descriptor."""
        if isinstance(self._poll, select.epoll):
            self._poll.close()
