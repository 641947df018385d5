"""Measure proxies on the same work, rounds in turn: `python -m tests.bench`, or `make bench`.

Every proxy is one worker on one set of cores, the load and the upstream are on another; one proxy at a time is under load.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.bench import inside
from tests.bench.peers import PEERS, Place, Running, missing, version
from tests.bench.picture import picture
from tests.bench.report import table
from tests.bench.workloads import WORKLOADS, Failed, Measured, Tools

import perijove

_TOOLS: Final = Path(__file__).parent / "tools"
_FIRST_PORT: Final = 19000
_MOST_DESCRIPTORS: Final = 20000


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--peers", default="nginx,haproxy,apache,caddy,chp,relay", help=f"of {', '.join(PEERS)}")
    options.add_argument("--ours", default="perijove,perijove-pure,perijove-apache", help="of the same")
    options.add_argument("--items", default="http,ws,down,up", help=f"of {', '.join(WORKLOADS)}")
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--seconds", type=float, default=1.0, help="for a measurement")
    options.add_argument("--base", default="nginx", help="whom the others are compared with")
    options.add_argument("--no-log", action="store_true", help="nobody writes an access log")
    options.add_argument("--cores", default="0", help="of the proxy")
    options.add_argument("--load-cores", default="1", help="of the load and the upstream")
    options.add_argument("--write", type=Path, metavar="FOLDER", help="put bench.json, bench.md and bench.svg there")
    options.add_argument("--inside", action="store_true", help="count system calls and, with valgrind, instructions instead")
    return options.parse_args()


def _compiled(folder: Path) -> None:
    for source in _TOOLS.glob("*.c"):
        subprocess.run(["cc", "-O2", "-o", folder / source.stem, source], check=True)


def _certificate(folder: Path) -> Path:
    both = folder / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=hub.example.org"
    subprocess.run(
        [*command.split(), "-keyout", folder / "key.pem", "-out", folder / "chain.pem"], check=True, capture_output=True
    )
    both.write_text((folder / "chain.pem").read_text() + (folder / "key.pem").read_text())
    return both


def _measured(proxy: Running, item: str, tools: Tools, seconds: float) -> Measured:
    try:
        return WORKLOADS[item].run(proxy, tools, seconds)
    except Failed as failure:
        print(f"{proxy.name}: {item}: {failure}", file=sys.stderr)
        return {}


def _heading(names: list[str], options: argparse.Namespace) -> str:
    told = ", ".join(f"{name} {said}" for name in names if (said := version(name)))
    log = "no access log" if options.no_log else "each with its access log in a file"
    python = sys.version.split()[0]
    return (
        f"Median of {options.rounds} rounds of {options.seconds:g} s in turn, with quartiles; one worker each, {log}. "
        f"perijove {perijove.__version__}, CPython {python}; {told}.\n"
    )


def main() -> int:
    """Measure, and print tables."""
    options = _options()
    wanted = [name for name in [*options.ours.split(","), *options.peers.split(",")] if name]
    items = [name for name in options.items.split(",") if name]
    if unknown := [name for name in wanted if name not in PEERS] + [name for name in items if name not in WORKLOADS]:
        print(f"unknown: {', '.join(unknown)}", file=sys.stderr)
        return 2
    for name in [name for name in wanted if missing(name)]:
        print(f"not installed, left out: {name}", file=sys.stderr)
        wanted.remove(name)
    if any(WORKLOADS[item].tls for item in items) and shutil.which("wrk") is None:
        print("wrk, which makes the load over TLS, is not installed", file=sys.stderr)
        return 2
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, _MOST_DESCRIPTORS), most))
    with tempfile.TemporaryDirectory(prefix="perijove-bench-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)  # servers that become somebody else write there, too
        _compiled(folder)
        certificate = _certificate(folder)
        tools = Tools(folder, options.load_cores)
        upstream = subprocess.Popen(tools.command(str(folder / "upstream"), str(_FIRST_PORT)))

        def place(name: str, tls: bool) -> Place:
            number = (list(PEERS).index(name) + 1) * 2 + tls
            port = _FIRST_PORT + number
            return Place(
                folder / f"{name}-{number}", port, port + 100 if tls else 0, _FIRST_PORT, certificate, not options.no_log
            )

        try:
            if options.inside:
                inside.tell(
                    [name for name in wanted if name != "relay"], items, lambda name: place(name, False), tools, options.cores
                )
                return 0
            rounds = _all(wanted, items, place, tools, options)
        finally:
            upstream.terminate()
            upstream.wait()
    text = _heading(wanted, options) + "\n" + table(rounds, options.base)
    print(text)
    if options.write:
        options.write.mkdir(parents=True, exist_ok=True)
        (options.write / "bench.json").write_text(json.dumps(rounds, indent=1) + "\n")
        (options.write / "bench.md").write_text(text)
        (options.write / "bench.svg").write_text(picture(rounds, options.base))
    return 0


def _all(
    wanted: list[str], items: list[str], place: Callable[[str, bool], Place], tools: Tools, options: argparse.Namespace
) -> dict[str, dict[str, list[Measured]]]:
    rounds: dict[str, dict[str, list[Measured]]] = {item: {name: [] for name in wanted} for item in items}
    for tls in (False, True):
        these = [item for item in items if WORKLOADS[item].tls is tls]
        names = [name for name in wanted if not (tls and name == "relay")]
        if not these:
            continue
        running: dict[str, Running] = {}
        try:
            for name in names:
                running[name] = Running(name, place(name, tls), options.cores)
            for turn in range(options.rounds):
                for item in [item for item in these if not WORKLOADS[item].once or turn == 0]:
                    print(f"round {turn + 1} of {options.rounds}: {item}", file=sys.stderr)
                    order = random.Random(turn).sample(names, len(names))
                    for name in order:
                        if WORKLOADS[item].once:  # memory is of a process that has done nothing else
                            running[name].stop()
                            running[name] = Running(name, place(name, tls), options.cores)
                        found = _measured(running[name], item, tools, options.seconds)
                        rounds[item][name].append(found)
        finally:
            for proxy in running.values():
                proxy.stop()
    return {item: {name: found for name, found in proxies.items() if found} for item, proxies in rounds.items()}


if __name__ == "__main__":
    sys.exit(main())
