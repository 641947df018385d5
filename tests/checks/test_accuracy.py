"""No configuration of the corpus is judged worse than is recorded."""

import json
from pathlib import Path

import pytest
from tests.checks.accuracy import CONFIGURATIONS, CORPUS, judged

RECORDED = json.loads((CORPUS / "recorded.json").read_text())


@pytest.mark.parametrize("config", CONFIGURATIONS, ids=lambda config: config.stem)
def test_not_worse_than_recorded(config: Path) -> None:
    known = RECORDED.get(config.stem, {"missed": [], "alarms": []})
    _, missed, alarms = judged(config)
    assert missed <= set(known["missed"])
    assert alarms <= set(known["alarms"])
