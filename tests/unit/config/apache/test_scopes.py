"""What directives mean is right or wrong as a real Apache says: the verdict of each of these small configurations."""

import json
from pathlib import Path

import pytest

from perijove import config
from perijove.config.apache import load
from perijove.config.apache.reading import read
from perijove.text.diagnostic import Severity, has_errors
from perijove.text.source import Source

from .configtest import FOLDER, Case, cases, lines

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


LINES = json.loads((FOLDER / "lines.json").read_text())


def test_every_line_has_an_answer() -> None:
    assert [one.name for one in lines()] == list(LINES)


@pytest.mark.parametrize("case", lines(), ids=lambda one: one.name)
def test_lines(case: Case, tmp_path: Path) -> None:
    """Of what one directive takes: the verdict; and the words, where it is the reading that finds the fault."""
    path = case.write(tmp_path)
    path.write_text("Listen 127.0.0.1:8080\n" + path.read_text())
    source = Source(str(path), path.read_text())
    answer = LINES[case.name]
    read_wrong = [one.message for one in read(source).diagnostics if one.severity is Severity.ERROR]
    wrong = read_wrong or has_errors(load(source).diagnostics)
    assert bool(wrong) == bool(answer), (answer, wrong)
    if read_wrong and "syntax error" not in answer:  # those of expressions' grammar are in fewer words
        said = read_wrong[0].replace(str(tmp_path), "{DIR}")
        assert " ".join(answer.split()).startswith(" ".join(said.split())), answer
