"""What `--fix` has fixed stays as it is, for all configurations of the corpus and of the page."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.checks.accuracy import CONFIGURATIONS, CORPUS

from perijove.cli.check import command

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
