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

from perijove.demo.hub import DidNotStart, Hub, wait_for
from perijove.demo.node import NoNode, proxy_command
from perijove.demo.processes import Process, free_port, is_free

_BASE: Final = "/jupyter/"
_PORT: Final = 8080
_USER: Final = "demo"


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


def _serve(port: int, hub: Hub, folder: Path) -> Process:
    command = [sys.executable, "-m", "perijove", "serve", "--to", hub.url, "--mount", _BASE]
    command += ["--listen", f"127.0.0.1:{port}", "--access-log", str(folder / "access.log")]
    return Process("perijove", command, folder / "perijove.log")


def _run(port: int, folder: Path, running: list[Hub | Process]) -> int:
    steps = _Steps()
    print("perijove demo: a real JupyterHub behind perijove")
    if importlib.util.find_spec("jupyterhub") is None or importlib.util.find_spec("jupyterlab") is None:
        print("error: JupyterHub is not installed here: type `make demo`, or `pip install 'perijove[demo]'`", file=sys.stderr)
        return 1
    steps.begin("JupyterHub's inner proxy, from npm")
    proxy = proxy_command(folder / "node")
    steps.done()
    steps.begin("starting JupyterHub")
    password = secrets.token_urlsafe(9)
    hub = Hub(folder, _BASE, proxy, password)
    running.append(hub)
    hub.wait()
    steps.done()
    if port == 0:
        port = free_port()
    elif not is_free(port):
        other = free_port()
        print(f"  port {port} is taken, so {other} is used; `make demo PORT=…` chooses one")
        port = other
    steps.begin("starting perijove")
    front = _serve(port, hub, folder)
    running.append(front)
    url = f"http://127.0.0.1:{port}{_BASE}"
    wait_for(f"{url}hub/login", front, 20.0)
    steps.done()
    print(_box([f"open      {url}", f"user      {_USER}", f"password  {password}", "", "Ctrl-C ends everything"]), flush=True)
    print(f"  logs and files: {folder}", flush=True)
    while True:
        for part in (hub.process, front):
            if part.exited() is not None:
                raise DidNotStart(f"{part.name} ended with status {part.exited()}:\n{part.tail()}")
        time.sleep(0.5)


def main() -> int:
    """Run the demo until Ctrl-C; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m perijove.demo", description="A real JupyterHub behind perijove.")
    parser.add_argument("--port", type=int, default=_PORT, help=f"where to listen on 127.0.0.1 (default {_PORT}; 0: any)")
    port: int = parser.parse_args().port
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    running: list[Hub | Process] = []
    status = 0
    try:
        status = _run(port, _state(), running)
    except _Stopped:
        print("\n  stopping … ", end="", flush=True)
    except (DidNotStart, NoNode) as error:
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
