"""Processes that are started, watched and ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import IO, Final

_POLL: Final = 0.05
PORTS = range(10240, 32768)  # that are looked through: below ip_local_port_range (ip(7)), above what has a name


def free_port() -> int:
    """Return a loopback port that nobody uses now, of those that the system gives to no connection by itself."""
    while True:
        port = random.choice(PORTS)
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    """Tell whether a loopback port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def descendants(pid: int) -> dict[int, str]:
    """Return the processes below `pid`, with their start times, which tell them from later ones of the same number."""
    children: dict[int, list[int]] = {}
    started: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            rest = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            children.setdefault(int(rest[1]), []).append(int(entry.name))
            started[int(entry.name)] = rest[19]
    found: dict[int, str] = {}
    todo = [pid]
    while todo:
        for child in children.get(todo.pop(), []):
            found[child] = started[child]
            todo.append(child)
    return found


def is_running(pid: int, started: str) -> bool:
    """Tell whether a process of `descendants` still runs (a zombie does not)."""
    try:
        rest = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return False
    return rest[19] == started and rest[0] != "Z"


class Process:
    """A child with a log file. It is a session of its own, so that Ctrl-C reaches only us, and we end it in order."""

    def __init__(
        self, name: str, command: list[str], log: Path, env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = log.open("wb")
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
        self.pid = self._popen.pid

    def exited(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._popen.poll()

    def tail(self, lines: int = 15) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self, patience: float = 15.0) -> None:
        """End it: ask first, and after `patience` seconds end it and all that it started, which may take as long again."""
        end_all(self.leave(patience))

    def leave(self, patience: float = 15.0) -> dict[int, str]:
        """End it, and nothing that it started: return that, as `descendants` does."""
        below = descendants(self.pid)
        if self._popen.poll() is None:
            self._popen.terminate()
            end = time.monotonic() + patience
            while self._popen.poll() is None and time.monotonic() < end:
                below.update(descendants(self.pid))
                time.sleep(_POLL)
            if self._popen.poll() is None:
                self._popen.kill()
                self._popen.wait()
        self._file.close()
        return below


def end_all(processes: dict[int, str]) -> None:
    """End processes of `descendants`: ask first, and after some seconds end them."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid, started in processes.items():
            if is_running(pid, started):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        end = time.monotonic() + 3
        while any(is_running(*one) for one in processes.items()) and time.monotonic() < end:
            time.sleep(_POLL)
