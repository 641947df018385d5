"""docs/reference/metrics.md: every metric with its kind, its labels and their values, and none that is not there."""

from __future__ import annotations

import re

from tests.monitoring.promql import FOLDER, families

PAGE = (FOLDER.parent / "docs" / "reference" / "metrics.md").read_text()
FREE = {"worker", "route", "upstream", "path", "version", "engine", "le"}  # their values are not perijove's to choose


def rows(title: str) -> list[list[str]]:
    """The cells of the tables below a title."""
    (below,) = re.findall(rf"^## {title}$(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in below.splitlines() if line.startswith("| `")]


def test_every_metric() -> None:
    told = {name.strip("`"): (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _ in rows("Metrics")}
    assert len(told) == len(rows("Metrics"))
    there = {
        f"{one.name}_total" if one.kind == "counter" else one.name: (one.kind, frozenset(one.labels) - {"le"})
        for one in families().values()
    }
    assert told == there


def test_every_value_of_a_label() -> None:
    values: dict[str, set[str]] = {}
    for one in families().values():
        for label, found in one.labels.items():
            values.setdefault(label, set()).update(found)
    told: dict[str, set[str]] = {}
    for label, value, _ in rows("Values of labels"):
        told.setdefault(label.strip("`"), set()).add(value.strip("`"))
    assert told == {label: found for label, found in values.items() if label not in FREE}


def test_the_bounds_of_the_histogram() -> None:
    (told,) = re.findall(r"Its buckets end at (.*?) s\.", PAGE)
    bounds = sorted(float(one) for one in families()["perijove_request_seconds_bucket"].labels["le"] if one != "+Inf")
    assert [float(one) for one in re.split(r", | and ", told)] == bounds
