"""The demo: install, start, say where, wait, clean up."""

from __future__ import annotations

import argparse
import importlib.util
import os
import secrets
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final

from perijove.demo.hub import DidNotStart, Hub
from perijove.demo.processes import free_port, is_free
from perijove.demo.replicas import Replicas

_BASE: Final = "/jupyter/"
_PORT: Final = 8080
_USER: Final = "demo"
_PAUSE: Final = 5.0  # seconds after which a part is started again


class _Stopped(BaseException):
    """A signal asked us to end."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped


class _Steps:
    """Progress: a line for each step, with how long it took."""

    def __init__(self) -> None:
        self._begun = 0.0

    def begin(self, text: str) -> None:
        self._begun = time.monotonic()
        print(f"  {text} … ", end="", flush=True)

    def done(self, note: str = "") -> None:
        print(f"{note or 'done'} ({time.monotonic() - self._begun:.1f} s)", flush=True)


def _state() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "perijove" / "demo"


def _box(lines: list[str]) -> str:
    width = max(map(len, lines))
    inner = "\n".join(f"  │ {line:<{width}} │" for line in lines)
    return f"\n  ╭{'─' * (width + 2)}╮\n{inner}\n  ╰{'─' * (width + 2)}╯\n"


def _ready() -> bool:
    if importlib.util.find_spec("jupyterhub") is not None and importlib.util.find_spec("jupyterlab") is not None:
        return True
    print("error: JupyterHub is not installed here: type `make demo`, or `pip install 'perijove[demo]'`", file=sys.stderr)
    return False


def _free(port: int, target: str) -> int:
    """Return this port, or another one if it is taken."""
    if port == 0:
        return free_port()
    if is_free(port):
        return port
    other = free_port()
    print(f"  port {port} is taken, so {other} is used; `make {target} PORT=…` chooses one")
    return other


def _check(hub: Hub) -> None:
    if hub.process.exited() is not None:
        raise DidNotStart(f"{hub.process.name} ended with status {hub.process.exited()}:\n{hub.process.tail()}")


def _run(port: int, folder: Path, running: list[Hub | Replicas]) -> int:
    """Show one perijove, which the hub starts."""
    steps = _Steps()
    print("perijove demo: a real JupyterHub, with perijove as its proxy")
    if not _ready():
        return 1
    port = _free(port, "demo")
    steps.begin("starting JupyterHub and perijove")
    password = secrets.token_urlsafe(9)
    hub = Hub(folder, _BASE, password, port, {"PerijoveProxy": {"access_log": str(folder / "access.log")}})
    running.append(hub)
    hub.wait()
    steps.done()
    url = f"{hub.url}{_BASE}"
    print(_box([f"open      {url}", f"user      {_USER}", f"password  {password}", "", "Ctrl-C ends everything"]), flush=True)
    print(f"  logs and files: {folder}", flush=True)
    while True:
        _check(hub)
        time.sleep(0.5)


def _run_replicas(port: int, folder: Path, running: list[Hub | Replicas]) -> int:
    """Show two perijoves that share their routes in Redis. What ends is started again, as systemd would do."""
    steps = _Steps()
    print("perijove demo: a real JupyterHub, with two perijoves that share their routes in Redis")
    if not _ready():
        return 1
    if importlib.util.find_spec("redis") is None:
        print("error: Redis's client is not installed here: type `make demo-replicas`, or `pip install redis`", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    port = _free(port, "demo-replicas")
    steps.begin("starting Redis, two perijoves, a balancer and JupyterHub")
    password, token = secrets.token_urlsafe(9), secrets.token_hex(32)
    hub_port = free_port()
    replicas = Replicas(folder, port, f"http://127.0.0.1:{hub_port}{_BASE}", token)
    running.append(replicas)
    settings = {"should_start": False, "api_url": replicas.api_url, "auth_token": token}
    hub = Hub(folder, _BASE, password, port, {"PerijoveProxy": settings, "JupyterHub": {"hub_port": hub_port}})
    running.append(hub)
    replicas.wait()
    hub.wait()
    steps.done()
    lines = [f"open      {hub.url}{_BASE}      by way of the balancer, or:"]
    for one, port in zip(replicas.perijoves, replicas.ports, strict=True):
        lines.append(f"          http://127.0.0.1:{port}{_BASE}      {one.name}, pid {one.process.pid}")
    lines += [f"user      {_USER}", f"password  {password}", "", "Ctrl-C ends everything"]
    print(_box(lines), flush=True)
    print(f"  kill -9 one of them: the other one serves on. The routes: redis-cli -s {replicas.socket} hgetall perijove:routes")
    print(f"  logs and files: {folder}", flush=True)
    while True:
        _check(hub)
        for part in replicas.parts:
            if part.process.exited() is not None:
                print(f"  {part.name} ended with status {part.process.exited()}; it is started again … ", end="", flush=True)
                time.sleep(_PAUSE)
                part.start()
                part.wait()
                print(f"pid {part.process.pid}", flush=True)
        time.sleep(0.5)


def main() -> int:
    """Run the demo until Ctrl-C; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m perijove.demo", description="A real JupyterHub behind perijove.")
    parser.add_argument("--port", type=int, default=_PORT, help=f"where to listen on 127.0.0.1 (default {_PORT}; 0: any)")
    parser.add_argument("--replicas", action="store_true", help="two perijoves, and Redis")
    given = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    running: list[Hub | Replicas] = []
    status = 0
    try:
        if given.replicas:
            status = _run_replicas(given.port, _state() / "replicas", running)
        else:
            status = _run(given.port, _state(), running)
    except _Stopped:
        print("\n  stopping … ", end="", flush=True)
    except DidNotStart as error:
        print(f"\nerror: {error}", file=sys.stderr)
        status = 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # cleaning up is not interrupted
        for part in reversed(running):
            part.stop()
    if status == 0:
        print("everything is stopped", flush=True)
    return status
