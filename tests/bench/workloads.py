"""What is done to each proxy, and what is measured of it.

A measurement is of units of work: requests, messages, or octets. `rate` is units in a second, `cpu` the seconds of CPU time that
the proxy used for one, `p50` and `p99` microseconds; of `idle` there is only `held`, octets of memory for one tunnel.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tests.bench import measure
from tests.bench.peers import Running

Measured = dict[str, float]
_IDLE: Final = 5000
_IDLE_TLS: Final = 1000
_TOLERATED: Final = 0.001
_SETTLE: Final = 0.5  # seconds until memory is looked at
_FIELDS: Final = {  # a browser's, for what wrk sends
    "Host": "hub.example.org",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Accept": "*/*",
    "Accept-Language": "en-US,en;q=0.9",
    "Referer": "https://hub.example.org/user/alice/lab",
    "Cookie": "_xsrf=2|00001234|d41d8cd98f00b204e9800998ecf8427e|1700000000; jupyterhub-session-id=" + "0" * 32,
}


@dataclass(frozen=True)
class Tools:
    """The programs that make load, and where they run."""

    folder: Path
    cores: str

    def command(self, *arguments: str) -> list[str]:
        """Return what is run."""
        return ["taskset", "-c", self.cores, *arguments]

    def load(self, *arguments: object) -> list[str]:
        """Return how our own is run."""
        return self.command(str(self.folder / "load"), *map(str, arguments))


class Failed(Exception):
    """What was asked for did not come; the text says what did."""


def _said(output: IO[str]) -> Measured:
    line = output.readline()
    try:
        said: Measured = json.loads(line[line.index("{") :])
    except ValueError:
        raise Failed(f"the load says: {line}") from None
    if said["bad"] or said["errors"] > said["count"] * _TOLERATED:  # a kept connection may end at a bad moment
        raise Failed(f"{said['errors']:.0f} errors, {said['bad']:.0f} wrong answers")
    return said


def _timed(proxy: Running, command: list[str]) -> Measured:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        before = measure.cpu(proxy.pids)
        if command[-3] in ("http", "ws"):
            process.stdout.readline()  # START
            before = measure.cpu(proxy.pids)
        said = _said(process.stdout)
        used = measure.cpu(proxy.pids) - before
    said["rate"] = said["count"] / said["seconds"]
    said["cpu"] = used / said["count"]
    return said


def _http(proxy: Running, tools: Tools, seconds: float) -> Measured:
    return _timed(proxy, tools.load(proxy.place.port, "http", 64, seconds))


def _websocket(proxy: Running, tools: Tools, seconds: float) -> Measured:
    return _timed(proxy, tools.load(proxy.place.port, "ws", 100, seconds))


def _download(proxy: Running, tools: Tools, seconds: float) -> Measured:
    return _timed(proxy, tools.load(proxy.place.port, "down", 8, int(seconds * (64 << 20))))


def _upload(proxy: Running, tools: Tools, seconds: float) -> Measured:
    return _timed(proxy, tools.load(proxy.place.port, "up", 1, int(seconds * (256 << 20))))


def _wrk(proxy: Running, tools: Tools, seconds: float, connections: int, *more: str) -> Measured:
    fields = [word for name, value in _FIELDS.items() for word in ("-H", f"{name}: {value}")]
    url = f"https://127.0.0.1:{proxy.place.tls}/user/alice/api/contents/work/Untitled.ipynb"
    before = measure.cpu(proxy.pids)
    command = tools.command("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", *fields, *more, url)
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    used = measure.cpu(proxy.pids) - before
    said: Measured = {}
    for line in output.splitlines():
        words = line.split()
        if "requests in" in line:
            said["count"] = int(words[0])
        elif line.startswith("Requests/sec"):
            said["rate"] = float(words[1])
        elif "Non-2xx" in line or "Socket errors" in line:
            raise Failed(line.strip())
    if not said.get("count"):
        raise Failed(output)
    return {**said, "cpu": used / said["count"]}


def _tls(proxy: Running, tools: Tools, seconds: float) -> Measured:
    return _wrk(proxy, tools, seconds, 64)


def _handshakes(proxy: Running, tools: Tools, seconds: float) -> Measured:
    return _wrk(proxy, tools, seconds, 16, "-H", "Connection: close")


def _idle(proxy: Running, tools: Tools, seconds: float) -> Measured:
    return _held(proxy, _IDLE, lambda count: tools.load(proxy.place.port, "idle", count, 3))


def _idle_tls(proxy: Running, tools: Tools, seconds: float) -> Measured:
    return _held(
        proxy,
        _IDLE_TLS,
        lambda count: tools.command(sys.executable, "-m", "tests.bench.tunnels", str(proxy.place.tls), str(count)),
    )


def _held(proxy: Running, most: int, command: Callable[[int], list[str]]) -> Measured:
    def held(count: int) -> int:
        with subprocess.Popen(command(count), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            _said(process.stdout)
            time.sleep(_SETTLE)
            seen = measure.memory(measure.family(proxy.process.pid))
            process.communicate()
        return seen

    held(50)  # what the first connections bring with them is not theirs
    time.sleep(_SETTLE)
    before = measure.memory(measure.family(proxy.process.pid))
    return {"held": (held(most) - before) / most}


@dataclass(frozen=True)
class Workload:
    """One kind of work."""

    title: str
    unit: str
    run: Callable[[Running, Tools, float], Measured]
    tls: bool = False
    once: bool = False  # memory does not vary as time does


WORKLOADS: Final = {
    "http": Workload("small HTTP", "request", _http),
    "ws": Workload("WebSocket", "message", _websocket),
    "down": Workload("download", "GB", _download),
    "up": Workload("upload", "GB", _upload),
    "tls": Workload("TLS, kept", "request", _tls, tls=True),
    "tlsnew": Workload("TLS, new", "connection", _handshakes, tls=True),
    "idle": Workload("idle tunnel", "tunnel", _idle, once=True),
    "tlsidle": Workload("idle tunnel, TLS", "tunnel", _idle_tls, tls=True, once=True),
}
