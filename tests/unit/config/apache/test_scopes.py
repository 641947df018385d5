"""What directives mean is right or wrong as a real Apache says: the verdict of each of these small configurations."""

import json
from pathlib import Path

import pytest

from perijove import config

from .configtest import FOLDER, Case, cases

ANSWERS = json.loads((FOLDER / "verdicts.json").read_text())


def test_every_case_has_an_answer() -> None:
    """`python scripts/record_configtest.py` asks a real Apache."""
    assert [one.name for one in cases("verdicts")] == list(ANSWERS)


@pytest.mark.parametrize("case", cases("verdicts"), ids=lambda one: one.name)
def test_verdicts(case: Case, tmp_path: Path) -> None:
    (tmp_path / "main").mkdir()
    path = case.write(tmp_path / "main")
    path.write_text("Listen 127.0.0.1:8080\n" + path.read_text())
    loaded = config.load(str(path), apache=True)
    answer = ANSWERS[case.name]
    assert (loaded.gateway is not None) == answer["ok"], (answer, [one.message for one in loaded.diagnostics])
