"""Recorded answers of the real Apache httpd, against perijove: what it says to clients, to upstreams, and of its configuration."""

import json
import os
from pathlib import Path

import pytest
from tests.oracle import case as cases
from tests.oracle.compare import differences
from tests.oracle.conftest import Player
from tests.oracle.play import OURS

# What perijove still does in another way than Apache, without meaning to: numbers of requests, or "verdict" where it is what is
# said of the configuration. Whatever is put right must be taken out.
OPEN = json.loads((Path(__file__).parent / "open.json").read_text())


@pytest.mark.parametrize("name", cases.names(os.environ.get("ORACLE_CASES", "").split() or ["*"]))
def test_case(name: str, player: Player) -> None:
    case = cases.load(name)
    golden = json.loads(case.golden.read_text())
    record = player.record(name)
    if player.candidate != OURS:
        found = differences(golden, record, case.strict)
    elif OPEN.get(name) == "verdict":
        assert differences(golden, record, case.strict), "as Apache does it: take it out of open.json"
        return
    else:
        found = differences(golden, record, case.strict, case.otherwise | set(OPEN.get(name, ())))
    assert not found, "\n".join([f"{case.config}\n", *found])
