"""What is counted while serving: numbers in a row, which whoever shares the memory reads at any time.

Knows how they change. Must not know who reads them, or what they are called there.
"""

from __future__ import annotations

from perijove.engine.slots import (
    BOUNDS,
    BUCKETS,
    BY_CLASS,
    CONNECTIONS,
    CONNECTIONS_ENDED,
    COUNT,
    FIRST_STATUS,
    FIRST_UPSTREAM,
    LAST_ACTIVITY,
    OPENED,
    OPENED_ENDED,
    RECEIVED,
    SECONDS,
    SENT,
    STATUSES,
    TOUCHED,
    TUNNELS,
    TUNNELS_ENDED,
    UPSTREAM,
    UPSTREAMS,
)


class Counters:
    """The numbers of one worker."""

    __slots__ = ("_bounds", "detailed", "slots")

    def __init__(self, slots: memoryview) -> None:
        """Count in `slots`: COUNT signed 64-bit integers, which go on from what they are."""
        self.slots = slots
        self.detailed = -1  # where the route is counted of which each status is
        self._bounds = BOUNDS
        # What was open when whoever counted here before was killed is not open any more.
        slots[CONNECTIONS_ENDED] = slots[CONNECTIONS]
        slots[TUNNELS_ENDED] = slots[TUNNELS]
        for number in range(UPSTREAMS):
            row = FIRST_UPSTREAM + number * UPSTREAM
            slots[row + OPENED_ENDED] = slots[row + OPENED]

    def add(self, number: int, count: int) -> None:
        """Count something."""
        self.slots[number] += count

    def note(self, number: int, value: int) -> None:
        """Keep a value in place of the one before."""
        self.slots[number] = value

    def touch(self, number: int, now: float) -> None:
        """Note that a route was of use, where there is room for that."""
        if 0 <= number < len(self.slots):
            self.slots[number] = int(now * 1e3)
            self.slots[TOUCHED] += 1

    def finish(self, route: int, status: int, received: int, sent: int, now: float, seconds: float) -> None:
        """Count an exchange, or a tunnel that was one (status 101).

        Args:
            route: where its route is counted.
            status: of the answer; 0 is none.
            received: octets of content.
            sent: octets of content.
            now: on the reactor's clock.
            seconds: that it took.
        """
        slots = self.slots
        slots[route + BY_CLASS + (status // 100 if 100 <= status < 600 else 0)] += 1
        slots[route + RECEIVED] += received
        slots[route + SENT] += sent
        slots[route + LAST_ACTIVITY] = int(now * 1e3)
        if route == self.detailed and 0 <= status < STATUSES:
            slots[FIRST_STATUS + status] += 1
        if status == 101:
            return
        slots[SECONDS] += int(seconds * 1e6)
        bucket = BUCKETS
        for bound in self._bounds:
            if seconds <= bound:
                break
            bucket += 1
        slots[bucket] += 1


def unshared() -> Counters:
    """Return counters that nobody else reads."""
    return Counters(memoryview(bytearray(8 * COUNT)).cast("q"))
