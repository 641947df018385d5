"""How many connections and tunnels there are, and when a client may ask again, counted over all workers.

Knows keys and rows of numbers that all workers share. Must not know sockets, what is counted, or what is answered.

The rows are a count-min sketch (Cormode and Muthukrishnan, Journal of Algorithms 55, 2005): four cells for each key, of which
the least counts. What shares a cell is added to it, so a key is never counted too low. Each worker writes the counts of its
own part and reads everybody's, so nothing is locked. Rates are one part that all write: two workers at the same instant may
both let a request pass of which one was too much.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from socket import AF_INET, AF_INET6, inet_pton
from typing import Final

Spot = tuple[int, int, int, int]  # the cells of a key

_WIDTH: Final = 16384  # cells of a row, a power of two
_ROWS: Final = 4
_FRONT: Final = 64  # octets before all rows; the hash's key is there
_SECRET: Final = 32
_TABLE: Final = _ROWS * _WIDTH
_PART: Final = _TABLE + 16  # numbers of one worker: its table, its connections, and room up to a cache line
_KEPT: Final = 4096  # keys whose cells are remembered, then begun anew
_SLACK: Final = 0.001  # of an interval, for what sums of floats are off
_MAPPED: Final = bytes(10) + b"\xff\xff"  # an IPv4 address as an IPv6 one (RFC 4291 §2.5.5.2)

# What is counted: the first octet of a key.
CLIENT: Final = b"c"  # connections of a client, and its requests
EXCESS: Final = b"e"  # connections of a client that are only let in to be refused
OWNER: Final = b"o"  # tunnels


def size_of(workers: int) -> int:
    """Return how many octets are needed for so many workers."""
    return _FRONT + 8 * _TABLE + 4 * _PART * workers


def workers_in(size: int) -> int:
    """Return for how many workers there is room in so many octets."""
    return (size - _FRONT - 8 * _TABLE) // (4 * _PART)


def prepare(memory: memoryview) -> None:
    """Make zeros a sketch: choose the secret without which nobody can aim at another client's cells."""
    memory[:_SECRET] = os.urandom(_SECRET)


def network(address: bytes) -> bytes:
    """Return what tells a client from others: its IPv4 address, or an IPv6 one's /64, of which a host takes any (RFC 8981)."""
    try:
        if b":" not in address:
            return inet_pton(AF_INET, address.decode("ascii"))
        packed = inet_pton(AF_INET6, address.split(b"%", 1)[0].decode("ascii"))
    except (OSError, ValueError):
        return address
    return packed[12:] if packed.startswith(_MAPPED) else packed[:8]


class Limiter:
    """What one worker counts, and what it reads of all."""

    __slots__ = (
        "_counts",
        "_hash",
        "_known",
        "_own",
        "_rates",
        "_workers",
        "connections",
        "interval",
        "per_client",
        "tolerance",
        "tunnels",
        "word",
    )

    def __init__(self, memory: memoryview, number: int) -> None:
        """Count in the part of worker `number`; it begins with nothing, since what was open has ended.

        Args:
            memory: octets that were prepared, shared by all workers.
            number: of this worker.
        """
        self.connections = 0  # all of them; 0 is no limit, here and below
        self.per_client = 0
        self.tunnels = 0  # of one owner
        self.word = b""  # the owner is the segment of the path behind this one
        self.interval = 0.0  # seconds between two requests of a client
        self.tolerance = 0.0  # how far ahead of that a client may be, seconds
        rates = _FRONT + 8 * _TABLE
        size = 4 * _PART
        memory[rates + number * size : rates + (number + 1) * size] = bytes(size)
        self._hash = blake2b(key=bytes(memory[:_SECRET]), digest_size=16)
        self._known: dict[bytes, Spot] = {}
        self._rates = memory[_FRONT:rates].cast("d")
        self._counts = memory[rates:].cast("i")
        self._workers = workers_in(len(memory))
        self._own = number * _PART

    def admit(self, rate: float, burst: int) -> None:
        """Let so many requests of a client pass in a second, and so many at once; a rate of 0 is no limit."""
        self.interval = 1.0 / rate if rate else 0.0
        self.tolerance = (burst - 1 + _SLACK) * self.interval

    def spot(self, kind: bytes, name: bytes) -> Spot:
        """Return the cells of a key."""
        key = kind + name
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _KEPT:
                self._known = {}
            digest = self._hash.copy()
            digest.update(kind + network(name) if kind != OWNER else key)
            number = int.from_bytes(digest.digest(), "little")
            found = (
                number % _WIDTH,
                (number >> 32) % _WIDTH + _WIDTH,
                (number >> 64) % _WIDTH + 2 * _WIDTH,
                (number >> 96) % _WIDTH + 3 * _WIDTH,
            )
            self._known[key] = found
        return found

    def opened(self) -> None:
        """Count a connection."""
        self._counts[self._own + _TABLE] += 1

    def ended(self) -> None:
        """Give one back."""
        at = self._own + _TABLE
        if self._counts[at] > 0:
            self._counts[at] -= 1

    def full(self) -> bool:
        """Tell whether there are as many connections as there may be."""
        if self.connections == 0:
            return False
        total = 0
        at = _TABLE
        for _ in range(self._workers):
            total += self._counts[at]
            at += _PART
        return total >= self.connections

    def add(self, spot: Spot) -> None:
        """Count one more."""
        for at in spot:
            self._counts[self._own + at] += 1

    def remove(self, spot: Spot) -> None:
        """Give one back; below nothing is nothing."""
        for at in spot:
            if self._counts[self._own + at] > 0:
                self._counts[self._own + at] -= 1

    def count(self, spot: Spot) -> int:
        """Return how many there are, or a little more."""
        first, second, third, fourth = spot
        one = two = three = four = 0
        at = 0
        for _ in range(self._workers):
            one += self._counts[at + first]
            two += self._counts[at + second]
            three += self._counts[at + third]
            four += self._counts[at + fourth]
            at += _PART
        if two < one:
            one = two
        if three < one:
            one = three
        return four if four < one else one

    def take(self, spot: Spot, now: float) -> float:
        """Let a request pass: 0, or the seconds after which the next one may.

        GCRA, a token bucket without tokens (ITU-T I.371, annex A): a cell has the time at which its bucket is full again.
        """
        interval = self.interval
        if interval == 0.0:
            return 0.0
        first, second, third, fourth = spot
        due = self._rates[first]
        other = self._rates[second]
        if other < due:
            due = other
        other = self._rates[third]
        if other < due:
            due = other
        other = self._rates[fourth]
        if other < due:
            due = other
        latest = now + self.tolerance + interval
        if due > latest:  # a reload has made the rate higher, or the burst smaller
            due = latest
            for at in spot:
                self._rates[at] = due
        if due < now:
            due = now
        wait = due - now - self.tolerance
        if wait > 0.0:
            return wait + _SLACK * interval
        due += interval
        for at in spot:
            if self._rates[at] < due:  # who shares a cell and is further ahead stays there
                self._rates[at] = due
        return 0.0
