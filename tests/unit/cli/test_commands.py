"""The command line as a whole: which commands there are, and names that are nearly right."""

import pytest
from click.testing import CliRunner

from perijove import __version__
from perijove.cli import main


@pytest.mark.parametrize(("typed", "near"), [("srve", "'serve'"), ("explian", "'explain'"), ("config", "'show-config'")])
def test_a_name_that_is_nearly_right(typed: str, near: str) -> None:
    done = CliRunner().invoke(main, [typed, "hub.toml"])
    assert done.exit_code == 2
    assert f"Did you mean {near}?" in done.stderr


def test_a_name_that_is_nothing_like_it() -> None:
    done = CliRunner().invoke(main, ["frobnicate"])
    assert done.exit_code == 2
    assert "No such command 'frobnicate'." in done.stderr


def test_the_version_says_which_engine_runs() -> None:
    said = CliRunner().invoke(main, ["--version"]).stdout
    assert said.startswith(f"perijove {__version__}\nengine: ")
