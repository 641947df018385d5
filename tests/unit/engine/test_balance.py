"""Who is asked next, what sessions and failures change of it, and that counting goes on."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.unit.engine.states import state_of

from perijove.engine.balance import Balance, Member
from perijove.engine.state import State


def balance(*members: Member, cookie: bytes = b"", failover: bool = True) -> Balance:
    """A balancer whose variable is `n`."""
    return Balance(b"n", members, cookie, cookie.lower(), 1, failover)


def chosen(one: Balance, state: State | None = None) -> int:
    """Return who is chosen, or a status."""
    state = state or state_of()
    if not one.act(state):
        return state.status
    assert state.balance is one
    return int(state.notes[b"n"])


def down(one: Balance, number: int) -> None:
    """Have a member fail."""
    state = state_of()
    state.note(b"n", b"%d" % number)
    one.failed(state)


def test_all_have_their_turn() -> None:
    one = balance(Member(0), Member(1), Member(2))
    assert [chosen(one) for _ in range(6)] == [0, 1, 2, 0, 1, 2]


def test_shares() -> None:
    one = balance(Member(0, factor=300), Member(1, factor=100))
    assert Counter(chosen(one) for _ in range(40)) == {0: 30, 1: 10}


def test_spares_and_groups_are_asked_last() -> None:
    one = balance(Member(0, group=1), Member(1), Member(2, spare=True))
    assert {chosen(one) for _ in range(4)} == {1}
    down(one, 1)
    assert {chosen(one) for _ in range(4)} == {0}
    down(one, 0)
    assert {chosen(one) for _ in range(4)} == {2}


def test_who_failed_is_left_alone_and_all_are_tried_when_all_have() -> None:
    one = balance(Member(0), Member(1, retry=0.0))
    down(one, 0)
    assert {chosen(one) for _ in range(4)} == {1}
    down(one, 1)  # not for long
    assert {chosen(one) for _ in range(4)} == {1}
    one.members[1].retry = 60.0
    down(one, 1)
    assert {chosen(one) for _ in range(4)} == {0, 1}


@pytest.mark.parametrize(("recovers", "then"), [(True, 1), (False, 503)])
def test_what_is_answered_may_be_a_failure(recovers: bool, then: int) -> None:
    one = Balance(b"n", (Member(1),), b"", b"", 0, True, failing=frozenset((500, 503)), recovers=recovers)
    for status in (200, 0, 404):
        state = state_of()
        assert chosen(one, state) == 1
        one.ended(state, 0, 0, status)
        assert one.members[0].down_until == 0.0
    state = state_of()
    assert chosen(one, state) == 1
    one.ended(state, 0, 0, 503)
    assert one.members[0].down_until > 0.0
    assert chosen(one) == then


@pytest.mark.parametrize(
    ("target", "cookie", "number"),
    [
        (b"/", b"SID=x.b", 1),
        (b"/", b"a=1; SID=x.y.b", -1),
        (b"/", b'a=1; SID="x.b"', 1),
        (b"/", b"XSID=x.b", -1),
        (b"/?sid=x.b", b"", 1),
        (b"/?a=1&sid=x.b&c", b"", 1),
        (b"/?asid=x.b", b"", -1),
        (b"/p;sid=x.b", b"", 1),
        (b"/p;sid=x.b/q", b"", -1),
        (b"/?sid=x.b", b"SID=x.a", 1),
        (b"/", b"SID=b", -1),
    ],
)
def test_sessions(target: bytes, cookie: bytes, number: int) -> None:
    one = balance(Member(0, route=b"a"), Member(1, route=b"b"), cookie=b"SID")
    lines = (b"Cookie: " + cookie,) if cookie else ()
    found = [chosen(one, state_of(target, *lines)) for _ in range(4)]
    assert found == ([number] * 4 if number >= 0 else [0, 1, 0, 1])


def test_a_session_goes_on_where_it_is_sent() -> None:
    cookie = b"Cookie: SID=x.a"
    one = balance(Member(0, route=b"a", redirect=b"c"), Member(1, route=b"b"), Member(2, route=b"c"), cookie=b"SID")
    down(one, 0)
    assert {chosen(one, state_of(b"/", cookie)) for _ in range(3)} == {2}
    down(one, 2)
    assert {chosen(one, state_of(b"/", cookie)) for _ in range(3)} == {1}


def test_a_session_that_may_not_go_on_elsewhere() -> None:
    one = balance(Member(0, route=b"a"), Member(1, route=b"b"), cookie=b"SID", failover=False)
    down(one, 0)
    assert chosen(one, state_of(b"/", b"Cookie: SID=x.a")) == 503
    assert chosen(one, state_of(b"/", b"Cookie: SID=x.gone")) == 1


def test_nobody() -> None:
    assert chosen(balance()) == 503


def test_what_is_said_of_sessions() -> None:
    one = balance(Member(0, route=b"a"), Member(1, route=b"b"), cookie=b"S")
    begun = state_of()
    chosen(one, begun)
    assert begun.notes[b"n changed"] == b"1"
    assert b"n session" not in begun.notes
    goes_on = state_of(b"/", b"Cookie: S=x.b")
    assert chosen(one, goes_on) == 1
    assert b"n changed" not in goes_on.notes
    assert (goes_on.notes[b"n session"], goes_on.notes[b"n sticky"]) == (b"b", b"S")


def test_sessions_count_as_turns() -> None:
    one = balance(Member(0, route=b"a"), Member(1, route=b"b"), cookie=b"S")
    assert chosen(one, state_of(b"/", b"Cookie: S=x.a")) == 0
    assert chosen(one) == 1


@pytest.mark.parametrize(("separator", "session"), [(b"/", b"x.y/b"), (b"", b"b")])
def test_what_a_route_stands_behind(separator: bytes, session: bytes) -> None:
    members = (Member(0, route=b"a"), Member(1, route=b"b"))
    one = Balance(b"n", members, b"S", b"S", 1, True, separator=separator)
    assert chosen(one, state_of(b"/", b"Cookie: S=" + session)) == 1
