"""What can be seen of a running perijove at one moment.

Knows the numbers of `engine.slots`. Whoever runs perijove fills it in; `metrics` and `status` say it in their words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Row = Sequence[int]  # as engine.slots numbers them


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker slot."""

    row: Row
    serves: bool  # and its loop goes round
    restarts: int = 0
    pid: int | None = None
    age: float = 0.0  # seconds since its loop went round last

    def open(self, begun: int, ended: int) -> int:
        """Return how many of what is counted by two numbers are open. They are read one after the other, while they grow."""
        return max(self.row[begun] - self.row[ended], 0)


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where requests go."""

    counted: int  # where in a row
    address: str


@dataclass(frozen=True, slots=True)
class Listener:
    """What is listened on."""

    url: str
    redirects: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that is served."""

    path: str
    names: Sequence[str]
    not_after: float  # seconds since 1970


@dataclass(frozen=True, slots=True)
class Reload:
    """How the last reload went."""

    at: float  # seconds since 1970
    done: bool
    why: str  # it was not


@dataclass(slots=True)
class Asked:
    """What was asked of the API by which routes are told: answers."""

    tables: int = 0  # that were told whole
    added: int = 0
    removed: int = 0  # or were not there
    statuses: Counter[int] = field(default_factory=Counter)  # all answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All of it. Times are seconds since 1970, but for `now`, which is CLOCK_MONOTONIC's, as in the rows."""

    version: str
    engine: str
    pid: int
    now: float
    begun: float
    file: str
    loaded_at: float
    reloads: int
    reloads_failed: int
    last_reload: Reload | None
    workers: Sequence[Worker]
    listeners: Sequence[Listener]
    routes: Mapping[str, int]  # where in a row
    upstreams: Mapping[str, Upstream]
    certificates: Sequence[Certificate]
    errors: Sequence[tuple[float, str]]  # the last ones, with their times
    redis: bool | None = None  # whether the Redis that routes are shared in is there; None if they are not shared
    asked: Asked | None = None  # of the API; None if there is none

    def total(self, number: int) -> int:
        """Return the sum over all workers."""
        return sum(worker.row[number] for worker in self.workers)

    def open(self, begun: int, ended: int) -> int:
        """Return how many of what is counted by two numbers are open."""
        return sum(worker.open(begun, ended) for worker in self.workers)

    def latest(self, number: int) -> int:
        """Return the largest over all workers: of times the last."""
        return max((worker.row[number] for worker in self.workers), default=0)


NAMELESS_ROUTE = "-"  # what fits no route, and requests that were not understood
