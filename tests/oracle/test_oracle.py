"""Recorded answers of the real Apache httpd, against perijove: what it says to clients, to upstreams, and of its configuration."""

import json
import os

import pytest
from tests.oracle import case as cases
from tests.oracle.compare import differences
from tests.oracle.conftest import Player
from tests.oracle.play import OURS


@pytest.mark.parametrize("name", cases.names(os.environ.get("ORACLE_CASES", "").split() or ["*"]))
def test_case(name: str, player: Player) -> None:
    case = cases.load(name)
    golden = json.loads(case.golden.read_text())
    found = differences(golden, player.record(name), case.strict, case.otherwise if player.candidate == OURS else frozenset())
    assert not found, "\n".join([f"{case.config}\n", *found])
