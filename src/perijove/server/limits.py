"""What operators' limits need of a process: memory that all workers share, and somebody who tells the operator.

Knows the settings and their names. Must not know how anything is counted, or what a refused client is answered.
"""

from __future__ import annotations

import math
import mmap
import os
import select
from typing import TYPE_CHECKING, Final

from perijove.engine import limiter, slots
from perijove.engine.limiter import Limiter
from perijove.engine.reactor import Endpoint, Reactor
from perijove.server.report import say

if TYPE_CHECKING:
    from perijove.gateway.model import Limits

_OFTEN: Final = 10.0  # seconds between two lines about one limit
_SOON: Final = 0.1  # seconds after the first refusal, so that those that come with it are in its line
_KEPT: Final = 1000  # of whom refusals are counted one by one


class Memory:
    """Where all workers count: a memfd, which ends with the last process that has it."""

    def __init__(self, workers: int = 0, descriptor: int | None = None) -> None:
        """Make it, or map it.

        Args:
            workers: for how many there must be room.
            descriptor: of a memory that was made elsewhere; it is closed.
        """
        if descriptor is None:
            self.descriptor = os.memfd_create("perijove-limits")
            os.ftruncate(self.descriptor, limiter.size_of(workers))
            self._memory = mmap.mmap(self.descriptor, limiter.size_of(workers))
            limiter.prepare(memoryview(self._memory))
        else:
            self.descriptor = -1
            self._memory = mmap.mmap(descriptor, os.fstat(descriptor).st_size)
            os.close(descriptor)  # the map has one of its own

    def limiter(self, number: int) -> Limiter:
        """Return what worker `number` counts with; it begins with nothing."""
        return Limiter(memoryview(self._memory), number)


def are_set(limits: Limits) -> bool:
    """Tell whether there is a limit for which something must be counted."""
    return bool(limits.connections or limits.connections_per_client or limits.requests_per_client or limits.tunnels_per_user)


def burst_of(limits: Limits) -> int:
    """Return how many requests of a client may come at once: what ten seconds bring, if that is left open."""
    return limits.burst or max(1, math.ceil(limits.requests_per_client * 10))


def configure(counting: Limiter, limits: Limits) -> None:
    """Let a limiter go by these limits from now on."""
    counting.connections = limits.connections
    counting.per_client = limits.connections_per_client
    counting.tunnels = limits.tunnels_per_user
    counting.word = limits.user_segment.encode()
    counting.admit(limits.requests_per_client, burst_of(limits))


class Notices(Endpoint):
    """Tells of what limits keep out: a line for each limit, at most one in ten seconds, however much it is."""

    __slots__ = ("_since", "_spoken", "_who", "limits")

    def __init__(self, reactor: Reactor, limits: Limits) -> None:
        super().__init__(reactor)
        self.limits = limits
        self._who: dict[int, dict[bytes, int]] = {}
        self._since: dict[int, float] = {}
        self._spoken: dict[int, float] = {}

    def on_event(self, mask: int) -> None:
        """It has no descriptor."""

    def refused(self, limit: int, who: bytes) -> None:
        """Note what a limit (a number of `engine.slots`) kept out, and whose it was."""
        noted = self._who.get(limit)
        if noted is None:
            noted = self._who[limit] = {}
            self._since[limit] = self.reactor.now
            self._wait()
        if who not in noted and len(noted) >= _KEPT:
            who = b""
        noted[who] = noted.get(who, 0) + 1

    def _wait(self) -> None:
        due = min(max(self._since[one] + _SOON, self._spoken.get(one, 0.0) + _OFTEN) for one in self._who)
        self.until(max(due - self.reactor.now, _SOON))

    def on_timeout(self) -> None:
        """Say what is due."""
        now = self.reactor.now
        for limit in list(self._who):
            if self._spoken.get(limit, 0.0) + _OFTEN > now:
                continue
            noted = self._who.pop(limit)
            self._spoken[limit] = now
            _say("limit: " + line(limit, noted, max(1, round(now - self._since[limit])), self.limits))
        if self._who:
            self._wait()


def line(limit: int, noted: dict[bytes, int], seconds: int, limits: Limits) -> str:
    """Return what is said of refusals: how many, whose, and why.

    Args:
        limit: its number in `engine.slots`.
        noted: whose they were, and how many; those of nobody in particular under an empty name.
        seconds: within which.
        limits: what is set.
    """
    what, whose, key, value = {
        slots.LIMITED_CONNECTIONS: ("pause", "", "connections", limits.connections),
        slots.LIMITED_ADDRESS: ("connection", "client", "connections-per-client", limits.connections_per_client),
        slots.LIMITED_RATE: ("request", "client", "requests-per-client", f"{limits.requests_per_client:g}/s"),
        slots.LIMITED_TUNNELS: ("tunnel", "user", "tunnels-per-user", limits.tunnels_per_user),
        slots.LIMITED_BODY: ("request", "client", "body", limits.body),
    }[limit]
    count = sum(noted.values())
    why = f"limits.{key} is {value}"
    if limit == slots.LIMITED_CONNECTIONS:
        return f"new connections wait until others end (accepting paused {_times(count)} in {seconds} s): {why}"
    most = max(noted, key=lambda one: noted[one])
    of = _shown(most)
    if len(noted) > 1:
        others = f"{_KEPT} {whose}s and more" if b"" in noted else f"{len(noted)} {whose}s"
        of = f"{others} ({noted[most]} of {of})"
    return f"{count} {what}{'' if count == 1 else 's'} of {of} refused in {seconds} s: {why}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _shown(who: bytes) -> str:
    """Return a name as it may stand on a terminal: strangers choose it."""
    text = "".join(one if one.isprintable() else "?" for one in who.decode("utf-8", "replace")[:64])
    return text or "others"


def _say(text: str) -> None:
    """Tell it, if that does not block: a pipe that polls as writable takes 4096 octets at once (pipe(7), PIPE_BUF)."""
    poll = select.poll()
    poll.register(2, select.POLLOUT)
    if any(mask & select.POLLOUT for _, mask in poll.poll(0)):
        say(text)
