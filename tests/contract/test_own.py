"""What only perijove has, with the same contract: workers side by side, and whom it believes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.contract.conftest import Start
from tests.contract.parts import Proxy, report
from tests.server.parts import Origin, eventually

from perijove.demo.processes import descendants


def workers(proxy: Proxy) -> list[int]:
    return [pid for pid in descendants(proxy.process.pid) if b"server.child" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_a_change_is_answered_when_all_workers_have_made_it(start: Start, one: Origin) -> None:
    proxy = start("--workers", "2")
    assert len(workers(proxy)) == 2
    for number in range(30):
        path = f"/user/{number}"
        proxy.add(path, one.url)
        assert [proxy.ask(path).status for _ in range(4)] == [200] * 4
        assert proxy.delete(path) == 204
        assert [proxy.ask(path).status for _ in range(4)] == [404] * 4


def test_activity_of_all_workers(start: Start, one: Origin) -> None:
    proxy = start("--workers", "2")
    proxy.add("/a", one.url)
    for _ in range(10):  # whichever worker it is
        before = proxy.activity("/a")
        time.sleep(0.005)
        proxy.ask("/a")
        assert eventually(lambda was=before: proxy.activity("/a") > was, 1.0)


def test_a_worker_that_comes_later_knows_the_routes(start: Start, one: Origin) -> None:
    """And when they were of use."""
    proxy = start("--workers", "2", "--default-target", one.url)
    proxy.add("/a", one.url, user="a")
    proxy.ask("/a")
    before, told = workers(proxy), proxy.route("/a")
    os.kill(before[0], signal.SIGKILL)
    assert eventually(lambda: len(workers(proxy)) == 2 and before[0] not in workers(proxy), 10)
    proxy.add("/b", one.url)
    assert proxy.delete("/b") == 204
    assert [report(proxy.ask("/a/x")).target for _ in range(8)] == ["/a/x"] * 8
    assert proxy.ask("/b").status == 200  # of the root
    assert {**proxy.route("/a"), "last_activity": ""} == {**told, "last_activity": ""}
    assert proxy.route("/a")["last_activity"] >= told["last_activity"]


def test_a_reload(start: Start, one: Origin) -> None:
    proxy = start()
    proxy.add("/a", one.url)
    with proxy.client() as tunnel:
        assert tunnel.upgrade("/a/do/ws").status == 101
        os.kill(proxy.process.pid, signal.SIGHUP)
        time.sleep(0.5)
        assert [proxy.ask("/a").status for _ in range(4)] == [200] * 4
        proxy.add("/b", one.url)
        assert proxy.ask("/b").status == 200
        tunnel.send(b"still there")
        assert tunnel.exactly(11) == b"still there"


def test_trust_none(start: Start, one: Origin) -> None:
    proxy = start("--trust", "none")
    proxy.add("/a", one.url)
    fields = b"X-Forwarded-For: 203.0.113.5\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: outer.example\r\nX-Forwarded-Port: 1\r\n"
    got = report(proxy.ask("/a", fields=fields))
    assert [got.get(f"x-forwarded-{name}") for name in ("for", "proto", "host", "port")] == [
        "127.0.0.1",
        "http",
        "hub.example:8443",
        "8443",
    ]
