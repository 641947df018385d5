"""Redis that fails, in each way it can: what is known is served all the while, and the table is right again by itself."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable

from tests.redis.parts import WAIT, Origin, Replica, Server, Traffic, eventually, free_port


def lost(replicas: list[Replica]) -> bool:
    return all(one.add("/probe", "http://127.0.0.1:1") == 503 for one in replicas)


def agree(replicas: list[Replica], *paths: str) -> bool:
    """Wait until all have these routes and no others."""
    return eventually(lambda: all(sorted(one.routes()) == sorted(paths) for one in replicas), 15.0)


def test_announcements_that_are_lost(three: list[Replica], server: Server, origin: Origin) -> None:
    """Seen to fail when a gap was taken for the next change, and when an announcement that never came was not missed."""
    client = server.client()
    assert three[0].add("/user/0", origin.url) == 201
    for number in range(1, 6):
        client.client_kill_filter(_type="pubsub", skipme=True)
        assert eventually(lambda number=number: three[number % 3].add(f"/user/{number}", origin.url) == 201)
    assert agree(three, *(f"/user/{number}" for number in range(6)))
    # One that nobody hears, and one after it: that is a gap. Without it, what is missing would be found after a second, too;
    # on a machine that is busy, one time of three is enough.
    epoch = client.hget("perijove:routes", "epoch")

    def found(path: str) -> bool:
        client.hset("perijove:routes", path, json.dumps({"target": origin.url}))
        number = client.hincrby("perijove:routes", "sequence", 2)
        client.publish("perijove:changes", f'{epoch} {number} [["/heard", null, 0]]')
        return eventually(lambda: all(path in one.routes() for one in three), 0.9)

    begun = time.monotonic()
    assert any(map(found, ("/unheard", "/unheard/2", "/unheard/3")))
    # One that nobody hears, and nothing after it: it is asked whether there was one.
    client.hdel("perijove:routes", "/unheard")
    client.hincrby("perijove:routes", "sequence", 1)
    assert eventually(lambda: all("/unheard" not in one.routes() for one in three))
    print(f"\nboth mended after {time.monotonic() - begun:.1f} s")


def test_without_redis_all_goes_on_but_changes(three: list[Replica], server: Server, origin: Origin) -> None:
    """Seen to fail with a replica that forgets what it knew when it loses Redis."""
    assert three[0].add("/user/x", origin.url, mark=1) == 201
    assert agree(three, "/user/x")
    traffic = [Traffic(one, "/user/x/") for one in three]
    server.stop()
    assert eventually(lambda: lost(three))
    for one in three:
        status, text = one.call("POST", "/user/y", {"target": origin.url})
        assert status == 503
        assert "Redis is out of reach" in text
        assert one.call("DELETE", "/user/x")[0] == 503
        assert one.routes() == {"/user/x": origin.url}
        assert one.call("GET", "/user/x")[1]["mark"] == 1
    time.sleep(1.0)
    server.start()  # with what it had
    assert eventually(lambda: all(one.add("/user/y", origin.url) == 201 for one in three), 10.0)
    assert agree(three, "/user/x", "/user/y")
    for one in traffic:
        assert set(one.stop()) == {200}
        assert one.longest < 3.0
    for one in three:
        assert one.log().count("is lost") == 1
        assert "put right" not in one.log()


def test_redis_that_comes_back_empty(three: list[Replica], server: Server, origin: Origin) -> None:
    """Seen to fail with copies that believe whatever Redis says."""
    paths = [f"/user/{number}" for number in range(30)]
    for path in paths:
        assert three[0].add(path, origin.url, mark=path) == 201
    assert agree(three, *paths)
    traffic = [Traffic(one, "/user/3/", "/user/29/") for one in three]
    server.stop()
    assert eventually(lambda: lost(three))
    server.empty()
    server.start()
    assert eventually(lambda: all(one.add("/new", origin.url) == 201 for one in three), 10.0)
    assert agree(three, *paths, "/new")
    assert server.client().hget("perijove:routes", "/user/7") is not None
    for one in traffic:
        assert set(one.stop()) == {200}
    assert sum(one.log().count("30 were put right") for one in three) == 1, "one of them does it"
    assert three[2].call("GET", "/user/7")[1]["mark"] == "/user/7"


def test_it_is_emptied_while_it_runs(three: list[Replica], server: Server, origin: Origin) -> None:
    assert three[0].add("/user/x", origin.url) == 201
    assert agree(three, "/user/x")
    server.client().flushall()
    assert eventually(lambda: three[1].add("/user/y", origin.url) == 201)
    assert agree(three, "/user/x", "/user/y")
    assert three[2].status("/user/x/") == 200


def test_one_that_knows_nothing_is_the_first_to_find_it_empty(
    server: Server, replicas: Callable[..., Replica], origin: Origin
) -> None:
    """Seen to fail where any table with an epoch was believed: the newcomer's empty one would win."""
    old = replicas("--redis", server.url)
    assert old.add("/user/x", origin.url) == 201
    os.kill(old.process.pid, signal.SIGSTOP)  # its workers go on
    try:
        server.stop()
        server.empty()
        server.start()
        new = replicas("--redis", server.url)
        assert new.routes() == {}
        assert new.add("/user/y", origin.url) == 201
    finally:
        os.kill(old.process.pid, signal.SIGCONT)
    assert agree([old, new], "/user/x", "/user/y")
    assert old.status("/user/y/") == 200
    assert new.status("/user/x/") == 200


def test_redis_that_comes_back_as_it_was_some_time_ago(three: list[Replica], server: Server, origin: Origin) -> None:
    """A snapshot that is restored, or a spare that was behind. Seen to fail where an epoch alone was compared."""
    for path in ("/gone", "/moved", "/same"):
        assert three[0].add(path, origin.url) == 201
    server.stop()
    kept = server.copy()
    server.start()
    assert eventually(lambda: three[1].remove("/gone") == 204, 10.0)
    assert eventually(lambda: three[1].add("/moved", origin.url, mark=2) == 201)
    assert eventually(lambda: three[2].add("/new", origin.url) == 201)
    assert agree(three, "/moved", "/same", "/new")
    for _ in range(2):  # the second time it is of an earlier epoch, too
        server.stop()
        assert eventually(lambda: lost(three))
        server.restore(kept)
        server.start()
        assert eventually(lambda: three[0].add("/new", origin.url) == 201, 10.0)
        assert agree(three, "/moved", "/same", "/new")
        assert all(one.call("GET", "/moved")[1]["mark"] == 2 for one in three)
        assert server.client().hget("perijove:routes", "/gone") is None


def test_redis_that_hangs(three: list[Replica], server: Server, origin: Origin) -> None:
    assert three[0].add("/user/x", origin.url) == 201
    assert agree(three, "/user/x")
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        assert three[0].add("/user/y", origin.url) == 503
        assert time.monotonic() - begun < 8.0
        assert three[0].status("/user/x/") == 200
        assert eventually(lambda: lost(three), 10.0)
        begun = time.monotonic()
        assert three[1].routes() == {"/user/x": origin.url}
        assert time.monotonic() - begun < 4.0
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    assert eventually(lambda: three[1].add("/user/z", origin.url) == 201, 10.0)
    assert eventually(lambda: all("/user/z" in one.routes() for one in three))
    assert eventually(lambda: three[0].routes() == three[1].routes() == three[2].routes())


def test_monitoring_is_told(server: Server, replicas: Callable[..., Replica]) -> None:
    port = free_port()
    replicas("--redis", server.url, "--metrics-ip", "127.0.0.1", "--metrics-port", str(port))

    def says(value: str) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=WAIT) as answer:
            return f"perijove_redis_connected {value}" in answer.read().decode()

    assert says("1.0")
    server.stop()
    assert eventually(lambda: says("0.0"))
    server.start()
    assert eventually(lambda: says("1.0"), 10.0)


def test_redis_that_is_full(server: Server, replicas: Callable[..., Replica], origin: Origin) -> None:
    replica = replicas("--redis", server.url)
    assert replica.add("/user/x", origin.url) == 201
    client = server.client()
    client.config_set("maxmemory", 1)
    status, text = replica.call("POST", "/user/y", {"target": origin.url})
    assert status == 503, text
    assert replica.status("/user/x/") == 200
    client.config_set("maxmemory", 0)
    assert eventually(lambda: replica.add("/user/y", origin.url) == 201)


def test_without_redis_nothing_is_served_that_is_not_known(
    server: Server, replicas: Callable[..., Replica], origin: Origin
) -> None:
    first = replicas("--redis", server.url)
    assert first.add("/user/x", origin.url) == 201
    first.stop()
    server.stop()
    first.start(waits=False)
    assert eventually(lambda: "waiting for Redis" in first.log(), 15.0)
    assert "listening" not in first.log()
    server.start()
    assert eventually(lambda: "listening on" in first.log(), 15.0)
    assert first.status("/user/x/") == 200


def test_a_signal_ends_the_wait(server: Server, replicas: Callable[..., Replica]) -> None:
    server.stop()
    replica = replicas("--redis", server.url, waits=False)
    assert eventually(lambda: "waiting for Redis" in replica.log(), 15.0)
    os.kill(replica.process.pid, signal.SIGTERM)
    assert eventually(lambda: replica.process.exited() is not None)
    assert replica.process.exited() == 0
