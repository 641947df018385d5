"""Two perijoves, a real Redis and a real hub with real kernels: each part fails in turn, under people who work.

What is asked in `test_each_part_fails_in_turn` is in the table of docs/how-to/many-machines.md. Seen to fail with a replica that
forgets its routes when it loses Redis, with one that believes an empty Redis, and with `cleanup_servers` on.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import websocket
from tests.e2e.person import Kernel, Person, Site
from tests.redis.parts import eventually

import redis
from perijove.demo.hub import Hub
from perijove.demo.processes import descendants, free_port
from perijove.demo.replicas import Replicas

PASSWORD = "a password"
TOKEN = "secret"
BASE = "/"
HEALS = 15.0  # seconds


@dataclass
class Place:
    """All that runs."""

    replicas: Replicas
    hub: Hub
    folder: Path

    def site(self, number: int) -> Site:
        return Site(f"replica-{number}", f"http://127.0.0.1:{self.replicas.ports[number]}{BASE}", PASSWORD, "replicas")

    def routes(self, number: int) -> dict[str, str]:
        """Return what a replica says of its routes."""
        asked = urllib.request.Request(f"http://127.0.0.1:{self.replicas.apis[number]}/api/routes")
        asked.add_header("Authorization", f"token {TOKEN}")
        with urllib.request.urlopen(asked, timeout=5) as answered:
            return {path: one["target"] for path, one in json.load(answered).items()}

    def in_redis(self) -> list[str]:
        """Return the paths that Redis has."""
        with redis.Redis(unix_socket_path=str(self.replicas.socket), decode_responses=True) as asked:
            return sorted(one for one in asked.hkeys("perijove:routes") if one.startswith("/"))

    def kill(self, number: int) -> None:
        """Lose a replica with all its processes, as a machine is lost."""
        process = self.replicas.perijoves[number].process
        for pid in (process.pid, *descendants(process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.stop()

    def log(self, number: int) -> str:
        return self.replicas.perijoves[number].process.log.read_text()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("r")  # short: a Unix socket's path has at most 107 octets
    hub_port, port = free_port(), free_port()
    replicas = Replicas(folder, port, f"http://127.0.0.1:{hub_port}{BASE}", TOKEN)
    settings = {
        "PerijoveProxy": {"should_start": False, "api_url": replicas.api_url, "auth_token": TOKEN},
        "JupyterHub": {"hub_port": hub_port, "db_url": f"sqlite:///{folder}/hub.sqlite", "cleanup_servers": False},
    }
    hub = Hub(folder, BASE, PASSWORD, port, settings)
    try:
        replicas.wait()
        hub.wait()
        yield Place(replicas, hub, folder)
    finally:
        hub.stop()
        replicas.stop()
        for part in replicas.parts:
            assert "Traceback" not in part.process.log.read_text(), part.process.tail(1000)


class Visitor:
    """Asks a replica for pages of servers that run, all the time; `statuses` is what it was answered."""

    def __init__(self, port: int, *paths: str) -> None:
        self.statuses: Counter[object] = Counter()
        self._port = port
        self._paths = paths
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            for path in self._paths:
                connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
                try:
                    connection.request("GET", path)
                    self.statuses[connection.getresponse().status] += 1
                except OSError as error:
                    self.statuses[type(error).__name__] += 1
                finally:
                    connection.close()

    def stop(self) -> set[object]:
        self._stop.set()
        self._thread.join()
        assert self.statuses
        return set(self.statuses)


@dataclass
class Work:
    """Somebody's open notebook and terminal."""

    person: Person
    kernel: Kernel
    terminal: websocket.WebSocket

    def goes_on(self, number: int) -> None:
        """Nothing was cut: neither connection, nor what the kernel knows."""
        assert self.kernel.run(f"kept += [{number}]\nkept[-2:]") == f"[{number - 1}, {number}]"
        self.terminal.send(json.dumps(["stdin", f"echo {number}=$(({number}+1000))\r"]))
        shown = ""
        while f"{number}={number + 1000}" not in shown:
            kind, *words = json.loads(self.terminal.recv())
            shown += words[0] if kind == "stdout" else ""

    def close(self) -> None:
        self.kernel.socket.close()
        self.terminal.close()


def begin(person: Person) -> Work:
    """Log in, start a server, open a notebook and a terminal."""
    assert person.log_in().status_code == 302
    assert person.spawn()[-1][1]["ready"] is True
    kernel = Kernel(person)
    kernel.run("kept = [-1]")
    made = person.server("POST", "api/terminals", json={})
    assert made.status_code in (200, 201), made.text
    terminal = person.websocket(f"terminals/websocket/{made.json()['name']}")
    terminal.settimeout(20)
    return Work(person, kernel, terminal)


def agree(place: Place, *paths: str) -> bool:
    """Wait until Redis and all replicas have these routes and no others."""
    wanted = sorted(paths)
    return eventually(
        lambda: place.in_redis() == wanted and all(sorted(place.routes(number)) == wanted for number in range(2)), HEALS
    )


def stops(place: Place, person: Person) -> bool:
    """Stop somebody's server; tell whether its route goes."""
    assert person.hub("DELETE", f"users/{person.name}/server").status_code in (202, 204)
    return eventually(lambda: f"/user/{person.name}" not in place.routes(1), HEALS)


def test_each_part_fails_in_turn(place: Place) -> None:
    replicas, hub = place.replicas, place.hub
    people = [Person(place.site(0), "alice"), Person(place.site(1), "bob")]
    with ThreadPoolExecutor() as pool:
        alice, bob = pool.map(begin, people)
    assert agree(place, "/", "/user/alice", "/user/bob")
    before = place.routes(0)
    pages = ("/user/alice/api", "/user/bob/api")
    visitors = [Visitor(port, *pages) for port in replicas.ports]
    for one in (alice, bob):
        one.goes_on(0)

    # Redis stops, and somebody starts a server. The hub is told 503, and tries again until Redis is there.
    replicas.redis.process.stop()
    carol = Person(place.site(0), "carol")
    assert carol.log_in().status_code == 302
    with ThreadPoolExecutor() as pool:
        started = pool.submit(carol.spawn)
        assert eventually(lambda: "status code 503" in hub.process.log.read_text(), 30.0)
        for one in (alice, bob):
            one.goes_on(1)
        replicas.redis.start()
        replicas.redis.wait()
        assert started.result()[-1][1]["ready"] is True
    assert agree(place, "/", "/user/alice", "/user/bob", "/user/carol")
    assert carol.server("GET", "api/status").status_code == 200

    # A replica is killed: nobody else notices, and who was on it goes on by way of the other one, with the same kernel.
    assert visitors[0].stop() == {200}
    place.kill(0)
    bob.goes_on(2)
    with pytest.raises((OSError, websocket.WebSocketException)):
        alice.kernel.run("1")
    alice.close()
    alice.person.site = place.site(1)
    alice.kernel.socket = alice.person.websocket(f"api/kernels/{alice.kernel.id}/channels?session_id=e2e")
    assert alice.kernel.run("kept") == "[-1, 0, 1]"
    # The hub reaches the API by way of the other one, too.
    carol.site = place.site(1)
    assert stops(place, carol)
    replicas.perijoves[0].start()
    replicas.perijoves[0].wait()
    assert place.routes(0) == place.routes(1) == before  # when it listens it knows all
    visitors[0] = Visitor(replicas.ports[0], *pages)

    # The hub is restarted: servers, kernels and connections go on without it.
    hub.leave()
    bob.goes_on(3)
    assert alice.kernel.run("kept += [3]; kept[-1]") == "3"
    hub.start()
    hub.wait()
    bob.goes_on(4)
    assert agree(place, "/", "/user/alice", "/user/bob")
    assert place.routes(0) == before

    # Redis is started again and has lost all: one replica puts it back.
    replicas.redis.process.stop()
    shutil.rmtree(place.folder / "appendonlydir")
    replicas.redis.start()
    replicas.redis.wait()
    assert agree(place, "/", "/user/alice", "/user/bob")
    assert place.routes(0) == before
    assert any("put right" in place.log(number) for number in range(2))
    bob.goes_on(5)
    for visitor in visitors:
        assert visitor.stop() == {200}
    # Routes can be told again.
    assert stops(place, alice.person)
    assert agree(place, "/", "/user/bob")
    for one in (alice, bob):
        one.close()
    for one in (*people, carol):
        one.close()
