"""The memory that outlives a worker, and places in it."""

import os

import pytest

from perijove.engine.slots import FIRST_ROUTE, FIRST_UPSTREAM, ROUTE, ROUTES, UPSTREAM
from perijove.server import shared
from perijove.server.shared import Numbers, Shared


def test_both_sides_see_the_same() -> None:
    mine = Shared()
    theirs = Shared(os.dup(mine.descriptor))
    with theirs.counters() as row:
        row[3] = 7
    with mine.counters() as row:
        assert row[3] == 7
    theirs.close()
    mine.close()


def test_the_age_of_a_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Shared()
    now = shared.time.monotonic()
    monkeypatch.setattr(shared.time, "monotonic", lambda: now)
    one.beat()
    monkeypatch.setattr(shared.time, "monotonic", lambda: now + 2.5)
    assert one.age() == pytest.approx(2.5)
    one.close()


def test_a_name_keeps_its_place() -> None:
    first = Numbers().grown(["/a", "/b"], ["u"])
    assert first.routes == {"/a": FIRST_ROUTE + ROUTE, "/b": FIRST_ROUTE + 2 * ROUTE}
    assert first.upstreams == {"u": FIRST_UPSTREAM + UPSTREAM}
    then = first.grown(["/c", "/b"], [])
    assert then.routes == {**first.routes, "/c": FIRST_ROUTE + 3 * ROUTE}
    assert then.upstreams == first.upstreams


def test_where_there_is_no_room_left() -> None:
    """The nameless have the first place."""
    found = Numbers().grown((f"/{number}" for number in range(2 * ROUTES)), []).routes
    assert len(found) == ROUTES - 1
    assert max(found.values()) + ROUTE <= FIRST_UPSTREAM
