"""The dashboard: it names what is there, shows all that is there, and is laid out as Grafana can draw it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.monitoring.promql import FOLDER, families, faults, named

DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
PANELS: list[dict[str, Any]] = [one for one in DASHBOARD["panels"] if one["type"] != "row"]
VARIABLES: dict[str, Any] = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
TARGETS: list[tuple[str, str, str]] = [
    (panel["title"], target["expr"], target["legendFormat"]) for panel in PANELS for target in panel["targets"]
] + [(one["name"], one["expr"], "") for one in DASHBOARD["annotations"]["list"] if "expr" in one]
LEFT_OUT: set[str] = set()  # metrics that are not shown, on purpose

each = pytest.mark.parametrize(("title", "expression", "legend"), TARGETS)


@each
def test_what_is_named_is_there(title: str, expression: str, legend: str) -> None:
    assert list(faults(expression)) == []
    assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= named(expression).labels
    assert set(re.findall(r"\$(\w+)", expression)) <= {*VARIABLES, "__rate_interval"}
    for metric in named(expression).metrics:  # each is of the job and the instance that were chosen
        assert len(re.findall(rf'\b{metric}\{{job=~"\$job", instance=~"\$instance"', expression)) == expression.count(metric), (
            metric
        )


def test_all_that_is_there_is_shown() -> None:
    known = families()
    shown = {known[name].name for _, expression, _ in TARGETS for name in named(expression).metrics if name in known}
    assert {one.name for one in known.values()} - shown == LEFT_OUT


@pytest.mark.parametrize("name", [name for name, one in VARIABLES.items() if one["type"] == "query"])
def test_variables_ask_for_what_is_there(name: str) -> None:
    metric, matchers, label = re.fullmatch(r"label_values\((\w+)(\{.*\})?, (\w+)\)", VARIABLES[name]["query"]["query"]).groups()  # type: ignore[union-attr]
    assert list(faults(metric + (matchers or ""))) == []
    assert label in named(metric).labels
    assert label == name


def test_the_data_source_is_chosen() -> None:
    assert VARIABLES["datasource"]["query"] == "prometheus"
    sources = [one["datasource"] for panel in PANELS for one in (panel, *panel["targets"])]
    assert all(one == {"type": "prometheus", "uid": "${datasource}"} for one in sources)


def test_panels_lie_beside_each_other() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, (panel["title"], taken[x, y])
                taken[x, y] = panel["title"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.mark.parametrize("panel", PANELS, ids=lambda one: one["title"])
def test_each_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]


def test_promtool_takes_every_expression(promtool: Callable[..., None], tmp_path: Path) -> None:
    rules = [
        {"record": f"dashboard:{number}", "expr": re.sub(r"\$\w+", ".*", expression.replace("$__rate_interval", "5m"))}
        for number, (_, expression, _) in enumerate(TARGETS)
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "rules.yml")
