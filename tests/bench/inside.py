"""What a proxy does for a unit of work, whatever the machine's load: system calls (strace), and instructions (callgrind).

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
_UNITS: Final = {"http": 64, "ws": 100}


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
    print("| proxy | work | system calls | instructions outside the kernel |")
    print("|---|---|---|---|")
    for name in names:
        for item in [item for item in items if item in _UNITS]:
            proxy = Running(name, place(name), cores)
            try:
                calls = system_calls(proxy, tools, item) if shutil.which("strace") else {}
            finally:
                proxy.stop()
            counted = ""
            if name == "perijove" and shutil.which("valgrind"):
                counted = f"{instructions(place(name), tools, item, tools.folder / f'callgrind-{item}'):,.0f}"
            told = ", ".join(f"{call} {times:.2f}" for call, times in sorted(calls.items(), key=lambda one: -one[1]))
            print(f"| {name} | {item} | {told} | {counted} |", flush=True)
