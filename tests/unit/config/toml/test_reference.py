"""The reference manual: it names every key, and the page in docs/ is what the schema makes."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from perijove.config.toml import schema
from perijove.config.toml.reference import _TABLES, reference
from perijove.gateway.rules import Variable

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "toml.md"
MODELS = sorted(
    {
        one
        for one in vars(schema).values()
        if isinstance(one, type) and issubclass(one, BaseModel) and one.__module__ == schema.__name__ and one.model_fields
    },
    key=lambda one: one.__name__,
)


def sections() -> dict[str, str]:
    """Title -> text."""
    parts = re.split(r"^## (.*)$", reference(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(model: type[BaseModel]) -> list[list[str]]:
    """Key, default and meaning of each key of a table."""
    title = next(title for title, its in _TABLES if its is model)
    lines = [line for line in sections()[title].splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_every_table_is_there_once() -> None:
    assert sorted((one.__name__ for _, one in _TABLES)) == [one.__name__ for one in MODELS]
    assert len(sections()) == len(_TABLES) + 1


@pytest.mark.parametrize("model", MODELS, ids=lambda one: one.__name__)
def test_every_key(model: type[BaseModel]) -> None:
    keys = [field.alias for field in model.model_fields.values()]
    assert [row[0] for row in rows(model)] == [f"`{key}`" for key in keys]
    for row in rows(model):
        assert len(row) == 3
        assert row[1]
        assert row[2].endswith("."), row


@pytest.mark.parametrize("model", MODELS, ids=lambda one: one.__name__)
def test_a_default_is_one_that_may_be_written(model: type[BaseModel]) -> None:
    required = {field.alias for field in model.model_fields.values() if field.is_required()}
    assert {row[0].strip("`") for row in rows(model) if row[1] == "required"} == required
    written: dict[str, Any] = {}
    for key, default, _ in rows(model):
        name = key.strip("`")
        field = next(one for one in model.model_fields.values() if one.alias == name)
        found = re.fullmatch(r"`(.*?)`( s)?", default)
        if found is None:
            assert default in ("–", "required", "see below")
        elif found[2] or found[1] == "off":
            written[name] = 0 if found[1] == "off" else float(found[1])
            assert written[name] == field.default
        else:
            assert re.sub(r"\btrue\b|\bfalse\b", lambda its: its[0].title(), found[1]).replace('"', "'") == repr(field.default)


def test_every_variable() -> None:
    text = sections()["Variables"]
    assert set(re.findall(r"`\{([a-z-]+)\}`", text)) == {one.value for one in Variable}


def test_what_is_said_of_other_keys_is_so() -> None:
    """`limits.body` and its like, wherever a description names one."""
    tables = {"timeouts": schema.Timeouts, "limits": schema.Limits}
    for table, key in re.findall(r"`(timeouts|limits)\.([a-z-]+)`", reference()):
        assert key in {field.alias for field in tables[table].model_fields.values()}


def test_the_page_is_what_is_printed() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "perijove.config.toml.reference"], capture_output=True, check=True, encoding="utf-8"
    ).stdout
    assert printed == reference()
    assert PAGE.read_text(encoding="utf-8") == printed, f"python -m perijove.config.toml.reference > {PAGE}"
