"""The fuzz itself, and a small sample of it: twenty configurations that are always the same."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from tests.oracle import case as cases
from tests.oracle.case import Request
from tests.oracle.fuzz.batch import Outcome, compared, judge
from tests.oracle.fuzz.classes import ACCEPTED, accepted
from tests.oracle.fuzz.grammar import MODULES, draw, drawn
from tests.oracle.fuzz.shrink import kind, kinds, shrunk
from tests.oracle.fuzz.tree import Node, Small, smaller
from tests.oracle.play import APACHE, OURS
from tests.oracle.stage import Certificates

SAMPLE = 20


@pytest.mark.skipif(not os.access(APACHE, os.X_OK), reason=f"there is no {APACHE}")
@pytest.mark.parametrize("main", [0, 1])
def test_a_sample_does_not_differ(main: int) -> None:
    certificates = Certificates.make()
    try:
        outcomes = compared(drawn(2026, main, SAMPLE // 2), certificates, OURS)
    finally:
        certificates.remove()
    assert sum(one.requests for one in outcomes) > SAMPLE * 2
    for one in outcomes:
        assert not one.verdicts_differ, f"{one.small.text()}\nApache: {one.apache}\nperijove: {one.ours}"
        assert not one.broken
        strange = [lines for number, lines in one.different.items() if not accepted(one.small.requests[number], lines)]
        assert not strange, "\n".join([one.small.text(), *strange[0]])


def test_what_is_drawn_can_be_drawn_again() -> None:
    assert draw(1, 7).description() == draw(1, 7).description()
    assert draw(1, 7).description() != draw(1, 8).description()


def test_sections_are_closed_and_can_be_cut_down() -> None:
    inside = Node("<Location /x>", (Node("ProxyPass !"),))
    assert list(Node("<VirtualHost *>", (inside,)).lines())[-2:] == ["</Location>", "</VirtualHost>"]
    assert list(smaller((inside, Node("A")))) == [(Node("A"),), (inside,), (Node("<Location /x>", ()), Node("A"))]


DIFFERENT = ["request: GET /", "  -client <- status 200", "  +client <- status 404", "  +client <- x-r: 1"]


def test_a_kind_of_difference_has_no_values() -> None:
    assert kind(DIFFERENT) == "+client status 404, -client status 200"
    assert kind(["request: GET /", "  -client <- x-r: 1", "  +upstream[0] <- host: b"]) == "+upstream host, -client x-r"


def test_what_does_not_matter_is_cut_away() -> None:
    hosts = tuple(Node("<VirtualHost {LISTEN}>", (Node("A"), Node("B"), Node("<C>", (Node("D"),)))) for _ in "12")
    small = Small("s", (Node("M"),), hosts, ({"target": "/x?y", "headers": [["X-A", "b"]]}, {"target": "/z"}), MODULES)

    def play(smalls: object) -> list[Outcome]:
        assert isinstance(smalls, list)
        outcomes = [Outcome(one) for one in smalls]
        for one in outcomes:
            if "\nD\n" in one.small.text():
                one.different[0] = DIFFERENT
        return outcomes

    least, outcome = shrunk(small, kind(DIFFERENT), 0, play)
    assert outcome is not None
    assert least.text().split("\n") == ["<VirtualHost {LISTEN}>", "<C>", "D", "</C>", "</VirtualHost>"]
    assert least.requests == ({"target": "/x", "headers": []},)


def test_a_difference_is_kept_with_its_request() -> None:
    outcome = Outcome(draw(1, 7))
    record = {"request": "GET /", "client": {"status": 200}, "upstream": []}
    judge(outcome, [record, record], [record, record | {"client": {"status": 404}}])
    assert list(outcome.different) == [1]
    assert kinds(replace(outcome, apache="no")) == {
        "verdict: Apache refuses": -1,
        "+client status 404, -client status 200": 1,
    }


def test_few_differences_are_accepted_and_each_is_recorded() -> None:
    assert len(ACCEPTED) <= 5
    assert {one.case for one in ACCEPTED} <= set(cases.names())
    assert all(one.name and one.reason for one in ACCEPTED)


def lines(*differing: str) -> list[str]:
    return ["request: GET /", *(f"  {one}" for one in differing)]


CLASSES: list[tuple[Request, list[str], str]] = [
    ({"target": "/", "headers": [["Connection", "close, X-A"]]}, lines("+upstream[0] <- x-a: 1"), "nominated fields"),
    ({"target": "/", "headers": [["Connection", "close, X-A"]]}, lines("+upstream[0] <- x-b: 1"), ""),
    ({"target": "/", "headers": [["Connection", "X-A"]]}, lines("+upstream[0] <- x-a: 1", "-client <- status 200"), ""),
    ({"target": "/", "headers": [["Upgrade", "h2c"]]}, lines("-upstream[0] <- upgrade: h2c"), "other upgrades"),
    ({"target": "/", "headers": [["Upgrade", "WebSocket"]]}, lines("-upstream[0] <- upgrade: websocket"), ""),
    ({"target": "/", "websocket": True}, lines("-upstream[0] <- upgrade: websocket"), ""),
    ({"target": "/a%0Ab"}, lines("-upstream[0] <- x: y"), "control characters in fields"),
    ({"target": "/a%20b"}, lines("-upstream[0] <- x: y"), ""),
]


@pytest.mark.parametrize(("request_", "differing", "name"), CLASSES)
def test_what_is_accepted(request_: Request, differing: list[str], name: str) -> None:
    assert accepted(request_, differing) == name
