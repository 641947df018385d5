"""Routes that are kept in a file."""

import asyncio
import json
import os

import pytest

from perijove.engine.slots import FIRST_ACTIVITY
from perijove.server import routes_file
from perijove.server.routes import Routes
from perijove.server.routes_file import Filed, read, write
from perijove.server.worker import CannotServe

HERE = {"target": "http://127.0.0.1:1", "user": "ü"}


def play(path, work, first=(), told=None):
    """Begin, do something, and end in order, or not."""

    async def run():
        async def tell(_changes):
            await asyncio.sleep(0)

        row = memoryview(bytearray(8 * (FIRST_ACTIVITY + 64))).cast("q")
        routes = Routes(first, tell, lambda: [row])
        filed = Filed(routes, str(path), (told if told is not None else []).append)
        await filed.begin()
        return await work(filed)

    return asyncio.run(run())


async def nothing(filed):
    return dict(filed.store.routes)


def test_a_route_is_known_again(tmp_path):
    file = tmp_path / "routes.json"

    async def work(filed):
        made = await filed.put("/user/ü x/", HERE)
        await filed.put("/gone", HERE)
        assert await filed.remove("/gone")
        assert not await filed.remove("/gone")
        await filed.end()
        return made

    made = play(file, work)
    found = play(file, nothing)
    assert found.keys() == {"/user/ü x"}
    assert found[made.path].data == HERE
    assert found[made.path].added == pytest.approx(made.added, abs=0.001)
    assert file.stat().st_mode & 0o077 == 0
    assert os.listdir(tmp_path) == ["routes.json"]


def test_it_is_written_soon_without_an_end(tmp_path):
    async def work(filed):
        await filed.put("/x", HERE)
        await asyncio.sleep(0.01)
        await filed.put("/y", HERE)
        for _ in range(200):
            if len(read(str(tmp_path / "f"))) == 2:
                return
            await asyncio.sleep(0.01)
        raise AssertionError

    play(tmp_path / "f", work)


def test_what_the_command_line_says_is_not_kept(tmp_path):
    async def work(filed):
        await filed.put("/x", HERE)
        await filed.end()

    play(tmp_path / "f", work, first=[("/", "http://hub:1")])
    assert play(tmp_path / "f", nothing).keys() == {"/x"}

    async def told(filed):
        await filed.put("/", HERE)
        await filed.end()

    play(tmp_path / "f", told, first=[("/", "http://hub:1")])
    assert play(tmp_path / "f", nothing, first=[("/", "http://hub:2")])["/"].data == HERE


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"\xff\xfe", b"{}", b'{"routes": {"/x": {}}}', b'{"routes": {"/x": {"data": {"target": 1}}}}']
)
def test_a_broken_file_is_told_of_and_set_aside(tmp_path, text):
    """Seen to fail where only JSON that ends too early was thought of."""
    file = tmp_path / "f"
    file.write_bytes(text)
    told = []
    assert play(file, nothing, told=told) == {}
    assert (tmp_path / "f.broken").read_bytes() == text
    assert "f.broken` now, and none is known" in told[0]
    assert read(str(file)) == []


def test_one_route_that_leads_nowhere_costs_no_other(tmp_path):
    write(str(tmp_path / "f"), [("/x", HERE, 1.0), ("/bad", {"target": "ftp://x"}, 1.0), ("/y", HERE, 1.0)])
    told = []
    assert play(tmp_path / "f", nothing, told=told).keys() == {"/x", "/y"}
    assert "`/bad` that leads nowhere" in told[0]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_many_are_written_in_pieces(tmp_path, monkeypatch, count):
    monkeypatch.setattr(routes_file, "_TURN", 2)
    kept = [(f"/{number}", HERE, float(number)) for number in range(count)]
    write(str(tmp_path / "f"), kept)
    assert read(str(tmp_path / "f")) == kept


def test_where_none_can_be_written(tmp_path):
    with pytest.raises(CannotServe, match="No such file or directory"):
        play(tmp_path / "none" / "f", nothing)
    (tmp_path / "folder").mkdir()
    with pytest.raises(CannotServe, match="Is a directory"):
        play(tmp_path / "folder", nothing)


def test_a_disk_that_is_full_is_told_of_once(tmp_path, monkeypatch):
    monkeypatch.setattr(routes_file, "_AGAIN", 0.01)
    told = []
    kept = write
    full = [True]

    def fails(path, routes):
        if full[0]:
            raise OSError(28, "No space left on device")
        kept(path, routes)

    async def work(filed):
        monkeypatch.setattr(routes_file, "write", fails)
        await filed.put("/x", HERE)
        await asyncio.sleep(0.3)
        assert told == [f"error: routes cannot be kept in `{tmp_path / 'f'}`: No space left on device"]
        full[0] = False
        await asyncio.sleep(0.3)
        assert [path for path, *_ in read(str(tmp_path / "f"))] == ["/x"]

    play(tmp_path / "f", work, told=told)


def test_the_file_is_whole_whenever_one_looks(tmp_path):
    """Seen to fail with a file that is written in place."""

    async def work(filed):
        seen = 0
        for number in range(300):
            await filed.put(f"/{number % 50}", HERE)
            found = json.loads((tmp_path / "f").read_bytes())
            seen = max(seen, len(found["routes"]))
            await asyncio.sleep(0.002)
        assert seen

    play(tmp_path / "f", work)
