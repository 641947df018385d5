"""A day in some minutes, over and over: `make soak MINUTES=…`.

Cycles of all that a day brings: pages on kept and on new connections, downloads, uploads, WebSockets, TLS, clients who leave at any
point, what is no HTTP, routes that come and go, reloads, upstreams that are restarted or answer nonsense. After each cycle perijove
is left alone, and its memory and descriptors are looked at. Both must be flat: exit status 1 if either grows, if anything is lost
that nobody broke, or if its log has a traceback.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import ssl
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import trustme
from tests.server.parts import WAIT, Application, Client, Conversation, Front, Origin, ask, eventually, pattern

from perijove.demo.processes import Process, free_port

_ODD: Final = (
    b"\x16\x03\x01\x02\0\x01", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"A" * 70000, b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
)  # fmt: skip
_LEAVING: Final = (
    b"", b"GET / HT", b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /bytes/3000000 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nsome", b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
)  # fmt: skip
_NONSENSE: Final = (
    b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", b"",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 40, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo",
)  # fmt: skip
_FIRST: Final = 3  # cycles in which what is made once is made
_GROWTH: Final = 3.0  # MiB in all that memory may have grown since: allocators keep what they once had
_AT_ONCE: Final = 4  # who do something at the same time
_CALM: Final = 12.0  # seconds in which all that was left must have gone


class Day:
    """perijove in front of an ordinary server, one that answers nonsense, and one that is told by the API."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.lost: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.application = Application()
        self.origin = Origin(self.application)
        self.wrong = Origin(self._nonsense)
        self.restarted = Origin(self.application)
        authority = trustme.CA()
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(folder / "pair.pem"))
        self.tls = ssl.create_default_context()
        authority.configure_trust(self.tls)
        routes = "".join(
            f'[[route]]\npath = "{path}"\nto = "{to}"\n'
            for path, to in (("/wrong/", self.wrong.url), ("/again/", self.restarted.url), ("/", self.origin.url))
        )
        limits = '[timeouts]\nlinger = "1s"\nbody = "3s"\nheader = "3s"\n'
        text = 'listen = "127.0.0.1:{port}"\naccess-log = "' + str(folder) + '/access"\n' + routes + limits
        self.plain = Front(folder, text)
        self.secure = Front(
            folder, text.replace(limits, f'[tls]\ncert = "{folder}/pair.pem"\nkey = "{folder}/pair.pem"\n{limits}')
        )
        self.hub = self._hub(folder)
        self.reloads = 0

    def _hub(self, folder: Path) -> Process:
        self.public, self.api = free_port(), free_port()
        command = [sys.executable, "-m", "perijove", "chp", "--ip", "127.0.0.1", "--port", str(self.public)]
        command += ["--api-ip", "127.0.0.1", "--api-port", str(self.api), "--default-target", self.origin.url]
        process = Process("perijove chp", command, folder / "chp.log")
        assert eventually(lambda: _answers(self.public), WAIT), (folder / "chp.log").read_text()
        return process

    def _nonsense(self, conversation: Conversation) -> None:
        if conversation.head() is not None:
            conversation.send(_NONSENSE[self.rng.randrange(len(_NONSENSE))])

    def _client(self) -> Client:
        if self.rng.random() < 0.5:
            return Client(self.secure.port, tls=self.tls)
        return Client(self.plain.port)

    # ------------------------------------------------------------------ what happens

    def pages(self) -> None:
        with self._client() as client:
            for _ in range(self.rng.randrange(1, 40)):
                got = client.ask("/seen")
                assert got.status == 200
                if got.get(b"connection") == b"close":
                    return

    def downloads(self) -> None:
        with self._client() as client:
            size = self.rng.choice((0, 1, 5000, 200_000, 3_000_000))
            assert client.ask(f"/bytes/{size}").content == pattern(size)[:size]
            assert client.ask("/chunks").content == b"abcde"
            assert client.ask("/until-close").content == b"abcde"

    def uploads(self) -> None:
        with self._client() as client:
            data = pattern(self.rng.choice((1, 4000, 300_000)))
            assert client.ask("/echo", method="PUT", content=data).content == data

    def websockets(self) -> None:
        with self._client() as client:
            assert client.upgrade().status == 101
            for _ in range(self.rng.randrange(1, 30)):
                client.send(b"ping" * 16)
                assert client.exactly(64) == b"ping" * 16

    def leaving(self) -> None:
        for _ in range(20):
            client = self._client()
            client.send(self.rng.choice(_LEAVING))
            if self.rng.random() < 0.3:
                time.sleep(0.01)
            if self.rng.random() < 0.5:
                client.reset()
            else:
                client.close()

    def odd(self) -> None:
        for octets in _ODD:
            with self._client() as client:
                client.send(octets)
                client.sock.settimeout(WAIT)
                try:
                    assert client.rest().startswith(b"HTTP/1.1 4")
                except ConnectionResetError:
                    self.done["reset"] += 1  # it sent more than was read of it

    def wrongs(self) -> None:
        for _ in range(10):
            with self._client() as client:
                client.send(b"GET /wrong/ HTTP/1.1\r\nHost: a\r\n\r\n")
                try:
                    got = client.response()
                except (AssertionError, OSError):
                    self.done["cut"] += 1
                    continue
                assert got.status == 502 or got.content == b"ok", got

    def routes(self) -> None:
        """As a hub does: somebody's server comes, is used, and goes."""
        name = f"/user/u{self.rng.randrange(10**6)}"
        connection = http.client.HTTPConnection("127.0.0.1", self.api, timeout=WAIT)
        connection.request("POST", f"/api/routes{name}", json.dumps({"target": self.origin.url}))
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (201, b"")
        with Client(self.public) as client:
            assert client.ask(f"{name}/tree").status == 200
            assert client.upgrade("/ws").status == 101
            client.send(b"x")
            assert client.exactly(1) == b"x"
        connection.request("DELETE", f"/api/routes{name}")
        assert connection.getresponse().status == 204
        connection.close()

    def reload(self) -> None:
        for front in (self.plain, self.secure):
            before = front.log().count("perijove: reloaded")
            front.signal(signal.SIGHUP)
            assert eventually(lambda front=front, before=before: front.log().count("perijove: reloaded") > before, WAIT)
        self.reloads += 1

    def restart(self) -> None:
        """An upstream goes and comes again; who asks meanwhile waits a little, or is told so."""
        port = self.restarted.port
        self.restarted.faults.clear()
        self.restarted.stop()
        time.sleep(self.rng.choice((0.0, 0.2)))
        self.restarted = Origin(self.application, port=port)
        assert eventually(lambda: ask(self.plain.port, "/again/").status == 200, WAIT)

    # ------------------------------------------------------------------ cycles

    def cycle(self) -> None:
        """Let all of it happen, several at once."""
        works: list[Callable[[], None]] = [self.pages] * 8 + [self.downloads] * 4 + [self.uploads] * 4 + [self.websockets] * 4
        works += [self.leaving, self.odd, self.wrongs, self.leaving] + [self.routes] * 6
        self.rng.shuffle(works)
        threads = [threading.Thread(target=self._works, args=(works[at::_AT_ONCE],)) for at in range(_AT_ONCE)]
        for one in threads:
            one.start()
        self._works([self.reload])
        for one in threads:
            one.join()
        self._works([self.restart])
        self.application.heads.clear()

    def _works(self, works: list[Callable[[], None]]) -> None:
        for work in works:
            try:
                work()
                self.done[work.__name__] += 1
            except (OSError, AssertionError) as error:
                self.lost[f"{work.__name__}: {type(error).__name__}: {error}"[:200]] += 1

    def processes(self) -> list[int]:
        from perijove.demo.processes import descendants

        every = (self.plain.process.pid, self.secure.process.pid, self.hub.pid)
        return [pid for one in every for pid in (one, *descendants(one))]

    def calm(self) -> tuple[int, float]:
        """Wait until nothing is left of what was; return descriptors and MiB of memory, of all processes together."""
        best, since = _weight(self.processes())[0], time.monotonic()
        end = since + _CALM
        while time.monotonic() < end and time.monotonic() - since < 2.5:
            time.sleep(0.1)
            now = _weight(self.processes())[0]
            if now < best:
                best, since = now, time.monotonic()
        return _weight(self.processes())

    def stop(self) -> None:
        for front in (self.plain, self.secure):
            front.stop()
        self.hub.stop(5.0)
        for origin in (self.origin, self.wrong, self.restarted):
            origin.faults.clear()  # of uploads whose client has left
            origin.stop()


def _answers(port: int) -> bool:
    try:
        return ask(port).status == 200
    except (OSError, AssertionError):
        return False


def _weight(pids: list[int]) -> tuple[int, float]:
    """Anonymous memory: what files bring comes and goes as the kernel likes."""
    descriptors, memory = 0, 0
    for pid in pids:
        descriptors += len(os.listdir(f"/proc/{pid}/fd"))
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                memory += int(line.split()[1])
    return descriptors, memory / 1024


def judged(curve: list[tuple[int, float]], lost: Counter[str]) -> list[str]:
    """Return what is wrong: descriptors that are more than they were, memory that goes on growing."""
    wrong = [f"lost: {times} × {what}" for what, times in lost.items()]
    first, late = curve[_FIRST - 1 : _FIRST + 2], curve[-3:]
    if len(curve) < _FIRST + 4:
        return [*wrong, f"{len(curve)} cycles are too few to tell: give it more minutes"]
    if min(one[0] for one in late) > min(one[0] for one in first) + 2:
        wrong.append(f"descriptors grow: {first[0][0]} … {late[-1][0]}")
    if min(one[1] for one in late) > max(one[1] for one in first) + _GROWTH:
        wrong.append(f"memory grows: {first[0][1]:.1f} … {late[-1][1]:.1f} MiB")
    return wrong


def main(arguments: list[str] | None = None) -> int:
    """Run; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="perijove-soak-") as name:
        day = Day(Path(name), options.seed)
        curve: list[tuple[int, float]] = []
        parts, each = [], {}
        end = time.monotonic() + 60 * options.minutes
        try:
            while time.monotonic() < end:
                day.cycle()
                curve.append(day.calm())
                if len(curve) == _FIRST:
                    each = {pid: _weight([pid])[1] for pid in day.processes()}
                print(
                    f"cycle {len(curve)}: {curve[-1][0]} descriptors, {curve[-1][1]:.2f} MiB; {sum(day.done.values())} done, {sum(day.lost.values())} lost",
                    flush=True,
                )
            parts = [f"{each.get(pid, 0):.2f} … {_weight([pid])[1]:.2f}" for pid in day.processes()]
        finally:
            day.stop()
        logs = "".join(path.read_text() for path in Path(name).glob("*.log"))
        wrong = judged(curve, day.lost)
        if "Traceback" in logs or "internal error" in logs:
            wrong.append("a traceback in the log:\n" + logs[-3000:])
        print(", ".join(f"{times} {what}" for what, times in sorted(day.done.items())))
        print("MiB of each process, after the first cycles and at the end: " + ", ".join(parts))
        print("\n".join(wrong) or "flat: nothing was lost, and nothing stays")
        return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
