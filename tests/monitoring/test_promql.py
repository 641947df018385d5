"""What finds names finds wrong ones."""

from __future__ import annotations

import pytest
from tests.monitoring.promql import faults, named


def test_names_are_found() -> None:
    found = named(
        'sum by (job, route) (rate(perijove_requests_total{class="5xx", route=~"$route"}[5m])) > 0.1 * 1e3 and up == 0 '
        "or perijove_info unless on (job) time() - 14 * 86400 < x:y"
    )
    assert found.metrics == {"perijove_requests_total", "up", "perijove_info", "x:y"}
    assert found.grouped == {"job", "route"}
    assert found.matchers == [
        ("perijove_requests_total", "class", "=", "5xx"),
        ("perijove_requests_total", "route", "=~", "$route"),
    ]


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("rate(perijove_requests[5m])", "no metric perijove_requests"),
        ("sum(perijove_worker_upp) > 0", "no metric perijove_worker_upp"),
        ("sum by (rout) (perijove_requests_total)", "no label rout"),
        ('perijove_requests_total{clas="5xx"}', "perijove_requests_total has no label clas"),
        ('perijove_requests_total{class="500"}', "perijove_requests_total has no class 500"),
        ('perijove_limited_total{limit!="connection"}', "perijove_limited_total has no limit connection"),
        ("vector(1)", "no metric"),
        ('perijove_requests_total{class="5xx", route=~".*", job="x"}', None),
        ("sum by (le) (perijove_request_seconds_bucket)", None),
        ("up == 0", None),
    ],
)
def test_faults(expression: str, fault: str | None) -> None:
    assert list(faults(expression)) == ([] if fault is None else [fault])
