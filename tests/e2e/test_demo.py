"""`make demo` and `make demo-replicas`: what they print is true, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.person import Person, Site

import redis
from perijove.demo.processes import descendants, is_running


@contextlib.contextmanager
def demo(tmp_path: Path, cache: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start it; return it and what it prints. It ends with all that it started."""
    env = {**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONUNBUFFERED": "1"}
    with (tmp_path / "out").open("wb") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "perijove.demo", "--port", "0", *options], env=env, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        end = time.monotonic() + 120
        while "logs and files" not in (tmp_path / "out").read_text():
            assert running.poll() is None, (tmp_path / "out").read_text()
            assert time.monotonic() < end, (tmp_path / "out").read_text()
            time.sleep(0.2)
        yield running, (tmp_path / "out").read_text()
        below = descendants(running.pid)
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 0
        assert not [pid for pid, started in below.items() if is_running(pid, started)]
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGINT)
            running.wait(60)


def word(shown: str, name: str) -> str:
    found = re.search(rf"{name} +(\S+)", shown)
    assert found, shown
    return found[1]


def test_demo(cache: Path, tmp_path: Path) -> None:
    with demo(tmp_path, cache) as (running, shown):
        user = word(shown, "user")
        person = Person(Site("demo", word(shown, "open"), word(shown, "password"), "demo"), user)
        assert person.log_in().status_code == 302
        assert person.spawn()[-1][1]["ready"] is True
        assert person.visit(f"user/{user}/lab").status_code == 200
        person.close()
        assert len(descendants(running.pid)) >= 4  # hub, its proxy, a server, perijove


def test_demo_of_replicas(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What works behind two is tests/e2e/test_replicas.py; here it is what the demo says of it."""
    tmp_path = tmp_path_factory.mktemp("d")  # short, as a Unix socket's path must be
    with demo(tmp_path, tmp_path, "--replicas") as (running, shown):
        urls = re.findall(r"http://\S+/jupyter/", shown)
        assert len(urls) == 3  # the balancer, and each of both
        for url in urls:
            person = Person(Site("demo", url, word(shown, "password"), "demo"), word(shown, "user"))
            assert person.log_in().status_code == 302
            assert person.visit("hub/home").status_code == 200
            person.close()
        kept = redis.Redis(unix_socket_path=word(shown, "redis-cli -s"), decode_responses=True)
        assert "/jupyter" in kept.hgetall(word(shown, "hgetall"))
        kept.close()
        first = int(word(shown, "perijove 1, pid"))
        assert first in descendants(running.pid)
        os.kill(first, signal.SIGKILL)
        balanced = Person(Site("demo", urls[0], "", "demo"), "")
        assert {balanced.visit("hub/login").status_code for _ in range(4)} == {200}
        balanced.close()
        end = time.monotonic() + 30
        while not re.search(r"started again … pid \d+", (tmp_path / "out").read_text()):
            assert time.monotonic() < end, (tmp_path / "out").read_text()
            time.sleep(0.1)


def test_demo_of_replicas_without_redis(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "perijove.demo", "--replicas", "--port", "0"],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "apt-get install redis-server" in done.stderr
