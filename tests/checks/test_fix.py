"""What `--fix` has fixed stays as it is, for all configurations of the corpus and of the page."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.checks.accuracy import CONFIGURATIONS, CORPUS

from perijove.checks.fix import fixed
from perijove.cli.check import command
from perijove.text.diagnostic import Diagnostic, Edit, Fix, Severity
from perijove.text.source import Source

PAGE = sorted((Path(__file__).parent / "page").glob("*.conf"))


def fix(path: Path, *options: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(command, [str(path), "--json", "--fix", "--unsafe-fixes", *options])
    assert done.exit_code in (0, 1), done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)["diagnostics"]
    return found


@pytest.mark.parametrize("config", [*CONFIGURATIONS, *PAGE], ids=lambda config: config.stem)
def test_fixed_twice_is_fixed_once(config: Path, tmp_path: Path) -> None:
    path = tmp_path / config.name
    path.write_bytes(config.read_bytes())
    expectation = config.with_suffix(".json")
    hub = json.loads(expectation.read_text()).get("hub") if expectation.exists() else None
    options = [] if hub is None else ["--hub", str(CORPUS / hub)]
    fix(path, *options)
    once = path.read_bytes()
    left = fix(path, *options)
    assert path.read_bytes() == once
    assert [one["name"] for one in left if one["fix"] is not None] == []


def test_a_fix_that_mends_nothing_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "hub.conf"
    text = (CORPUS / "headers-unloaded.conf").read_text()  # nothing gets through as long as no module speaks http
    path.write_text(text)
    left = fix(path)
    assert path.read_text() == text
    assert "websocket-route-incomplete" in [one["name"] for one in left]


def test_many_fixes_are_made_at_once() -> None:
    source = Source("hub.conf", "ab\n" * 4000)
    edits = [Edit(source, at, at + 1, "c") for at in range(0, 12000, 3)]
    edits += [Edit(source, at, at, "d") for at in (3, 6, 6, 9)]  # before what is replaced; the same twice is one
    edits.append(Edit(source, 2, 5, ""))  # over what is replaced
    texts, done = fixed(Diagnostic(name="a", severity=Severity.ERROR, message="b", fix=Fix("c", (one,))) for one in edits)
    assert len(done) == len(edits) - 1
    assert texts["hub.conf"].startswith("cb\ndcb\ndcb\ndcb\ncb\n")
