"""What an expression of PromQL names, and what perijove's page has to be named.

Knows as much of the grammar as is needed to find names, labels and their values. Whether an expression is sound is promtool's to say.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from tests.unit.observe.pictures import failing, row, seen

from perijove.observe.metrics import render

FOLDER = Path(__file__).parents[2] / "monitoring"
SCRAPED = {"job", "instance"}  # labels that Prometheus adds to all that it scrapes
_WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset"}
_GROUPS = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)"
_SELECTOR = r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}"
_MATCHER = r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"'


@dataclass
class Metric:
    """A metric family."""

    name: str  # as the family is called on the page
    kind: str
    labels: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # with their values


def families() -> dict[str, Metric]:
    """What the page has, by the names of samples."""
    found: dict[str, Metric] = {}
    for one in text_string_to_metric_families(render(seen(failing(), row())).decode()):
        metric = Metric(one.name, one.type)
        for sample in one.samples:
            found[sample.name] = metric
            for label, value in sample.labels.items():
                metric.labels[label].add(value)
    return found


@dataclass
class Named:
    """What an expression names."""

    metrics: set[str]
    grouped: set[str]  # labels in by (…) and its like
    matchers: list[tuple[str, str, str, str]]  # metric, label, operator, value

    @property
    def labels(self) -> set[str]:
        """The labels that the result may have."""
        known = families()
        return self.grouped or {label for name in self.metrics if name in known for label in known[name].labels} | SCRAPED


def named(expression: str) -> Named:
    """Return what an expression names: every word that is no function, keyword or label is taken for a metric."""
    matchers = [
        (name, *found)
        for name, inside in re.findall(_SELECTOR, expression)
        for found in re.findall(_MATCHER, inside)
    ]  # fmt: skip
    grouped = {label.strip() for inside in re.findall(_GROUPS, expression) for label in inside.split(",") if label.strip()}
    bare = re.sub(_GROUPS, " ", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    words = re.findall(r"(?<![\w.])([a-zA-Z_:][\w:]*)(?!\w)(\s*\()?", bare)
    return Named({word for word, call in words if not call and word not in _WORDS}, grouped, matchers)


def faults(expression: str) -> Iterator[str]:
    """Say what an expression names that perijove does not have. `up` is Prometheus' own."""
    known = families()
    found = named(expression)
    if not found.metrics:
        yield "no metric"
    for name in found.metrics - set(known) - {"up"}:
        yield f"no metric {name}"
    labels = {label for name in found.metrics & set(known) for label in known[name].labels} | SCRAPED | {"le"}
    for label in found.grouped - labels:
        yield f"no label {label}"
    for name, label, operator, value in found.matchers:
        if label in SCRAPED or name not in known:
            continue
        if label not in known[name].labels:
            yield f"{name} has no label {label}"
        elif operator in ("=", "!=") and value not in known[name].labels[label]:
            yield f"{name} has no {label} {value}"
