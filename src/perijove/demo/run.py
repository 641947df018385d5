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


def _run(port: int, folder: Path, running: list[Hub]) -> int:
    steps = _Steps()
    print("perijove demo: a real JupyterHub, with perijove as its proxy")
    if importlib.util.find_spec("jupyterhub") is None or importlib.util.find_spec("jupyterlab") is None:
        print("error: JupyterHub is not installed here: type `make demo`, or `pip install 'perijove[demo]'`", file=sys.stderr)
        return 1
    if port == 0:
        port = free_port()
    elif not is_free(port):
        other = free_port()
        print(f"  port {port} is taken, so {other} is used; `make demo PORT=…` chooses one")
        port = other
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
        if hub.process.exited() is not None:
            raise DidNotStart(f"{hub.process.name} ended with status {hub.process.exited()}:\n{hub.process.tail()}")
        time.sleep(0.5)


def main() -> int:
    """Run the demo until Ctrl-C; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m perijove.demo", description="A real JupyterHub behind perijove.")
    parser.add_argument("--port", type=int, default=_PORT, help=f"where to listen on 127.0.0.1 (default {_PORT}; 0: any)")
    port: int = parser.parse_args().port
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    running: list[Hub] = []
    status = 0
    try:
        status = _run(port, _state(), running)
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
