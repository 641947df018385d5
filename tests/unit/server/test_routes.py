"""Routes on their way to workers, and when they were of use."""

import asyncio
import time

import pytest

from perijove.engine.slots import FIRST_ACTIVITY
from perijove.routing.dynamic import BadTarget
from perijove.server.routes import Routes

HERE = {"target": "http://127.0.0.1:1"}


class Workers:
    def __init__(self):
        self.told = []
        self.rows = [memoryview(bytearray(8 * (FIRST_ACTIVITY + 16))).cast("q") for _ in range(2)]
        self.slow = False
        self.may = asyncio.Event()

    async def tell(self, changes):
        self.told.append(changes)
        if self.slow:
            await self.may.wait()

    def routes(self, first=()):
        return Routes(first, self.tell, lambda: self.rows)


def test_a_change_is_answered_when_it_is_made():
    async def play():
        workers = Workers()
        routes = workers.routes([("/", "http://hub:1")])
        assert routes.all() == ((b"", "http://hub:1", FIRST_ACTIVITY),)
        workers.slow = True
        putting = asyncio.ensure_future(routes.put("/a", HERE))
        await asyncio.sleep(0.01)
        assert workers.told == [((b"/a", "http://127.0.0.1:1", FIRST_ACTIVITY + 1),)]
        assert not putting.done()
        workers.may.set()
        assert (await putting).path == "/a"
        assert await routes.remove("/a")
        assert workers.told[-1] == ((b"/a", None, -1),)
        assert not await routes.remove("/a")

    asyncio.run(play())


def test_changes_that_come_meanwhile_go_together_and_in_order():
    async def play():
        workers = Workers()
        routes = workers.routes()
        workers.slow = True
        first = asyncio.ensure_future(routes.put("/0", HERE))
        await asyncio.sleep(0.01)
        others = [asyncio.ensure_future(routes.put(f"/{number}", HERE)) for number in range(1, 9)]
        await asyncio.sleep(0.01)
        workers.may.set()
        await asyncio.gather(first, *others)
        told = [[change[0] for change in some] for some in workers.told]
        assert told == [[b"/0"], [b"/%d" % number for number in range(1, 9)]]

    asyncio.run(play())


def test_who_waits_learns_that_it_failed():
    async def play():
        async def tell(_changes):
            raise RuntimeError("no worker")

        routes = Routes((), tell, list)
        for path in ("/a", "/b"):
            with pytest.raises(RuntimeError):
                await routes.put(path, HERE)

    asyncio.run(play())


def test_bad_targets_change_nothing():
    async def play():
        workers = Workers()
        with pytest.raises(BadTarget):
            await workers.routes().put("/a", {"target": "x"})
        assert not workers.told

    asyncio.run(play())


def test_last_activity():
    async def play():
        workers = Workers()
        routes = workers.routes()
        made = await routes.put("/a", HERE)
        assert routes.last_activity(made) == made.added
        workers.rows[0][FIRST_ACTIVITY] = int(time.monotonic() * 1e3) + 3000
        workers.rows[1][FIRST_ACTIVITY] = int(time.monotonic() * 1e3) + 5000
        assert routes.last_activity(made) == pytest.approx(time.time() + 5, abs=0.5)
        await routes.remove("/a")
        for number in range(2, 17):
            other = await routes.put(f"/{number}", HERE)
        assert other.number == 15
        workers.rows[0][FIRST_ACTIVITY + 15] = 1  # long before it was there
        assert routes.last_activity(other) == other.added

    asyncio.run(play())


def test_a_number_that_is_used_again_tells_nothing_of_before(monkeypatch):
    monkeypatch.setattr("perijove.routing.store._NUMBERED", 1)

    async def play():
        workers = Workers()
        routes = workers.routes()
        await routes.put("/a", HERE)
        workers.rows[1][FIRST_ACTIVITY] = int(time.monotonic() * 1e3) + 3000
        await routes.remove("/a")
        other = await routes.put("/b", HERE)
        assert other.number == 0
        assert routes.last_activity(other) == other.added

    asyncio.run(play())
