"""A play: steps that clients and an upstream take, one after the other; after each, `adversaries` looks at everything.

A step is the name of what is done, a number for who does it, and one for how.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any, Final

from tests.property.adversaries import KINDS, METHODS, Connection, Person, World, answer, ask

Step = tuple[str, int, int]

_PEOPLE: Final = 3
_SIZES: Final = (0, 1, 3, 50, 3000)
_ALL: Final = 1 << 20
_PARTS: Final = (1, 7, 30, 60, 150, _ALL, _ALL, _ALL, _ALL, _ALL)
_NO_REQUESTS: Final = (b"\x16\x03\x01\0\0", b"GET / HTTP/9.9\r\n\r\n", b"A: b\r\n\r\n", b"GET /\r\n\r\n")
_UNASKED: Final = b"HTTP/1.1 200 OK\r\nX-Number: 998\r\nContent-Length: 0\r\n\r\n"
# What happens how often: most of it is as it should be, or nothing would ever come about.
DOES: Final = (
    ["connect"] * 3 + ["begin"] * 8 + ["pipeline"] * 2 + ["go_on"] * 5 + ["reply"] * 10 + ["reply_more"] * 5 + ["talk"] * 5
    + ["hang_up", "blurt", "spoil", "leave"]
)  # fmt: skip
PICKS: Final = 1 << 12


class Play:
    """Each method is what one of them does, if anybody can; `pick` chooses how."""

    def __init__(self, counts: Counter[str]) -> None:
        self.world = World()
        self.number = 0
        self.counts = counts

    def run(self, does: list[Step]) -> None:
        """Do all of it, and look at everything after each step; then let everybody leave."""
        try:
            for what, who, pick in does:
                if getattr(self, what)(who, pick):
                    self.counts[what] += 1
                    self.world.settle()
            self._count()
            self.world.end()
        finally:
            self.world.close()

    def _count(self) -> None:
        asks = self.world.asks.values()
        self.counts["answered"] += sum(one.answered for one in self.world.people)
        self.counts["whole"] += sum(one.answer is not None and one.answer.whole for one in asks)
        self.counts["repeated"] += sum(len(one.heard) > 1 for one in asks)
        self.counts["reused"] += sum(len(one.asks) > 1 for one in self.world.connections)
        self.counts["tunnels"] += sum(one.tunnel is not None for one in self.world.people)

    # ------------------------------------------------------------------ who can do what

    def _askers(self) -> list[Person]:
        return [one for one in self.world.people if one.open and not one.upgrading and all(each.whole for each in one.asks)]

    def _unfinished(self) -> list[Person]:
        return [one for one in self.world.people if one.open and one.asks and not one.asks[-1].whole]

    def _up(self) -> list[Connection]:
        return [one for one in self.world.connections if not (one.over or one.far.ended or one.far.failed or one.tunnel)]

    def _waiting(self) -> list[Connection]:
        """Return connections on which the upstream owes an answer."""
        return [one for one in self._up() if one.ask is not None and one.ask.answer is None and one.ask.heard[-1] is one]

    def _answering(self) -> list[Connection]:
        return [
            one
            for one in self._up()
            if one.ask is not None and one.ask.answer and one.ask.answer.sent < len(one.ask.answer.raw)
        ]

    def _idle(self) -> list[Connection]:
        return [one for one in self._up() if one.ask is not None and one.ask.answer is not None and one.ask.answer.whole]

    def _tunnels(self) -> list[Person]:
        return [
            one
            for one in self.world.people
            if one.tunnel and not (one.gone or one.far.ended or one.far.failed or one.tunnel.over)
        ]

    # ------------------------------------------------------------------ clients

    def connect(self, who: int, pick: int) -> bool:
        if sum(one.open for one in self.world.people) >= _PEOPLE:
            return False
        self.world.connect()
        return True

    def begin(self, who: int, pick: int) -> bool:
        """A request, or the first octets of one, perhaps before the last one is answered."""
        person = _one(self._askers(), who)
        if person is None:
            return False
        self.number += 1
        flags = pick >> 6
        old, close, expects = flags % 9 == 8, flags % 7 == 6, flags % 5 == 4
        one = ask(self.number, METHODS[pick % len(METHODS)], _SIZES[flags % len(_SIZES)], bool(flags & 1), old, close, expects)
        self.world.begin(person, one, _PARTS[pick % len(_PARTS)])
        return True

    def pipeline(self, who: int, pick: int) -> bool:
        person = _one(self._askers(), who)
        if person is None:
            return False
        for _ in range(2 + pick % 3):
            self.number += 1
            self.world.begin(person, ask(self.number, b"GET", 0, False, False, False, False), _ALL)
        return True

    def go_on(self, who: int, pick: int) -> bool:
        person = _one(self._unfinished(), who)
        if person is None:
            return False
        self.world.go_on(person, _PARTS[pick % len(_PARTS)])
        return True

    def spoil(self, who: int, pick: int) -> bool:
        """What is no request."""
        person = _one(self._askers(), who)
        if person is None:
            return False
        person.bad = True
        person.send(_NO_REQUESTS[pick % len(_NO_REQUESTS)])
        return True

    def leave(self, who: int, pick: int) -> bool:
        person = _one([one for one in self.world.people if one.open], who)
        if person is None:
            return False
        person.gone = True
        (person.far.finish, person.far.reset, person.far.close)[pick % 3]()
        return True

    # ------------------------------------------------------------------ the upstream

    def reply(self, who: int, pick: int) -> bool:
        """An answer, or the first octets of one, perhaps before the request is complete."""
        connection = _one(self._waiting(), who)
        if connection is None:
            return False
        one = connection.ask
        kind = "accept" if one.upgrade and pick % 4 else KINDS[(pick >> 6) % len(KINDS)]
        one.answer = answer(one, kind, _SIZES[pick % len(_SIZES)])
        self.counts[f"reply {kind}"] += 1
        self._said(connection, _PARTS[pick % len(_PARTS)])
        return True

    def reply_more(self, who: int, pick: int) -> bool:
        connection = _one(self._answering(), who)
        if connection is None:
            return False
        self._said(connection, _PARTS[pick % len(_PARTS)])
        return True

    def _said(self, connection: Connection, part: int) -> None:
        self.world.say(connection, part)
        said = connection.ask.answer if connection.ask is not None else None
        if said is not None and said.ends and said.sent == len(said.raw):
            self.world.hang_up(connection, False)

    def hang_up(self, who: int, pick: int) -> bool:
        connection = _one(self._up(), who)
        if connection is None:
            return False
        self.world.hang_up(connection, bool(pick & 1))
        return True

    def blurt(self, who: int, pick: int) -> bool:
        """Octets that nobody asked for, on a connection that waits for its next request."""
        connection = _one(self._idle(), who)
        if connection is None:
            return False
        connection.blurted = True
        connection.send(_UNASKED)
        return True

    # ------------------------------------------------------------------ tunnels

    def talk(self, who: int, pick: int) -> bool:
        person = _one(self._tunnels(), who)
        if person is None:
            return False
        octets = random.Random(pick).randbytes(_SIZES[pick % len(_SIZES)] + 1)
        if pick & 1:
            person.tunnel.said += octets
            person.tunnel.send(octets)
        else:
            person.said += octets
            person.send(octets)
        return True


def _one(of: list[Any], which: int) -> Any:
    return of[which % len(of)] if of else None
