"""Load and faults: what slow, stuck, vanished and killed clients and upstreams do to everybody else, with figures.

Each case is a function of a stage and returns its figures; `Wrong` says which of them is over its bound. A short run has the same
bounds with fewer connections.
"""

from __future__ import annotations

import contextlib
import resource
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.security.proxies import START, Running, Settings
from tests.security.upstream import MIB, Upstream
from tests.server.parts import Client, Origin, eventually

HEADER, CONNECT, RESPONSE, GRACE = 2.0, 1.0, 2.0, 2.0  # seconds that proxies are told, where they can be
_UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: hub.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
Figures = dict[str, object]


class Wrong(Exception):
    """A figure is over its bound."""


def bound(true: object, figures: Figures) -> Figures:
    """Return the figures if they are as they should be."""
    if not true:
        raise Wrong(str(figures))
    return figures


@dataclass
class Stage:
    """A proxy, the upstream behind it, and how much is asked of them."""

    name: str
    running: Running
    upstream: Upstream
    origin: Origin
    settings: Settings
    full: bool
    folder: Path
    clients: list[Client] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.running.port

    @property
    def ours(self) -> bool:
        return bool([pid for pid in self.running.workers if pid != self.running.process.pid]) and self.name in (
            "to",
            "toml",
            "apache-file",
            "chp",
        )

    @property
    def late(self) -> float:
        """Seconds by which what is in time may be late in the short run, which shares the machine with other tests."""
        return 0.0 if self.full else 1.0

    def many(self, count: int) -> list[Client]:
        made = [Client(self.port) for _ in range(count)]
        self.clients += made
        return made

    def leave(self) -> None:
        for one in self.clients:
            one.close()
        self.clients.clear()

    def served(self) -> bool:
        with contextlib.suppress(OSError, AssertionError), Client(self.port) as client:
            return client.ask("/well").status == 200
        return False


def _asking(stage: Stage, seconds: float) -> tuple[int, int, float]:
    """Ask as others do meanwhile: how many, how many failed, and the longest that one took, in milliseconds."""
    count = failed = 0
    longest = 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        count += 1
        failed += not stage.served()
        longest = max(longest, time.monotonic() - begun)
        time.sleep(0.05)
    return count, failed, longest * 1000


# ------------------------------------------------------------------ slow ones


def slow_heads(stage: Stage) -> Figures:
    """Clients that bring an octet now and then are all cut at the limit; others are served meanwhile."""
    limit = 10.0 if stage.name == "to" else HEADER  # there it is the default
    count = 200 if stage.full else 40
    begun = time.monotonic()
    left = set(stage.many(count))
    for one in left:
        one.send(b"GET / HTTP/1.1\r\nHost: hub.example\r\nX: ")
        one.sock.setblocking(False)
    asked = failed = 0
    longest = 0.0
    while left and time.monotonic() - begun < limit + 6:
        for one in list(left):
            try:
                one.sock.send(b"y")
                while one.sock.recv(4096):
                    pass
                left.discard(one)
            except BlockingIOError:
                continue
            except OSError:
                left.discard(one)
        n, bad, most = _asking(stage, 0.3)
        asked, failed, longest = asked + n, failed + bad, max(longest, most)
    figures: Figures = {
        "all_cut_after_s": round(time.monotonic() - begun, 1),
        "still_held": len(left),
        "failed": f"{failed}/{asked}",
        "longest_ms": round(longest),
    }
    return bound(not left and not failed and time.monotonic() - begun < limit + 1.5 + stage.late, figures)


def slow_bodies(stage: Stage) -> Figures:
    """Clients that bring content slowly hold nobody up."""
    for one in stage.many(200 if stage.full else 40):
        one.send(b"POST /upload HTTP/1.1\r\nHost: hub.example\r\nContent-Length: 100000\r\n\r\nx")
    asked, failed, longest = _asking(stage, 1.0)
    return bound(not failed, {"failed": f"{failed}/{asked}", "longest_ms": round(longest)})


def slow_readers(stage: Stage) -> Figures:
    """Clients that do not read an answer of 64 MiB cost a buffer each, however long they wait."""
    count = 20 if stage.full else 8
    stage.served()
    before = stage.running.memory()
    for one in stage.many(count):
        one.send(b"GET /big HTTP/1.1\r\nHost: hub.example\r\n\r\n")
        one.exactly(1000)
    seen = []
    for _ in range(6 if stage.full else 3):
        time.sleep(0.5)
        seen.append(stage.running.memory() - before)
    each = max(seen) * 1024 / count
    return bound(each <= 160 and stage.served(), {"kib_each": round(each), "mib_in_all": round(max(seen), 1)})


def unread_uploads(stage: Stage) -> Figures:
    """Uploads that the upstream does not read are not taken in, either."""
    stage.served()
    before = stage.running.memory()
    stage.upstream.go.clear()

    def send(client: Client) -> None:
        with contextlib.suppress(OSError):
            client.send(b"PUT /unread HTTP/1.1\r\nHost: hub.example\r\nContent-Length: %d\r\n\r\n" % (32 * MIB))
            client.send(bytes(32 * MIB))

    threads = [threading.Thread(target=send, args=(one,), daemon=True) for one in stage.many(10)]
    for thread in threads:
        thread.start()
    most = 0.0
    for _ in range(4):
        time.sleep(0.4)
        most = max(most, stage.running.memory() - before)
    well = stage.served()
    stage.upstream.go.set()
    for one in stage.clients:
        one.reset()
    return bound(most <= 2 and well, {"mib_in_all": round(most, 1)})


# ------------------------------------------------------------------ killed in the middle


def killed(stage: Stage) -> Figures:
    """An answer that was cut never looks whole, nobody waits for the rest, and HTTP/1.0 clients are told by a reset."""
    whole, hung, fins = 0, 0, 0
    longest = 0.0
    for framing in ("length", "chunked"):
        for end in ("rst", "fin"):
            for minor in (1, 0):
                with Client(stage.port) as client:
                    client.send(
                        b"GET /cut/%b/%b/ HTTP/1.%d\r\nHost: hub.example\r\n\r\n" % (framing.encode(), end.encode(), minor)
                    )
                    client.sock.settimeout(3)
                    data, begun, fin = b"", time.monotonic(), False
                    try:
                        while piece := client.sock.recv(65536):
                            data += piece
                        fin = True
                    except TimeoutError:
                        hung += 1
                    except OSError:
                        pass
                    longest = max(longest, time.monotonic() - begun)
                    if fin and minor == 0 and framing == "chunked":
                        fins += 1
                    whole += data.endswith(b"0\r\n\r\n")
    figures: Figures = {
        "look_whole": whole,
        "hung": hung,
        "ends_nicely_for_http_1_0": fins,
        "told_after_s": round(longest - 0.1, 2),
    }
    return bound(not whole and not hung and not fins and longest < 0.6 + stage.late, figures)


def _load(stage: Stage, stop: threading.Event, statuses: list[tuple[bytes, str]], number: int) -> None:
    method = ("GET", "POST")[number % 2]
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(Client(stage.port))
        count = 0
        while not stop.is_set():
            count += 1
            target = f"/r{number}-{count}"
            try:
                got = client.ask(target, method=method, content=b"x" if method == "POST" else None)
                said = "ok" if got.status == 200 and got.content == target.encode() else str(got.status)
                ended = got.get(b"connection") == b"close"
            except (OSError, AssertionError) as error:
                said, ended = type(error).__name__, True
            statuses.append((target.encode(), said))
            if ended:
                client = stack.enter_context(Client(stage.port))


def restart(stage: Stage) -> Figures:
    """An upstream that restarts under load, at once and after half a second: nothing is lost, nothing is done twice."""
    figures: Figures = {}
    wrong = False
    for down in (0.0, 0.5):
        statuses: list[tuple[bytes, str]] = []
        stop = threading.Event()
        stage.upstream.served.clear()
        threads = [threading.Thread(target=_load, args=(stage, stop, statuses, number)) for number in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.4)
        stage.upstream.stopping = True  # ends each connection behind the answer that it is at
        stage.origin.stop_listening()
        time.sleep(0.05)
        for sock in list(stage.upstream.idle):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RD)
        time.sleep(down)
        stage.upstream.stopping = False
        stage.origin = Origin(stage.upstream, port=stage.settings.upstream)
        time.sleep(0.6)
        stop.set()
        for thread in threads:
            thread.join()
        lost = [one for one in statuses if one[1] != "ok"]
        twice = len(stage.upstream.served) - len(set(stage.upstream.served))
        figures[f"down_{down}_s"] = f"{len(statuses)} asked, {len(lost)} lost {lost[:3] or ''}, {twice} twice"
        # A POST of which the connection is still in the queue of who stops listening is acknowledged, and reset. It may not be sent
        # again: nobody can tell that it was not acted upon. Two clients send POSTs.
        wrong = wrong or len(lost) > 2 or any(int(target[2:3]) % 2 == 0 for target, _ in lost) or bool(twice)
    return bound(not wrong, figures)


def stale(stage: Stage) -> Figures:
    """An upstream that ends each connection about when the next request comes: none is lost, none is done twice."""
    lost = []
    stage.upstream.served.clear()
    with Client(stage.port) as client:
        for number in range(60):
            for method in ("GET", "POST"):
                target = f"/once{number}{method}"
                time.sleep(0.0003 * (number % 7))
                try:
                    got = client.ask(target, method=method, content=b"x" if method == "POST" else None)
                    if got.status != 200 or got.content != target.encode():
                        lost.append((method, got.status))
                except (OSError, AssertionError):
                    lost.append((method, 0))
                    client.close()
                    client = Client(stage.port)
    twice = len(stage.upstream.served) - len(set(stage.upstream.served))
    figures: Figures = {"lost": f"{len(lost)}/120 {lost[:3] or ''}", "twice": twice}
    return bound(not lost and not twice, figures)


# ------------------------------------------------------------------ who goes


def churn(stage: Stage) -> Figures:
    """Connections that come and are aborted at every point leave nothing."""
    begun = [
        b"",
        b"GET / HT",
        b"GET /stall HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nsome",
    ]
    stage.served()
    time.sleep(0.3)
    before = stage.running.descriptors()
    for number in range(2000 if stage.full else 300):
        client = Client(stage.port)
        client.send(begun[number % len(begun)] if number % 5 else b"GET /well HTTP/1.1\r\nHost: a\r\n\r\n")
        client.reset() if number % 3 else client.close()
    well = stage.served()
    back = eventually(lambda: stage.running.descriptors() <= before + 2 and len(stage.origin.open) <= 3, 2.0 + 5 * stage.late)
    figures: Figures = {
        "fds_before": before,
        "fds_after": stage.running.descriptors(),
        "upstream_left_open": len(stage.origin.open),
    }
    return bound(well and back, figures)


def vanished(stage: Stage) -> Figures:
    """A client that is gone is noticed at once, and what nobody waits for ends, in all seven ways."""
    ways: dict[str, tuple[bytes, str]] = {}
    for end in ("rst", "fin"):
        ways[f"waiting, {end}"] = (b"GET /stall%d HTTP/1.1\r\nHost: a\r\n\r\n", end)
        ways[f"uploading, {end}"] = (b"PUT /upload%d HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nsome", end)
        ways[f"WebSocket, {end}"] = (_UPGRADE.replace(b"/ws", b"/ws%d"), end)
    ways["downloading, rst"] = (b"GET /big%d HTTP/1.1\r\nHost: a\r\n\r\n", "rst")
    figures: Figures = {}
    for number, (way, (say, end)) in enumerate(ways.items()):
        stage.upstream.asked.clear()
        client = Client(stage.port)
        client.send(say.replace(b"%d", b"%d" % number))
        if not stage.upstream.asked.wait(10):
            figures[way] = "never sent"
            client.close()
            continue
        if b"/big" in say:
            client.exactly(100)
        if b"/ws" in say:
            client.head()
        time.sleep(0.1)
        target = say.split(b" ")[1].replace(b"%d", b"%d" % number)
        at = time.monotonic()
        client.reset() if end == "rst" else client.close()
        eventually(lambda target=target: target in stage.upstream.closed, 3.0)  # type: ignore[misc]
        figures[way] = round(stage.upstream.closed.get(target, at + 99) - at, 3)
    return bound(all(one == "never sent" or float(str(one)) <= 0.15 + stage.late for one in figures.values()), figures)


def websockets(stage: Stage) -> Figures:
    """Ends of one side are told to the other; what is still to say arrives."""
    figures: Figures = {}
    with Client(stage.port) as client:
        client.send(_UPGRADE)
        client.head()
        client.send(b"hello")
        client.exactly(5)
        client.sock.shutdown(socket.SHUT_WR)
        begun = time.monotonic()
        figures["late_words_after_half_close"] = client.rest() == b"late"
        figures["client_half_close_s"] = round(time.monotonic() - begun, 2)
    for word, name in ((b"end", "upstream_half_close_s"), (b"die", "upstream_killed_s")):
        with Client(stage.port) as client:
            client.send(_UPGRADE)
            client.head()
            client.send(word)
            begun = time.monotonic()
            client.sock.settimeout(3)
            with contextlib.suppress(OSError):
                client.rest()
            figures[name] = round(time.monotonic() - begun, 2)
    return bound(
        all(float(str(figures[name])) <= 0.3 + stage.late for name in figures if name.endswith("_s"))
        and figures["late_words_after_half_close"],
        figures,
    )


def idle_websockets(stage: Stage) -> Figures:
    """Many WebSockets that say nothing: little memory, and all of it back, with every descriptor."""
    count = 2000 if stage.full else 200
    before, memory = stage.running.descriptors(), stage.running.memory()
    clients = stage.many(0)
    begun = time.monotonic()
    for _ in range(count):
        clients.append(Client(stage.port))
        clients[-1].send(_UPGRADE.replace(b"/ws", b"/idle"))
    opened = sum((head := one.head()) is not None and head.first[1] == b"101" for one in clients)
    seconds = time.monotonic() - begun
    each = (stage.running.memory() - memory) * 1024 / count
    well = stage.served()
    for one in (*clients, *stage.upstream.kept):
        one.close()
    stage.upstream.kept.clear()
    back = eventually(lambda: stage.running.descriptors() <= before + 2, 3.0 + 5 * stage.late)
    left = stage.running.memory() - memory
    figures: Figures = {
        "opened": f"{opened} in {seconds:.1f} s",
        "kib_each": round(each, 1),
        "mib_left": round(left, 1),
        "fds": f"{before} {stage.running.descriptors()}",
    }
    return bound(opened == count and seconds < 10 and each <= 8 and left <= 5 and back and well, figures)


# ------------------------------------------------------------------ time


def stalled(stage: Stage) -> Figures:
    """An answer that does not come is 504 at the limit, and its upstream connection is closed."""
    limit = stage.settings.response
    assert limit is not None
    with Client(stage.port) as client:
        begun = time.monotonic()
        client.send(b"GET /stalled HTTP/1.1\r\nHost: hub.example\r\n\r\n")
        got = client.response()
        after = time.monotonic() - begun
    closed = eventually(lambda: b"/stalled" in stage.upstream.closed, 1.0 + stage.late)
    figures: Figures = {"status": got.status, "after_s": round(after, 2), "upstream_closed": closed}
    return bound(got.status in (502, 503, 504) and -0.1 < after - limit < 0.4 + stage.late and closed, figures)


def in_pieces(stage: Stage) -> Figures:
    """An upload may take longer than an answer may; an answer's head that comes octet by octet may not."""
    limit = stage.settings.response
    assert limit is not None
    with Client(stage.port) as upload, Client(stage.port) as drip:
        begun = time.monotonic()
        drip.send(b"GET /drip HTTP/1.1\r\nHost: hub.example\r\n\r\n")
        upload.send(b"POST /well HTTP/1.1\r\nHost: hub.example\r\nContent-Length: 8\r\n\r\n")
        cut = 0.0
        for _ in range(8):
            time.sleep(limit / 6)
            with contextlib.suppress(OSError):  # it was refused
                upload.send(b"x")
            if not cut and select.select([drip.sock], [], [], 0)[0]:
                cut = time.monotonic() - begun
        status = upload.response().status
        ends = drip.response().status if cut else 0
    figures: Figures = {"upload": status, "drip": ends, "cut_after_s": round(cut, 2)}
    return bound(status == 200 and ends in (502, 503, 504) and cut < limit * 4 / 3 + stage.late, figures)


CASES: dict[str, Callable[[Stage], Figures]] = {
    "slow heads": slow_heads,
    "slow bodies": slow_bodies,
    "slow readers": slow_readers,
    "unread uploads": unread_uploads,
    "killed in the middle": killed,
    "restart under load": restart,
    "stale connections": stale,
    "churn": churn,
    "vanished clients": vanished,
    "WebSockets that end": websockets,
    "idle WebSockets": idle_websockets,
    "an answer that stalls": stalled,
    "content and heads in pieces": in_pieces,
}
_TIMED = ("an answer that stalls", "content and heads in pieces")


@contextlib.contextmanager
def prepared(name: str, folder: Path, full: bool) -> Iterator[Stage]:
    """A proxy with short times in front of an upstream that does as it is told."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 20000), max(before[1], 20000)))
    upstream = Upstream()
    origin = Origin(upstream)
    settings = Settings(origin.port, header=HEADER, connect=CONNECT, response=RESPONSE, grace=GRACE)
    running = START[name](folder, settings)
    stage = Stage(name, running, upstream, origin, settings, full, folder)
    try:
        eventually(stage.served, 15)  # it listens before it serves
        yield stage
    finally:
        stage.leave()
        upstream.go.set()
        running.stop()
        stage.origin.faults.clear()
        with contextlib.suppress(AssertionError):
            stage.origin.stop()
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def chosen(name: str, only: str = "") -> Sequence[str]:
    """The cases that a proxy can be asked: `serve --to` has no option for how long an answer may take."""
    return [case for case in CASES if only in case and not (name == "to" and case in _TIMED)]
