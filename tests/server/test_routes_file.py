"""`perijove chp --routes-file`: a restart knows its routes, however it came about."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.redis.parts import Replica, eventually
from tests.server.parts import Origin

from perijove.server.routes_file import read


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[Callable[..., Replica]]:
    made: list[Replica] = []

    def start(*options: str, waits: bool = True) -> Replica:
        made.append(Replica(tmp_path, "--routes-file", str(tmp_path / "routes.json"), *options, waits=waits))
        return made[-1]

    yield start
    for one in made:
        one.stop()
        assert "Traceback" not in one.log(), one.log()


def test_it_knows_its_routes_again(replica: Callable[..., Replica], origin: Origin, tmp_path: Path) -> None:
    one = replica()
    for number in range(20):
        assert one.add(f"/user/{number}", origin.url, user=str(number)) == 201
    assert one.status("/user/3/") == 200
    known = one.call("GET")[1]
    one.stop()
    one.start()
    again = one.call("GET")[1]
    assert again.keys() == known.keys()
    for path, before in known.items():
        used, used_before = again[path].pop("last_activity"), before.pop("last_activity")
        # That an answer has ended is noted a moment after the client has it.
        assert used >= used_before if path == "/user/3" else used == used_before
        assert again[path] == before
    assert one.status("/user/3/") == 200
    assert one.remove("/user/3") == 204
    assert one.add("/last", origin.url) == 201
    assert eventually(lambda: {path for path, *_ in read(str(tmp_path / "routes.json"))} == one.routes().keys(), 3.0)
    one.kill()
    one.start()
    assert one.status("/last/") == 200
    assert one.status("/user/3/") == 404
    assert len(one.routes()) == 20


def test_killed_at_any_moment(replica: Callable[..., Replica], origin: Origin, tmp_path: Path) -> None:
    """What is known again is what was told up to some moment, without a hole."""
    one = replica()
    for round_ in range(3):
        count = 0
        while count < 40 * (round_ + 1):
            assert one.add(f"/{round_}/{count:03}", origin.url) == 201
            count += 1
        one.kill()
        one.start()
        found = sorted(path for path in one.routes() if path.startswith(f"/{round_}/"))
        assert found == [f"/{round_}/{number:03}" for number in range(len(found))]
        assert not (tmp_path / "routes.json.broken").exists()


def test_a_broken_file(replica: Callable[..., Replica], origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "routes.json").write_text('{"routes": {"/x"')
    one = replica()
    assert "routes.json.broken` now" in one.log()
    assert one.routes() == {}
    assert one.add("/x", origin.url) == 201


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    one = Replica(tmp_path, "--routes-file", str(tmp_path / "none" / "routes.json"), waits=False)
    assert eventually(lambda: one.process.exited() is not None, 15.0)
    assert one.process.exited() == 1
    assert "cannot keep routes in" in one.log()
    one.stop()


def test_a_signal_while_it_writes(replica: Callable[..., Replica], origin: Origin, tmp_path: Path) -> None:
    one = replica()
    for number in range(30):
        assert one.add(f"/{number}", origin.url) == 201
    os.kill(one.process.pid, signal.SIGTERM)
    assert eventually(lambda: one.process.exited() is not None)
    assert len(read(str(tmp_path / "routes.json"))) == 30
