"""Whether a pattern can take very long on some subject, when it is run by going back.

Knows trees, and the automata that they are (Glushkov's: a position for each set of octets). Must not know spellings, nor
what is done about slow patterns.

Going back tries every way through the automaton that the subject allows, until one leads to the end. There are
exponentially many if two ways lead from a position back to it over the same octets, and polynomially many if one leads
from p to p, one from p to q and one from q to q over the same octets (Weber and Seidl, "On the degree of ambiguity of
finite automata", 1991). A search is a position that takes any octet, before the first. Ways from where the rest is found
in any case are not counted: nobody goes back there. Looking only narrows what is found; here it is taken for a way that
leads nowhere. What repeats often is taken for endless.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from perijove.config.apache.regex_tree import (
    ALL,
    At,
    Atomic,
    Back,
    Choice,
    Group,
    Look,
    Node,
    Octets,
    Place,
    Repeat,
    Sequence,
    anchored,
    nullable,
)

_POSITIONS: Final = 400  # what an automaton may have to be looked at
_STEPS: Final = 200_000  # of looking
_UNROLLED: Final = 40  # positions that a counted repeat may become
_WAYS: Final = 256  # without any loop, that octets may allow
_FOUND: Final = -1  # follows where the pattern may end
_ENDING: Final = -2  # where it may end if the subject ends


def size(node: Node) -> int:
    """Return about how many instructions a pattern is, with repeats written out."""
    match node:
        case Octets() | Back() | At():
            return 4 if isinstance(node, At) else 1
        case Sequence(parts):
            return sum(size(part) for part in parts)
        case Choice(branches):
            return sum(size(branch) + 2 for branch in branches)
        case Repeat(body, low, high):
            copies = max(low, 1) if high is None else high
            return copies * (size(body) + 1) + 3
        case Group(_, body) | Atomic(body) | Look(body):
            return size(body) + 3


def slow(node: Node) -> bool:
    """Tell whether running a pattern by going back can take more than time in proportion to the subject's length."""
    automaton = _Automaton()
    try:
        automaton.build(node)
        return automaton.ambiguous()
    except _TooLargeError:
        return True


class _TooLargeError(Exception):
    """There is too much to look at."""


@dataclass(slots=True)
class _Part:
    """Of a part of a pattern: positions that it may begin and end with, and whether it may be nothing."""

    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    empty: bool = True
    sure: bool = True  # if it may be nothing, it is so whatever the subject is


class _Automaton:
    """Positions, and what may follow each. What follows is a list: twice the same are two ways."""

    def __init__(self) -> None:
        self.octets: list[int] = []
        self.follow: list[list[int]] = []
        self.certain: list[bool] = []  # from here on the rest is found in any case
        self.reach: list[int] = []
        self.twice = False
        self.steps = 0

    def build(self, node: Node) -> None:
        """Make the automaton of a pattern."""
        start = self._position(0 if anchored(node) else ALL)
        if not anchored(node):
            self.follow[start].append(start)
        whole = self._part(node)
        self.follow[start] += whole.first
        accepting = set(whole.last)
        if whole.empty:
            accepting.add(start)
        unlimited = self._unconditional(node)
        for position, octets in enumerate(self.octets):
            loops = octets == ALL and position in self.follow[position]
            self.certain.append(
                position in accepting and (unlimited is _FOUND or (unlimited is _ENDING and loops and position != start))
            )

    def _unconditional(self, node: Node) -> int | None:
        """Return whether a pattern that came to its last position is found: always, at the end of the subject, or perhaps."""
        parts = list(node.parts) if isinstance(node, Sequence) else [node]
        ending = False
        if parts and parts[0] == At(Place.START):
            del parts[0]
        while parts and parts[-1] == At(Place.END):
            parts.pop()
            ending = True
        if any(self._conditional(part) for part in parts):
            return None
        return _ENDING if ending else _FOUND

    def _conditional(self, node: Node) -> bool:
        """Tell whether a part asks for more than octets."""
        match node:
            case At(place):
                return place is not Place.KEEP
            case Look() | Back():
                return True
            case Octets():
                return False
            case Sequence(parts) | Choice(parts):
                return any(self._conditional(part) for part in parts)
            case Repeat(body) | Group(_, body) | Atomic(body):
                return self._conditional(body)

    def _position(self, octets: int) -> int:
        if len(self.octets) >= _POSITIONS:
            raise _TooLargeError
        self.octets.append(octets)
        self.follow.append([])
        return len(self.octets) - 1

    def _part(self, node: Node) -> _Part:
        match node:
            case Octets(octets):
                position = self._position(octets)
                return _Part([position], [position], empty=False)
            case Sequence(parts):
                found = _Part()
                for part in parts:
                    found = self._then(found, self._part(part))
                return found
            case Choice(branches):
                found = _Part(empty=False)
                for branch in branches:
                    one = self._part(branch)
                    found = _Part(found.first + one.first, found.last + one.last, found.empty or one.empty)
                return found
            case Repeat(body, low, high):
                return self._repeat(body, low, high)
            case Group(_, body) | Atomic(body):
                return self._part(body)
            case Look(body, behind):
                return _Part() if behind else _Part(self._part(body).first, [])
            case Back():
                raise _TooLargeError
            case At():
                return _Part()

    def _then(self, one: _Part, other: _Part) -> _Part:
        for position in one.last:
            self.follow[position] += other.first
        return _Part(
            one.first + other.first if one.empty else one.first,
            one.last + other.last if other.empty else other.last,
            one.empty and other.empty,
        )

    def _repeat(self, body: Node, low: int, high: int | None) -> _Part:
        if high == 0:
            return _Part()
        copies = max(low, 1) if high is None else high
        if copies > 1 and copies * size(body) <= _UNROLLED and not nullable(body):
            found = _Part()
            for number in range(copies - 1):
                one = self._part(body)
                found = self._then(found, _Part(one.first, one.last, one.empty or number >= low))
            return self._then(found, self._repeat(body, 1 if low == copies else 0, None if high is None else 1))
        found = self._part(body)
        if high != 1:
            for position in found.last:
                if set(self.follow[position]) & set(found.first):
                    self.twice = True  # a loop in a loop: two ways round
                self.follow[position] += found.first
            if found.empty:
                self.twice = True  # a round may be nothing, or the next
        return _Part(found.first, found.last, found.empty or low == 0)

    # ---- what may become slow

    def ambiguous(self) -> bool:
        """Tell whether there are many ways for the same octets."""
        if self.twice:
            return True
        component = self._components()
        loops = [p for p in range(len(self.octets)) if component[p] >= 0 and not self.certain[p]]
        return self._exponential(component, loops) or self._polynomial(component, loops) or self._many_ways()

    def _components(self) -> list[int]:
        """Return for each position which loop it is in; -1 is none."""
        reach = [0] * len(self.octets)  # bit q: q can be reached
        for position, follow in enumerate(self.follow):
            for other in follow:
                reach[position] |= 1 << other
        changed = True
        while changed:
            changed = False
            for position, follow in enumerate(self.follow):
                more = reach[position]
                for other in follow:
                    more |= reach[other]
                if more != reach[position]:
                    reach[position] = more
                    changed = True
        self.reach = reach
        found = [-1] * len(reach)
        for position in range(len(reach)):
            if reach[position] >> position & 1:
                found[position] = next(q for q in range(position + 1) if reach[position] >> q & 1 and reach[q] >> position & 1)
        return found

    def _step(self) -> None:
        self.steps += 1
        if self.steps > _STEPS:
            raise _TooLargeError

    def _exponential(self, component: list[int], loops: list[int]) -> bool:
        """Tell whether two ways lead from a position back to it over the same octets."""
        for start in loops:
            ahead: list[tuple[int, int]] = [(start, start)]
            seen = {(start, start)}
            back: dict[tuple[int, int], list[tuple[int, int]]] = {}
            while ahead:
                pair = ahead.pop()
                for left in self.follow[pair[0]]:
                    for right in self.follow[pair[1]]:
                        self._step()
                        same = component[left] == component[right] == component[start]
                        if not same or not self.octets[left] & self.octets[right]:
                            continue
                        back.setdefault((left, right), []).append(pair)
                        if (left, right) not in seen:
                            seen.add((left, right))
                            ahead.append((left, right))
            to_start = {(start, start)}
            ahead = [(start, start)]
            while ahead:
                for pair in back.get(ahead.pop(), ()):
                    if pair not in to_start:
                        to_start.add(pair)
                        ahead.append(pair)
            if any(left != right for left, right in to_start & seen):
                return True
        return False

    def _polynomial(self, component: list[int], loops: list[int]) -> bool:
        """Tell whether the same octets lead from p to p, from p to q, and from q to q."""
        return any(p != q and self.reach[p] >> q & 1 and self._both(p, q, component) for p in loops for q in loops)

    def _both(self, p: int, q: int, component: list[int]) -> bool:
        ahead = [(p, p, q)]
        seen = {(p, p, q)}
        while ahead:
            one, middle, other = ahead.pop()
            for left in self.follow[one]:
                if component[left] != component[p]:
                    continue
                for right in self.follow[other]:
                    both = self.octets[left] & self.octets[right]
                    if component[right] != component[q] or not both:
                        continue
                    for between in self.follow[middle]:
                        self._step()
                        if not both & self.octets[between]:
                            continue
                        state = (left, between, right)
                        if state == (p, q, q):
                            return True
                        if state not in seen:
                            seen.add(state)
                            ahead.append(state)
        return False

    def _many_ways(self) -> bool:
        """Tell whether choices that the same octets allow multiply beyond what is bearable."""
        ways = 1
        for position, follow in enumerate(self.follow):
            if self.certain[position]:
                continue
            most = 1
            for other in follow:
                self._step()
                if other:  # 0 is the search, which goes on whatever comes
                    most = max(most, sum(1 for one in follow if one and self.octets[one] & self.octets[other]))
            ways *= most
            if ways > _WAYS:
                return True
        return False
