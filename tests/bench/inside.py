"""What a proxy does for a unit of work, whatever the machine's load: system calls (strace), instructions (callgrind), and where its
time goes (perf).

Instructions are those outside the kernel, of the worker alone. Under valgrind a worker is some fifty times slower, and does the same.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.bench.peers import Place, Running
from tests.bench.workloads import Tools

_SECONDS: Final = 1.0
_LONG: Final = 4.0  # under valgrind
_LEAST: Final = 0.005  # of the time: what is told
_UNITS: Final = {"http": 64, "ws": 100}
# Whose code an object file is; what none of these fits is the proxy's own.
_KINDS: Final = (
    ("kernel", r"^\[(?!vdso)"),
    ("Python", r"^(libpython|python)"),
    ("libraries", r"^(lib|ld-|\[vdso\]|_ssl|_socket)"),
)


def _load(tools: Tools, port: int, item: str, seconds: float) -> int:
    """Return how many units of work were done in all."""
    output = subprocess.run(tools.load(port, item, _UNITS[item], seconds), capture_output=True, text=True, check=True).stdout
    count: int = json.loads(output.splitlines()[-1])["everything"]
    return count


def system_calls(proxy: Running, tools: Tools, item: str) -> dict[str, float]:
    """Return how often each system call is made for a unit of work."""
    with tempfile.NamedTemporaryFile("r") as found:
        attached = [word for pid in proxy.pids for word in ("-p", str(pid))]
        tracer = subprocess.Popen(
            ["strace", "-f", "-c", "-U", "name,calls", "-o", found.name, *attached], stderr=subprocess.DEVNULL
        )
        time.sleep(0.5)
        count = _load(tools, proxy.place.port, item, _SECONDS)
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        calls = re.findall(r"^(\w+) +(\d+)$", found.read(), re.M)
    return {name: int(times) / count for name, times in calls if name != "total" and int(times) * 20 > count}


def profile(proxy: Running, tools: Tools, item: str) -> dict[str, float]:
    """Return which part of its time, of 1, a proxy spends in the kernel, in its own code, in Python, and in libraries."""
    with tempfile.TemporaryDirectory() as made:
        found = f"{made}/perf.data"
        pids = ",".join(map(str, proxy.pids))
        # By the clock: a machine that is itself virtual may count no cycles.
        watched = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "2000", "-p", pids, "-o", found, "--", "sleep", "60"]
        watcher = subprocess.Popen(watched, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        _load(tools, proxy.place.port, item, 2 * _SECONDS)
        watcher.send_signal(signal.SIGINT)
        watcher.wait()
        asked = ["perf", "report", "-q", "-i", found, "--sort", "dso", "-F", "overhead,dso", "-t", ","]
        return shares(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)


def shares(said: str) -> dict[str, float]:
    """Return what perf says of object files, put together."""
    found: dict[str, float] = {}
    for share, name in re.findall(r"^ *([0-9.]+)% *, *(\S+) *$", said, re.M):
        kind = next((kind for kind, like in _KINDS if re.search(like, name)), "own")
        found[kind] = found.get(kind, 0.0) + float(share) / 100
    return found


def instructions(place: Place, tools: Tools, item: str, out: Path) -> float:
    """Return the instructions of a worker of ours for a unit of work; `out` is written for callgrind_annotate."""
    place.folder.mkdir(parents=True, exist_ok=True)
    text = f'listen = "127.0.0.1:{place.port}"\nto = "http://127.0.0.1:{place.upstream}"\n'
    if place.log:
        text += f'access-log = "{place.folder / "access.log"}"\n'
    command = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
    command += [sys.executable, "-m", "tests.bench.alone", str(place.written("alone.toml", text))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()  # READY
        _load(tools, place.port, item, _SECONDS)  # what is remembered is made
        for switch in ("on", "off"):
            subprocess.run(["callgrind_control", "-i", switch, str(worker.pid)], check=True, stdout=subprocess.DEVNULL)
            if switch == "on":
                count = _load(tools, place.port, item, _LONG)
        worker.terminate()
    counted = re.search(r"^(?:totals): (\d+)", out.read_text(), re.M)
    if counted is None:
        raise RuntimeError("valgrind has counted nothing")
    return int(counted[1]) / count


def tell(names: list[str], items: list[str], place: Callable[[str], Place], tools: Tools, cores: str) -> None:
    """Print a table."""
    print("| proxy | work | system calls | time | instructions outside the kernel |")
    print("|---|---|---|---|---|")
    for name in names:
        for item in [item for item in items if item in _UNITS]:
            proxy = Running(name, place(name), cores)
            try:
                calls = system_calls(proxy, tools, item) if shutil.which("strace") else {}
                spent = profile(proxy, tools, item) if shutil.which("perf") else {}
            finally:
                proxy.stop()
            counted = ""
            if name == "perijove" and shutil.which("valgrind"):
                counted = f"{instructions(place(name), tools, item, tools.folder / f'callgrind-{item}'):,.0f}"
            told = ", ".join(f"{call} {times:.2f}" for call, times in sorted(calls.items(), key=lambda one: -one[1]))
            parts = sorted(spent.items(), key=lambda one: -one[1])
            where = ", ".join(f"{kind} {share:.0%}" for kind, share in parts if share > _LEAST)
            print(f"| {name} | {item} | {told} | {where} | {counted} |", flush=True)
