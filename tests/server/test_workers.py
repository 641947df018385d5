"""Several workers and who watches them: a worker may die, hang or be told something new, and nobody notices."""

from __future__ import annotations

import os
import resource
import signal
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.server.parts import Application, Client, Front, Load, Origin, ask, eventually, runs
from tests.server.test_lifecycle import perijove


@pytest.fixture
def text(origin: Origin) -> str:
    return f'listen = "127.0.0.1:{{port}}"\nworkers = 2\nto = "{origin.url}"\n[timeouts]\ngrace = 5\n'


@pytest.fixture
def pair(fronts: Callable[..., Front], text: str) -> Front:
    """perijove with two workers."""
    return fronts(text)


def served(front: Front, count: int = 40) -> Counter[int]:
    """Ask on so many connections; return how many each worker has, told by their descriptors."""
    clients = [Client(front.port) for _ in range(count)]
    for one in clients:
        assert one.ask("/").status == 200
    found = Counter({pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in front.workers})
    for one in clients:
        one.close()
    return found


@pytest.fixture
def load(pair: Front) -> Iterator[Load]:
    made = Load(pair.port)
    yield made
    made.stop()


def test_both_serve(pair: Front) -> None:
    assert "2 workers" in pair.log()
    assert len(pair.workers) == 2
    most, least = served(pair).most_common()
    assert least[1] > 8
    assert most[1] - least[1] < 40


def test_a_second_perijove_is_told_that_the_address_is_taken(pair: Front, text: str) -> None:
    done = perijove("serve", "-", given=text.replace("{port}", str(pair.port)))
    assert done.returncode == 1
    assert "already in use" in done.stderr


def test_a_killed_worker_is_replaced(pair: Front, load: Load) -> None:
    """Lost is what was inside it, at most one request of each connection; nobody is refused."""
    assert eventually(lambda: load.statuses[200] > 50)
    for round_ in range(1, 4):
        victim = pair.workers[0]
        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda victim=victim: victim not in pair.workers and len(pair.workers) == 2)
        assert eventually(lambda round_=round_: pair.log().count("SIGKILL: another one") == round_)
        count = load.statuses[200]
        assert eventually(lambda count=count: load.statuses[200] > count + 50)
    statuses = load.stop()
    assert statuses["ConnectionRefusedError"] == 0
    assert sum(statuses.values()) - statuses[200] <= 3 * 4, statuses


def test_the_queue_of_a_killed_worker_is_served(pair: Front) -> None:
    """Connections that it had not accepted yet are its successor's."""
    for victim in pair.workers:
        os.kill(victim, signal.SIGSTOP)
    clients = [Client(pair.port) for _ in range(40)]
    for one in clients:
        one.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    for victim in pair.workers:
        os.kill(victim, signal.SIGKILL)
    for one in clients:
        assert one.response().status == 200
        one.close()


def test_a_hung_worker_is_replaced(pair: Front) -> None:
    victim = pair.workers[0]
    os.kill(victim, signal.SIGSTOP)
    assert eventually(lambda: victim not in pair.workers and len(pair.workers) == 2)
    assert f"(pid {victim}) hangs" in pair.log()
    assert eventually(lambda: served(pair).total() > 0)


def limit_descriptors(pid: int, more: int) -> None:
    """Let a process open so many more: the limit is on their numbers, of which the lowest free one is taken (open(2))."""
    taken = set(map(int, os.listdir(f"/proc/{pid}/fd")))
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(set(range(len(taken) + 1)) - taken) + more, hard))


def test_a_worker_that_cannot_be_started_yet(fronts: Callable[..., Front], text: str, tmp_path: Path) -> None:
    """Who watches tries on until there are descriptors again, and can be asked for other things meanwhile."""
    pair = fronts(f'control = "{tmp_path}/control"\n' + text)  # who looks for others would find the usual one
    limit_descriptors(pair.process.pid, 0)
    victim, other = pair.workers
    os.kill(victim, signal.SIGKILL)
    assert eventually(lambda: "can be started: Too many open files" in pair.log())
    assert pair.workers == [other]
    limit_descriptors(pair.process.pid, 100)
    assert eventually(lambda: len(pair.workers) == 2)
    pair.signal(signal.SIGHUP)
    assert eventually(lambda: "perijove: reloaded" in pair.log())
    assert eventually(lambda: served(pair).total() > 0)


def test_a_worker_that_has_no_room_for_what_it_is_given(fronts: Callable[..., Front], text: str, tmp_path: Path) -> None:
    """It says so, and what runs in it goes on."""
    front = fronts(text.replace("[timeouts]", f'access-log = "{tmp_path}/log"\n[timeouts]'))
    with Client(front.port) as tunnel:
        assert tunnel.upgrade().status == 101
        before = front.workers
        for pid in before:
            limit_descriptors(pid, 0)
        front.signal(signal.SIGHUP)
        assert eventually(lambda: "not reloaded" in front.log())
        front.signal(signal.SIGUSR1)
        assert eventually(lambda: "what was open still is" in front.log())
        assert front.log().count("as many files are open as may be") == 2
        for pid in before:
            limit_descriptors(pid, 100)
        front.signal(signal.SIGHUP)
        assert eventually(lambda: "perijove: reloaded" in front.log())
        assert front.workers == before
        tunnel.send(b"still there")
        assert tunnel.exactly(11) == b"still there"


def test_files_that_change_while_none_can_be_read(
    fronts: Callable[..., Front], text: str, certificate: dict[str, Path], client_tls: ssl.SSLContext, tmp_path: Path
) -> None:
    """Who watches over them says so, and goes on watching. With so many descriptors a part of it works."""
    pair, own = tmp_path / "pair.pem", certificate["pair"]
    pair.write_bytes(own.read_bytes())
    own_socket = f'watch = true\ncontrol = "{tmp_path}/control"\n'  # who looks for others would find the usual one
    front = fronts(own_socket + text.replace("[timeouts]", f'[tls]\ncert = "{pair}"\nkey = "{pair}"\n[timeouts]'))
    written = front.file.read_text()
    for more in range(4):
        limit_descriptors(front.process.pid, more)
        count = front.log().count("not reloaded")
        front.write(f"{written}# {more}\n")
        assert eventually(lambda count=count: front.log().count("reloaded") > count)
        limit_descriptors(front.process.pid, 100)
    reloaded = front.log().count("perijove: reloaded")
    front.write(written)
    assert eventually(lambda: front.log().count("perijove: reloaded") > reloaded)
    assert "Too many open files" in front.log()
    assert ask(front.port, tls=client_tls).status == 200


def test_reload(
    pair: Front, load: Load, text: str, origins: Callable[..., Origin], origin: Origin, application: Application
) -> None:
    other = origins(Application())
    with Client(pair.port) as tunnel:
        assert tunnel.upgrade().status == 101
        for count in range(1, 6):
            pair.write(text if count % 2 == 0 else text.replace(origin.url, other.url))
            pair.signal(signal.SIGHUP)
            assert eventually(lambda count=count: pair.log().count("perijove: reloaded") == count)
        seen = len(application.heads)
        for _ in range(10):
            assert ask(pair.port).status == 200
        tunnel.send(b"still there")
        assert tunnel.exactly(11) == b"still there"
    statuses = load.stop()
    assert set(statuses) == {200}, statuses
    assert len(application.heads) - seen <= 4  # the last configuration leads elsewhere, for every worker


def test_a_bad_configuration_changes_nothing(pair: Front) -> None:
    pair.write("nonsense = 1\n")
    pair.signal(signal.SIGHUP)
    assert eventually(lambda: "not reloaded" in pair.log())
    assert ask(pair.port).status == 200
    before = pair.workers
    os.kill(before[0], signal.SIGKILL)
    assert eventually(lambda: len(set(pair.workers) - set(before)) == 1)
    assert eventually(lambda: served(pair).total() > 0)


def test_stop(pair: Front, application: Application) -> None:
    with Client(pair.port) as reader, Client(pair.port) as events:
        reader.send(b"GET /bytes/50000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert reader.head() is not None
        events.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        assert events.head() is not None
        pair.signal(signal.SIGTERM)
        assert eventually(lambda: "finishing" in pair.log())
        assert len(reader.exactly(50_000_000)) == 50_000_000
        application.go.set()
        assert events.chunked().endswith(b"data: 2\n\n")
    assert pair.exited()
    assert pair.process.exited() == 0
    assert pair.workers == []


def test_twice_stops_at_once(fronts: Callable[..., Front], text: str) -> None:
    front = fronts(text.replace("grace = 5", "grace = 600"))
    with Client(front.port) as tunnel:
        tunnel.upgrade()
        front.signal(signal.SIGTERM)
        assert eventually(lambda: "finishing" in front.log())
        front.signal(signal.SIGTERM)
        assert front.exited()


def test_workers_end_with_a_supervisor_that_is_killed(pair: Front) -> None:
    left = pair.workers
    pair.signal(signal.SIGKILL)
    assert pair.exited()
    assert eventually(lambda: not any(map(runs, left)))


def test_self_signed_certificates_are_one(fronts: Callable[..., Front], text: str) -> None:
    front = fronts(text.replace("[timeouts]", "[tls]\nself-signed = true\n[timeouts]"))
    found = {ssl.get_server_certificate(("127.0.0.1", front.port)) for _ in range(20)}
    assert len(found) == 1


def test_unix_socket(fronts: Callable[..., Front], text: str, tmp_path: Path) -> None:
    front = fronts(text.replace('"127.0.0.1:{port}"', f'["127.0.0.1:{{port}}", "unix:{tmp_path}/s"]'))
    for _ in range(20):
        with Client(0, path=f"{tmp_path}/s") as client:
            assert client.ask("/").status == 200
    front.signal(signal.SIGTERM)
    assert front.exited()
    assert not (tmp_path / "s").exists()
