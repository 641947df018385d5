"""The names of configurable-http-proxy, read by Prometheus' own parser. What it counts itself: tests/contract/test_metrics.py."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families
from tests.unit.observe.pictures import row, seen

from perijove.engine import slots
from perijove.observe.metrics import render
from perijove.observe.seen import Asked


def found(page: bytes) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if not sample.name.startswith("perijove_")
    }


def test_each_name_has_its_numbers() -> None:
    """Two workers: a tunnel runs, one has ended, one was refused by 503; other requests were answered 200 and 404."""
    one, other = row(tunnels=2, upgrades_refused=1, touched=9), row()
    for status, count in ((0, 1), (101, 1), (200, 5), (404, 1), (503, 1)):
        one[slots.FIRST_STATUS + status] = count
    other[slots.FIRST_STATUS + 200] = 2
    asked = Asked(1, 2, 3, Counter({200: 1, 403: 4}))
    picture = replace(seen(one, other), asked=asked)
    assert found(render(picture)) == {
        ("api_route_get_total",): 1,  # the parser adds it to what is a counter; the page has it as dashboards ask for it
        ("api_route_add_total",): 2,
        ("api_route_delete_total",): 3,
        ("requests_ws_total",): 3,
        ("requests_web_total",): 9,  # 11 have ended; of those a tunnel, and a request for one
        ("find_target_for_req_sum",): 0,
        ("find_target_for_req_count",): 12,
        ("last_activity_updating_sum",): 0,
        ("last_activity_updating_count",): 9,
        ("requests_proxy_total", "200"): 7,
        ("requests_proxy_total", "404"): 1,
        ("requests_proxy_total", "503"): 1,
        ("requests_api_total", "200"): 1,
        ("requests_api_total", "403"): 4,
    }
    assert b"\nrequests_web 9\n" in render(picture)


def test_none_without_an_api() -> None:
    assert found(render(seen(row()))) == {}
