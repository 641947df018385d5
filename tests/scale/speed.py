"""Many routes, and what traffic notices of them: `python -m tests.scale.speed [churn|many|redis …]`.

Traffic is asked of perijove and, at the same time, of the server behind it: what both wait for is the machine's doing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from tests.redis.parts import Replica, Server, eventually

from perijove.demo.processes import descendants

USERS: Final = 10_000
RATE: Final = 500  # changes in a second
MANY: Final = 100_000
_LIVE: Final = 2000  # users at a time
_AT_ONCE: Final = 10  # calls, as many as a hub makes
_PAUSE: Final = 0.001  # seconds between two requests of one connection
_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class _Ok(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.left = b""

    def data_received(self, data: bytes) -> None:
        heads = (self.left + data).split(b"\r\n\r\n")
        self.left = heads.pop()
        self.transport.write(_OK * len(heads))  # type: ignore[attr-defined]


def _serve(told: Connection) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Ok, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await asyncio.sleep(1e6)

    asyncio.run(run())


@contextlib.contextmanager
def upstream() -> Iterator[int]:
    """A server that says ok; its port."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    yield ours.recv()
    process.kill()
    process.join()


def _ask(port: int, paths: list[str], told: Connection) -> None:
    """Ask for paths in turn until something is told; tell of the milliseconds that each took, and of what failed."""
    taken, failed, turn = [], 0, 0
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while not told.poll():
        begun = time.perf_counter()
        sock.sendall(f"GET {paths[turn % len(paths)]}/x HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        got = b""
        while b"\r\n\r\nok" not in got:
            some = sock.recv(65536)
            if not some:
                raise SystemExit("a connection was cut")
            got += some
        taken.append((time.perf_counter() - begun) * 1e3)
        failed += not got.startswith(b"HTTP/1.1 200")
        turn += 1
        time.sleep(_PAUSE)
    told.send((taken, failed))


class Traffic:
    """Requests through perijove and, to compare, to the server behind it."""

    def __init__(self, port: int, behind: int, paths: list[str], connections: int = 2) -> None:
        self._asking = []
        for to in (*[port] * connections, behind):
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.Process(target=_ask, args=(to, paths, theirs), daemon=True)
            process.start()
            self._asking.append((process, ours))

    def stop(self) -> str:
        """End it, and say how long requests took."""
        found = []
        for process, told in self._asking:
            told.send(None)
            found.append(told.recv())
            process.join()
        through = sorted(one for taken, _ in found[:-1] for one in taken)
        straight = sorted(found[-1][0])
        late = sum(one > 50 for one in through)
        return (
            f"{len(through):,} requests, {sum(failed for _, failed in found)} failed: {_shown(through)}, {late} over 50 ms; "
            f"without perijove at the same time: {_shown(straight)}"
        )


def _shown(taken: list[float]) -> str:
    return f"median {taken[len(taken) // 2]:.2f}, 99.9 % {taken[int(len(taken) * 0.999)]:.1f}, longest {taken[-1]:.1f} ms"


def memory(pid: int) -> float:
    """Return the megabytes that only this process has."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def processor(pid: int) -> float:
    """Return the seconds of CPU that a process has used."""
    rest = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK")


async def _call(port: int, calls: list[tuple[str, str, str]], rate: float) -> list[float]:
    """Make calls of the API at a rate, a few at once; return how long each took, in milliseconds."""
    taken: list[float] = []
    todo = iter(enumerate(calls))
    begun = time.perf_counter()

    async def some() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, (method, path, body) in todo:
            await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
            asked = time.perf_counter()
            writer.write(
                f"{method} /api/routes{path} HTTP/1.1\r\nHost: a\r\nAuthorization: token secret\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert head[9:12] in (b"201", b"204"), head
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            if length:
                await reader.readexactly(int(length))
            taken.append((time.perf_counter() - asked) * 1e3)
        writer.close()

    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))
    return taken


class Cost:
    """How long something takes, and how much of a CPU."""

    def __init__(self, pid: int = 0) -> None:
        self._pid = pid
        self._begun = time.perf_counter()
        self._used = processor(pid) if pid else 0.0

    def said(self, pid: int = 0) -> str:
        used = processor(pid or self._pid) - self._used
        return f"{time.perf_counter() - self._begun:.1f} s, {used:.1f} of them CPU of the process that watches"


def told(number: int, port: int, much: bool = False) -> dict[str, object]:
    """Return what a hub tells of a user's server. Many have an address of their own each, as pods have."""
    host = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" if much else "127.0.0.1"
    return {"user": f"user-{number}", "server_name": "", "target": f"http://{host}:{port}", "jupyterhub": True}


def churn(folder: Path, users: int = USERS) -> None:
    """Add and remove users' routes while others work, and each user's page is asked for in between."""
    with upstream() as behind:
        chp = Replica(folder, "--log-level", "warn", waits=False)
        assert eventually(lambda: _answers(chp), 30)
        steady = [f"/user/steady-{number}" for number in range(100)]
        for path in steady:
            chp.add(path, f"http://127.0.0.1:{behind}")
        calls = []
        for number in range(users):
            calls.append(("POST", f"/user/user-{number}", json.dumps(told(number, behind))))
            if number >= _LIVE:
                calls.append(("DELETE", f"/user/user-{number - _LIVE}", ""))
        used = {pid: processor(pid) for pid in (chp.process.pid, *descendants(chp.process.pid))}
        traffic, begun = Traffic(chp.port, behind, steady), time.perf_counter()
        taken = sorted(asyncio.run(_call(chp.api, calls, RATE)))
        seconds = time.perf_counter() - begun
        print(f"{users:,} users' routes come and go, {len(calls) / seconds:.0f} changes a second for {seconds:.0f} s")
        print(f"  traffic: {traffic.stop()}")
        print(f"  changes: {_shown(taken)}")
        shares = [f"{(processor(pid) - before) / seconds:.0%}" for pid, before in used.items()]
        print(f"  CPU of the process that watches, and of the worker: {', '.join(shares)}", flush=True)
        chp.stop()


def _answers(chp: Replica) -> bool:
    try:
        return chp.call("GET")[0] == 200
    except OSError:
        return False


def _file(path: Path, count: int, behind: int) -> None:
    now = time.time()
    kept = {f"/user/user-{one}": {"data": told(one, 8888, True), "last_activity": now} for one in range(count)}
    kept |= {f"/user/steady-{one}": {"data": told(one, behind), "last_activity": now} for one in range(100)}
    path.write_text(json.dumps({"routes": kept}))


def many(folder: Path, count: int = MANY) -> None:
    """Serve many routes from a file: what they cost, and what traffic notices of what is done with all of them."""
    steady = [f"/user/steady-{number}" for number in range(100)]
    with upstream() as behind:
        few_file, file = folder / "few.json", folder / "many.json"
        _file(few_file, 0, behind)
        _file(file, count, behind)
        options = "--log-level", "warn", "--workers", "2", "--routes-file"
        few = Replica(folder, *options, str(few_file), waits=False)
        assert eventually(lambda: _answers(few), 30)
        cost = Cost()
        all_ = Replica(folder, *options, str(file), waits=False)
        assert eventually(lambda: _answers(all_), 60)
        print(f"{count:,} routes in a file: answers after {cost.said(all_.process.pid)}")
        for name, one in ("100", few), (f"{count:,}", all_):
            pids = [one.process.pid, *descendants(one.process.pid)]
            print(f"  memory with {name} routes: {', '.join(f'{memory(pid):.0f}' for pid in pids)} MB (first: who watches)")
        _look_ups(few, all_, steady)
        for what, act in _acts(all_):
            traffic = Traffic(all_.port, behind, steady)
            time.sleep(0.5)
            cost = Cost(all_.process.pid)
            act()
            said = cost.said()
            time.sleep(1.0)
            print(f"  {what}: {said}\n    traffic: {traffic.stop()}", flush=True)
        few.stop()
        all_.stop()


def _look_ups(few: Replica, many_: Replica, paths: list[str], rounds: int = 15) -> None:
    """Compare throughput with few and with many routes, in turn."""
    ratios = []
    for _ in range(rounds):
        rates = []
        for one in (few, many_):
            sock = socket.create_connection(("127.0.0.1", one.port))
            asked = "".join(f"GET {path}/x HTTP/1.1\r\nHost: a\r\n\r\n" for path in paths).encode()
            workers = list(descendants(one.process.pid))
            before, answered = sum(map(processor, workers)), 0
            while sum(map(processor, workers)) - before < 0.1:  # seconds of their CPU
                for _ in range(10):
                    sock.sendall(asked)
                    got = 0
                    while got < len(paths):
                        got += sock.recv(1 << 20).count(b"\r\n\r\nok")
                    answered += got
            rates.append(answered / (sum(map(processor, workers)) - before))
            sock.close()
        ratios.append(rates[1] / rates[0])
    ratios.sort()
    print(
        f"  requests for a second of CPU, against 100 routes: {ratios[rounds // 2]:.2f} ({ratios[2]:.2f} to {ratios[-3]:.2f})"
    )


def _acts(chp: Replica) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "nothing", lambda: time.sleep(2)
    yield "GET /api/routes", lambda: chp.call("GET")
    yield "a route is added, and the file is written", lambda: (chp.add("/user/one-more", "http://127.0.0.1:1"), time.sleep(3))
    yield "reload (SIGHUP)", lambda: (os.kill(chp.process.pid, signal.SIGHUP), time.sleep(1))


def shared(folder: Path, count: int = MANY) -> None:
    """Read and put back many routes in Redis."""
    server = Server(folder)
    with upstream() as behind:
        first = Replica(folder, "--log-level", "warn", "--redis", server.url, waits=False)
        assert eventually(lambda: _answers(first), 30)
        with server.client() as client:
            epoch = client.hget("perijove:routes", "epoch")
            for at in range(0, count, 1000):
                some = {f"/user/user-{one}": json.dumps(told(one, 8888, True)) for one in range(at, min(at + 1000, count))}
                client.hset("perijove:routes", mapping=some)
            client.hset("perijove:routes", "/user/steady-0", json.dumps(told(0, behind)))
            number = client.hincrby("perijove:routes", "sequence", 2)
            cost = Cost(first.process.pid)
            client.publish("perijove:changes", f"{epoch} {number} []")
        assert eventually(lambda: first.status("/user/steady-0/x") == 200, 60)
        print(f"{count:,} routes in Redis: all are read again and served after {cost.said()}")
        traffic, cost = Traffic(first.port, behind, ["/user/steady-0"]), Cost()
        second = Replica(folder, "--log-level", "warn", "--redis", server.url, waits=False)
        assert eventually(lambda: _answers(second), 60)
        print(f"  another replica answers after {cost.said(second.process.pid)}")
        server.stop()
        server.empty()
        server.start()
        cost = Cost(first.process.pid)
        assert eventually(lambda: first.add("/user/steady-0", f"http://127.0.0.1:{behind}") == 201, 60)
        print(f"  Redis came back empty: all were put back after {cost.said()}")
        print(f"  traffic meanwhile: {traffic.stop()}")
        print(f"  memory of the process that watches: {memory(first.process.pid):.0f} MB", flush=True)
        for one in (first, second):
            one.stop()
    server.stop()


_PARTS: Final = {"churn": churn, "many": many, "redis": shared}


def main() -> None:
    """Measure what is named, or all of it."""
    for name in sys.argv[1:] or _PARTS:
        with tempfile.TemporaryDirectory() as folder:
            _PARTS[name](Path(folder))


if __name__ == "__main__":
    main()
