"""Copies of a table, several in one process, with a real Redis: what takes too long, or is too rare, with processes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.redis.parts import Server

import redis
from perijove.engine.slots import FIRST_ACTIVITY
from perijove.gateway import model
from perijove.routing.redis import Table
from perijove.routing.store import Unavailable
from perijove.server.replicated import Replicated
from perijove.server.routes import Routes

HERE = "http://127.0.0.1:1"


class Copy:
    """A copy, and what its workers were told."""

    def __init__(self, server: Server, notes: float = 30.0, first: tuple[tuple[str, str], ...] = ()) -> None:
        self.served: dict[bytes, str] = {}
        self.row = memoryview(bytearray(8 * (FIRST_ACTIVITY + 4096))).cast("q")
        self.routes = Routes(first, self._tell, lambda: [self.row])
        self.table = Table(model.Redis(address=model.TcpAddress("127.0.0.1", server.port)))
        self.told: list[str] = []
        self.kept = Replicated(self.routes, self.table, self.told.append, "here", notes)

    async def _tell(self, changes: Any) -> None:
        await asyncio.sleep(0)
        for prefix, target, _ in changes:
            if target is None:
                self.served.pop(prefix, None)
            else:
                self.served[prefix] = target

    async def begin(self) -> None:
        await self.kept.begin()
        self.served = {prefix: target for prefix, target, _ in self.routes.all() if target is not None}

    def uses(self, path: str, at: float) -> None:
        """Note, as a worker does, that a route was of use."""
        number = self.routes.store.routes[path].number
        self.row[FIRST_ACTIVITY + number] = int((at - time.time() + time.monotonic()) * 1e3)

    def known(self) -> dict[str, Any]:
        return {path: route.data for path, route in self.routes.store.routes.items()}

    def true(self) -> bool:
        """Tell whether workers serve what is known."""
        return self.served == {route.prefix: route.target for route in self.routes.store.routes.values()}


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


def play(copies: list[Copy], work: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        try:
            await asyncio.gather(*(one.begin() for one in copies))
            await work()
        finally:
            for one in copies:
                await one.kept.end()

    asyncio.run(run())


def test_uses_are_noted_once_in_an_interval(server: Server) -> None:
    """Seen to fail with copies that note every use, and with one that overwrites a later use by an earlier one."""
    one, other = Copy(server, 0.4), Copy(server, 0.4)
    written: list[dict[str, float]] = []
    note = one.table.note

    async def counted(activity: dict[str, float]) -> None:
        written.append(dict(activity))
        await note(activity)

    one.table.note = counted  # type: ignore[method-assign]

    async def work() -> None:
        for path in ("/x", "/y", "/z"):
            await one.kept.put(path, {"target": HERE})
        await until(lambda: len(other.known()) == 3)
        begun = time.time()
        for step in range(50):
            one.uses("/x", begun + step)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        assert 1 <= len(written) <= 4
        assert all(some.keys() == {"/x"} for some in written)
        other.uses("/x", begun + 20)  # earlier than the one's
        other.uses("/y", begun + 30)
        await asyncio.sleep(0.6)
        count = len(written)
        for copy in (one, other):
            await copy.kept.gather()
            found = {path: copy.kept.last_activity(route) for path, route in copy.routes.store.routes.items()}
            assert found["/x"] == pytest.approx(begun + 49, abs=0.05)
            assert found["/y"] == pytest.approx(begun + 30, abs=0.05)
            assert found["/z"] < begun
        await asyncio.sleep(0.6)
        assert len(written) == count, "nothing was of use since"

    play([one, other], work)


def test_answers_come_while_redis_is_away(server: Server) -> None:
    one = Copy(server, 0.05)

    async def work() -> None:
        await one.kept.put("/x", {"target": HERE})
        await asyncio.to_thread(server.stop)
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await one.kept.put("/y", {"target": HERE})
        await one.kept.gather()
        assert time.monotonic() - begun < 3.0
        assert one.known().keys() == {"/x"}
        await asyncio.sleep(0.3)
        assert [text for text in one.told if "is lost" in text] == one.told

    play([one], work)


def test_a_change_that_waits_when_redis_goes_is_answered(server: Server) -> None:
    """Seen to fail where nobody told whoever waited for the announcement: it took five seconds."""
    one = Copy(server)

    async def work() -> None:
        await one.kept.put("/x", {"target": HERE})
        change = one.table.change

        async def then_away(*given: Any) -> Any:
            made = await change(*given)
            await asyncio.to_thread(server.stop)
            return made[0] + 1, made[1]  # of which no announcement will come

        one.table.change = then_away  # type: ignore[method-assign]
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await one.kept.put("/y", {"target": HERE})
        assert time.monotonic() - begun < 3.0

    play([one], work)


def test_who_knows_less_is_the_first_to_put_it_back(server: Server) -> None:
    """Seen to fail where a table was believed as soon as anybody had put it back."""
    less, more = Copy(server), Copy(server)

    async def work() -> None:
        await more.kept.put("/both", {"target": HERE})
        await until(lambda: "/both" in less.known())
        client = server.client()
        less.kept._tasks[0].cancel()
        await more.kept.put("/late", {"target": HERE})
        more.kept._tasks[0].cancel()
        await asyncio.sleep(0.05)
        client.flushall()
        less.kept._tasks[0] = asyncio.ensure_future(less.kept._run())
        await until(lambda: client.hexists("perijove:routes", "/both"))
        assert not client.hexists("perijove:routes", "/late")
        more.kept._tasks[0] = asyncio.ensure_future(more.kept._run())
        await until(lambda: less.known() == more.known() and less.known().keys() == {"/both", "/late"})
        await until(lambda: less.true() and more.true())

    play([less, more], work)


def test_nothing_is_asked_that_grows_with_the_table(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail with a table that was read as a whole and put back by one call: of 100,000 routes that took over 3 seconds."""
    monkeypatch.setattr("perijove.routing.redis._AT_ONCE", 50)
    copies = [Copy(server), Copy(server)]
    paths = [f"/user/{number}" for number in range(1000)]

    async def work() -> None:
        client = server.client()
        await asyncio.gather(*(copies[0].kept.put(path, {"target": HERE, "path": path}) for path in paths))
        await until(lambda: len(copies[1].known()) == 1000)
        client.config_set("slowlog-max-len", 10000)
        client.config_set("slowlog-log-slower-than", 0)
        changing = asyncio.gather(*(copies[0].kept.remove(path) for path in paths[:100]))
        client.client_kill_filter(_type="pubsub", skipme=True)  # both read all again, while it changes
        with contextlib.suppress(Unavailable):
            await changing
        await until(lambda: all(one.kept.connected for one in copies))
        await copies[0].kept.put("/end", {"target": HERE})
        await until(lambda: copies[0].known() == copies[1].known())
        known = copies[0].known()
        client.flushall()
        await until(lambda: len(client.hkeys("perijove:routes")) == len(known) + 3)
        await until(lambda: all(one.true() and one.known() == known for one in copies))
        await until(lambda: sorted(client.keys()) == ["perijove:activity", "perijove:routes"])
        client.config_set("slowlog-log-slower-than", -1)
        ours = [one["command"].split() for one in client.slowlog_get(10000) if b"perijove:" in one["command"]]
        assert not [words for words in ours if words[0] == b"HGETALL" and not words[1].startswith(b"perijove:ready:")]
        found = [int(words[-3][1:]) for words in ours if words[-2:] == [b"more", b"arguments)"]]  # of more than 32
        assert max(found, default=0) < 3 * 256 + 32

    play(copies, work)


@pytest.mark.parametrize("round_", range(4))
def test_whatever_happens_all_agree_and_nothing_answered_is_lost(
    servers: Callable[..., Server], round_: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes at random on three copies, while connections are cut and Redis is emptied at random.

    Seen to fail with copies that believe Redis when it was emptied. What happens if only one of several nets is missing (what is
    read on connecting, gaps, what is asked each second) is tested in test_faults.py.
    """
    server = servers("--hash-max-listpack-entries", "1" if round_ % 2 else "128")
    if round_ % 2:
        monkeypatch.setattr("perijove.routing.redis._AT_ONCE", 2)  # a table is read in many pieces, and changes between them
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    choose = random.Random(seed)
    copies = [Copy(server) for _ in range(3)]
    paths = [f"/{number}" for number in range(25)]
    told: dict[str, dict[str, Any] | None] = {}  # the last change of each route that was answered
    unsure: set[str] = set()  # routes of which a change was not answered, or was forgotten in part
    emptied = 0

    async def change(copy: Copy, path: str) -> None:
        data = None if choose.random() < 0.3 else {"target": HERE, "mark": choose.random()}
        for _ in range(200):
            try:
                if data is None:
                    await copy.kept.remove(path)
                else:
                    await copy.kept.put(path, data)
            except Unavailable:
                unsure.add(path)
                await asyncio.sleep(0.02)
                continue
            told[path] = data
            return
        raise AssertionError("no change is possible any more")

    async def work() -> None:
        nonlocal emptied
        client: redis.Redis = server.client()
        for _ in range(60):
            some = choose.sample(paths, 5)  # each route by one copy at a time, so that it is known which change was the last
            running = [asyncio.ensure_future(change(choose.choice(copies), path)) for path in some]
            what = choose.random()
            if what < 0.15:
                client.client_kill_filter(_type="pubsub", skipme=True)
            elif what < 0.3:
                client.client_kill_filter(_type="normal", skipme=True)
            elif what < 0.36:
                client.flushall()
                emptied += 1
                unsure.update(some)
            await asyncio.gather(*running)
        await until(lambda: all(one.kept.connected for one in copies))
        await change(copies[0], "/end")
        await until(lambda: copies[0].known() == copies[1].known() == copies[2].known())
        await until(lambda: all(one.true() for one in copies))
        found = copies[0].known()
        stored = {path for path in client.hgetall("perijove:routes") if path.startswith("/")}
        assert stored == found.keys()
        for path, data in told.items():
            if data is not None:
                assert path in found
                assert path in unsure or found[path] == data
            elif not emptied:
                assert path not in found

    play(copies, work)
    with contextlib.suppress(redis.RedisError):
        server.client().close()
