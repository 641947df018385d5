"""What is left of a difference when all that does not matter is taken away.

Lines, sections and parts of the request are dropped as long as the same kind of difference remains. All that could be dropped
next is tried at once, in one server. Knows configurations as trees. Knows nothing of what lines mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from tests.oracle.case import Request
from tests.oracle.fuzz.batch import Outcome
from tests.oracle.fuzz.tree import Small, halves, smaller

Play = Callable[[Sequence[Small]], list[Outcome]]
_LINE: Final = re.compile(r"([-+])(client|upstream)\S* (?:then |<- |interim\[\d+\] )*([^:]*)")
_ROUNDS: Final = 40


def kind(lines: Sequence[str]) -> str:
    """Return what sort of difference it is: which fields and the like differ, and on which side, without their values.

    Where the status differs or nobody was asked, all else follows from that.
    """
    found = []
    for line in lines[1:]:
        matched = _LINE.match(line.strip())
        found.append(f"{matched[1]}{matched[2]} {matched[3]}" if matched else line.strip())
    of_all = [one for one in found if " status " in one or one.endswith("not contacted")]
    return ", ".join(sorted(set(of_all or found)))


def kinds(outcome: Outcome) -> dict[str, int]:
    """Return the sorts of differences of a configuration, each with the first request that shows it; -1 is the verdict."""
    found: dict[str, int] = {}
    if outcome.verdicts_differ:
        found["verdict: " + ("Apache refuses" if outcome.apache else "perijove refuses")] = -1
    for number, lines in outcome.different.items():
        found.setdefault(kind(lines), number)
    return found


def shrunk(small: Small, wanted: str, number: int, play: Play) -> tuple[Small, Outcome | None]:
    """Return the smallest configuration that still differs in the wanted way, and what came of it; None if it does not when alone."""
    small = replace(small, requests=small.requests[number : number + 1] if number >= 0 else ())
    outcome = play([small])[0]
    if wanted not in kinds(outcome):
        return small, None
    for _ in range(_ROUNDS):
        found = [one for one in _steps(small, play) if wanted in kinds(one)]
        if not found:
            break
        outcome = min(found, key=lambda one: _size(one.small))
        small = outcome.small
    return small, outcome


def _size(small: Small) -> int:
    return len(small.text()) + len(str(small.requests))


def _steps(small: Small, play: Play) -> Iterator[Outcome]:
    """Play all that is one step smaller, or by half."""
    candidates = [replace(small, hosts=hosts) for hosts in smaller(small.hosts) if hosts]
    candidates += [replace(small, hosts=hosts) for hosts in halves(small.hosts)]
    candidates += [replace(small, requests=(one,)) for request in small.requests for one in _simpler(request)]
    if candidates:
        yield from play(candidates)
    if small.main:
        yield from play([replace(small, main=())])
        for main in smaller(small.main) if len(small.main) > 1 else ():  # each is a server of its own
            yield from play([replace(small, main=main)])


def _simpler(request: Request) -> Iterator[Request]:
    yield {"target": request["target"], "headers": []}
    if "upstream" in request:
        yield {"target": request["target"], "headers": [], "upstream": request["upstream"]}
    for key in ("upstream", "websocket", "method", "body", "version"):
        if key in request:
            yield {other: value for other, value in request.items() if other != key}  # type: ignore[misc]
    for at in range(len(request.get("headers", []))):
        less = request.copy()
        less["headers"] = request["headers"][:at] + request["headers"][at + 1 :]
        yield less
    answer = request.get("upstream")
    if isinstance(answer, dict):
        for key in answer:
            less = request.copy()
            less["upstream"] = {other: value for other, value in answer.items() if other != key}  # type: ignore[typeddict-item]
            yield less
    if "?" in request["target"]:
        less = request.copy()
        less["target"] = request["target"].partition("?")[0]
        yield less
