"""The alert rules: they name what is there, say what to do, and fire when they shall."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.monitoring.promql import FOLDER, faults, named

GUIDE = FOLDER.parent / "docs" / "how-to" / "monitoring.md"
(GROUP,) = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
RULES: list[dict[str, Any]] = GROUP["rules"]
each = pytest.mark.parametrize("rule", RULES, ids=lambda one: f"{one['alert']}-{one['labels']['severity']}")


@each
def test_what_is_named_is_there(rule: dict[str, Any]) -> None:
    assert list(faults(rule["expr"])) == []


@each
def test_what_to_do_is_said(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert "`" in rule["annotations"]["runbook"], "what is typed?"
    labels = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    assert labels <= named(rule["expr"]).labels


@each
def test_the_guide_has_it(rule: dict[str, Any]) -> None:
    assert f"| `{rule['alert']}` |" in GUIDE.read_text()


def test_each_is_seen_to_fire() -> None:
    """By promtool, in alerts_test.yml."""
    text = (FOLDER / "alerts_test.yml").read_text()
    fires = set(re.findall(r'alertname="(\w+)", alertstate="firing"', text))
    fires |= {
        one["alertname"]
        for test in yaml.safe_load(text)["tests"]
        for one in test.get("alert_rule_test", [])
        if one.get("exp_alerts")
    }
    assert fires == {rule["alert"] for rule in RULES}


def test_promtool_takes_them(promtool: Callable[..., None]) -> None:
    promtool("check", "rules", FOLDER / "alerts.yml")


def test_they_fire_when_they_shall(promtool: Callable[..., None]) -> None:
    promtool("test", "rules", FOLDER / "alerts_test.yml")


def test_the_guides_configuration_is_sound(promtool: Callable[..., None], tmp_path: Path) -> None:
    (written,) = re.findall(r"```yaml\n(rule_files:.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    (tmp_path / "prometheus.yml").write_text(written.replace("/etc/prometheus/perijove.yml", str(FOLDER / "alerts.yml")))
    assert str(FOLDER) in (tmp_path / "prometheus.yml").read_text()
    assert [one["job_name"] for one in yaml.safe_load(written)["scrape_configs"]] == ["perijove"]  # as the alerts have it
    promtool("check", "config", tmp_path / "prometheus.yml")
