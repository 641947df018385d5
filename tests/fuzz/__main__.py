"""Fuzz for a while: `python -m tests.fuzz [--target NAME …] [--seconds N]`, or `make fuzz`.

Each target first gets what atheris chooses, where that is installed, on the pure engine; then what is made from all that led
somewhere, on the engine that this process has. What is found is cut down, printed, and left in `.cache/fuzz/found`; moved to
`tests/fuzz/corpus/NAME`, it is a test. Exit status 1 if anything is found. `--plants` shows that faults are found.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import random
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Final

from tests.fuzz import plants
from tests.fuzz.mutate import inputs
from tests.fuzz.run import TARGETS, Finding, run, shrunk, tried
from tests.fuzz.target import Target

from perijove import engine

CACHE: Final = Path(".cache/fuzz")


def main(arguments: list[str] | None = None) -> int:
    """Run; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", action="append", choices=[one.name for one in TARGETS], help="one of them; may be repeated")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--seed", type=int, help="what is made; another each time without it")
    parser.add_argument("--mutations", action="store_true", help="do without atheris")
    parser.add_argument("--first", action="store_true", help="end with the first that is found, as it is")
    parser.add_argument("--outcomes", type=int, metavar="COUNT", help="print a hash of what comes of each input, and no more")
    parser.add_argument("--plants", action="store_true", help="plant faults in copies, and find them")
    options = parser.parse_args(arguments)
    chosen = [one for one in TARGETS if not options.target or one.name in options.target]
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    if options.outcomes:
        for target in chosen:
            print(*hashes(target, seed, options.outcomes), sep="\n")
        return 0
    if options.plants:
        return plants.main(options.seconds, {one.name for one in chosen})
    guided = not options.mutations and importlib.util.find_spec("atheris") is not None
    print(f"seed {seed}, engine {engine.KIND}, {'with' if guided else 'without'} atheris", flush=True)
    if options.first:
        return int(any(_first(target, seed, options.seconds) for target in chosen))
    return int(sum(_fuzzed(target, seed, options.seconds, guided) for target in chosen) > 0)


def hashes(target: Target, seed: int, count: int) -> list[str]:
    """Return, of each input, a hash of what comes of it."""
    found = []
    for octets in islice(inputs(seed, target.corpus(), target.words), count):
        outcome = tried(target, octets)
        text = repr(outcome.where[0] if isinstance(outcome, Finding) else outcome)
        found.append(hashlib.blake2b(text.encode(), digest_size=6).hexdigest())
    return found


def _first(target: Target, seed: int, seconds: float) -> bool:
    """Tell whether anything is found, and what."""
    told = run(target, inputs(seed, target.corpus(), target.words), seconds, 1)
    for finding in told.findings.values():
        print(f"{target.name}: {told.count} inputs: {' '.join(map(str, finding.where))}\n{finding.text}")
    return bool(told.findings)


def _fuzzed(target: Target, seed: int, seconds: float, guided: bool) -> bool:
    """Fuzz one target; tell whether anything was found."""
    folder = CACHE / target.name
    folder.mkdir(parents=True, exist_ok=True)
    bad = []
    if guided:
        bad = _guided(target, folder, seed, seconds / 2)
        seconds /= 2
    kept = [one.read_bytes() for one in sorted(folder.iterdir())]
    corpus = [*target.corpus(), *kept]
    for octets in bad:
        outcome = tried(target, octets)
        if isinstance(outcome, Finding):
            _tell(target, outcome)
    told = run(target, inputs(seed, corpus, target.words), seconds)
    kinds = ", ".join(f"{times} {kind}" for kind, times in told.kinds.most_common())
    print(f"{target.name}: {told.count} inputs, of {len(corpus)}: {kinds}", flush=True)
    for finding in told.findings.values():
        _tell(target, finding)
    return bool(bad or told.findings)


def _guided(target: Target, folder: Path, seed: int, seconds: float) -> list[bytes]:
    """Let atheris try; return what it found."""
    found = CACHE / "found"
    found.mkdir(parents=True, exist_ok=True)
    seeds = CACHE / "seeds" / target.name
    seeds.mkdir(parents=True, exist_ok=True)
    for octets in target.corpus():
        (seeds / _name(octets)).write_bytes(octets)
    words = CACHE / f"{target.name}.dict"
    words.write_text("".join('"{}"\n'.format("".join(f"\\x{octet:02x}" for octet in word)) for word in target.words))
    before = set(found.iterdir())
    command = [sys.executable, "-m", "tests.fuzz.guided", target.name, str(folder), str(seeds)]
    command += [
        f"-max_total_time={int(seconds) or 1}",
        f"-seed={seed + 1}",
        f"-dict={words}",
        f"-artifact_prefix={found}/",
        "-max_len=4096",
    ]
    done = subprocess.run(command, env={**os.environ, "PERIJOVE_PURE": "1"}, capture_output=True, check=False)
    lines = done.stderr.decode(errors="replace").splitlines()
    print(f"{target.name}: atheris: {lines[-1] if lines else 'nothing'}", flush=True)
    new = [path for path in set(found.iterdir()) - before if not path.name.startswith("slow-unit")]
    if done.returncode and not new:
        print("\n".join(lines[-20:]))
    return [path.read_bytes() for path in new]


def _name(octets: bytes) -> str:
    return hashlib.blake2b(octets, digest_size=8).hexdigest()


def _tell(target: Target, finding: Finding) -> None:
    small = shrunk(target, finding)
    path = CACHE / "found" / f"{target.name}-{_name(small.octets)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(small.octets)
    print(f"{target.name}: {' '.join(map(str, small.where))}\n  {small.octets!r}\n  kept as {path}\n{small.text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
