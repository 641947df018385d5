"""A short run of the fuzz targets that the engine is in: on both engines, and both do the same. `make fuzz` is the long one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.fuzz.__main__ import hashes
from tests.fuzz.run import TARGETS, short
from tests.fuzz.target import Target

from perijove import engine

ENGINE = [one for one in TARGETS if one.engine]
ALIKE = 3000  # inputs
BOTH = [one for one in ENGINE if one.name != "exchanges"]  # there the kernel has a say


@pytest.mark.parametrize("target", ENGINE, ids=lambda one: one.name)
def test_it_stands(target: Target) -> None:
    told = short(target, 1)
    for finding in told.findings.values():
        raise AssertionError(f"{finding.octets!r}\n{finding.text}")
    # Much of what is made is of every kind: else little would be tested.
    assert all(told.kinds[kind] >= 3 for kind in target.kinds), told.kinds


@pytest.mark.skipif(engine.KIND != "compiled", reason="there is one engine only")
def test_both_engines_do_the_same() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--seed", "2", "--outcomes", str(ALIKE)]
    for target in BOTH:
        command += ["--target", target.name]
    done = subprocess.run(command, env={**os.environ, "PERIJOVE_PURE": "1"}, capture_output=True, check=True, text=True)
    pure = done.stdout.split()
    mine = [one for target in BOTH for one in hashes(target, 2, ALIKE)]
    assert len(pure) == len(mine) == len(BOTH) * ALIKE
    differing = [at for at in range(len(mine)) if pure[at] != mine[at]]
    assert not differing, [(BOTH[at // ALIKE].name, at % ALIKE) for at in differing[:10]]
