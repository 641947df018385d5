"""Play random configurations on a real Apache and on perijove: `python -m tests.oracle.fuzz [--seed N] [--count N]`.

Prints each kind of difference that is not accepted (`classes`), with the smallest configuration that shows it. What was drawn
can be drawn again: `--only SEED:NUMBER`. `--plants` puts known faults into copies of perijove and shows that they are found.
Exit status 1 if anything differs that is not accepted, or a planted fault is not found.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.oracle import case as cases
from tests.oracle.fuzz import batch, plants
from tests.oracle.fuzz.batch import Outcome, compared
from tests.oracle.fuzz.classes import accepted
from tests.oracle.fuzz.grammar import TOGETHER, drawn
from tests.oracle.fuzz.shrink import kinds, shrunk
from tests.oracle.fuzz.tree import Small
from tests.oracle.play import APACHE, OURS
from tests.oracle.stage import Certificates


def main(arguments: list[str] | None = None) -> int:
    """Run; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="what is drawn; another each time without it")
    parser.add_argument("--count", type=int, default=2000, help="how many configurations")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="how many servers of each at the same time")
    parser.add_argument("--only", metavar="SEED:NUMBER", help="one configuration, in full")
    parser.add_argument("--shrink", type=int, default=10, help="how many kinds of differences are cut down")
    parser.add_argument("--plants", action="store_true", help="find planted faults")
    options = parser.parse_args(arguments)
    if not os.access(APACHE, os.X_OK):
        print(f"There is no {APACHE}: type `apt-get install apache2`, or set APACHE and APACHE_MODULES.")
        return 1
    if options.only:
        seed, number = map(int, options.only.split(":"))
        return _one(drawn(seed, number // TOGETHER)[number % TOGETHER])
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    if options.plants:
        return plants.main(seed, options.count, options.jobs)
    return _run(seed, options.count, options.jobs, options.shrink)


def _run(seed: int, count: int, jobs: int, shrink: int) -> int:
    began = time.monotonic()
    print(f"seed {seed}", flush=True)
    batches = range((count + TOGETHER - 1) // TOGETHER)
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for done in pool.map(batch.numbered, itertools.repeat(seed), batches):
            outcomes += done
    print(f"{len(outcomes)} configurations and {sum(one.requests for one in outcomes)} requests, each on both, "
          f"in {time.monotonic() - began:.0f} s; {sum(bool(one.apache) for one in outcomes)} configurations Apache refuses")  # fmt: skip
    classes: Counter[str] = Counter()
    strange: dict[str, tuple[Small, int]] = {}
    how_often: Counter[str] = Counter()
    for outcome in outcomes:
        for number in list(outcome.different):
            name = accepted(outcome.small.requests[number], outcome.different[number])
            if name:
                classes[name] += 1
                del outcome.different[number]
        for kind, number in kinds(outcome).items():
            strange.setdefault(kind, (outcome.small, number))
            how_often[kind] += 1
    for name, times in classes.most_common():
        print(f"accepted: {name}: {times} requests")
    said = [line for one in outcomes for line in one.broken]
    for line in said:
        print(f"perijove's log: {line}")
    differing = sum(one.differs for one in outcomes)
    print(f"{differing} configurations differ otherwise, in {len(strange)} ways")
    for kind, times in how_often.most_common(shrink):
        print(f"\n{times} times: {kind}", flush=True)
        _show(*strange[kind], kind)
    return 1 if differing else 0


def _show(small: Small, number: int, kind: str) -> None:
    certificates = Certificates.make()
    try:
        least, outcome = shrunk(small, kind, number, lambda smalls: compared(smalls, certificates, OURS))
    finally:
        certificates.remove()
    print(f"--only {small.name.removeprefix('fz-').replace('-', ':')}")
    if outcome is None:
        print("it does not differ when it is asked alone")
        return
    print(cases.dump(least.description()), end="")
    _tell(outcome)


def _tell(outcome: Outcome) -> None:
    if outcome.verdicts_differ:
        print(f"Apache: {outcome.apache or 'it is right'}\nperijove: {outcome.ours or 'it is right'}")
    for line in itertools.chain(outcome.broken, *outcome.different.values()):
        print(line)


def _one(small: Small) -> int:
    certificates = Certificates.make()
    try:
        outcome = compared([small], certificates, OURS)[0]
    finally:
        certificates.remove()
    print(cases.dump(small.description()), end="")
    _tell(outcome)
    return 1 if outcome.differs else 0


if __name__ == "__main__":
    sys.exit(main())
