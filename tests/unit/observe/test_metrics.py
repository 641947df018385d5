"""The page for Prometheus, read by Prometheus' own parser."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from tests.unit.observe.pictures import failing, row, seen

from perijove.engine import slots
from perijove.observe.metrics import render
from perijove.observe.seen import Reload, Seen


def values(of: Seen) -> dict[tuple[str, ...], float]:
    """By name and the values of labels, sorted by the labels' names."""
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(render(of).decode()):
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, *(value for _, value in sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def test_each_number_has_its_name() -> None:
    found = values(seen(failing(), row()))
    expected = {
        ("perijove_info", "compiled", "1.2"): 1,
        ("perijove_worker_up", "0"): 1,
        ("perijove_worker_up", "1"): 0,
        ("perijove_worker_restarts_total", "1"): 1,
        ("perijove_open_connections", "0"): 3,
        ("perijove_open_tunnels", "0"): 1,
        ("perijove_log_dropped_lines_total", "0"): 2,
        ("perijove_limited_total", "requests-per-client", "0"): 6,
        ("perijove_requests_total", "2xx", "/hub/", "0"): 7,
        ("perijove_requests_total", "5xx", "/hub/", "0"): 2,
        ("perijove_requests_total", "none", "-", "0"): 1,
        ("perijove_requests_total", "2xx", "/hub/", "1"): 0,
        ("perijove_received_bytes_total", "/hub/", "0"): 100,
        ("perijove_sent_bytes_total", "/hub/", "0"): 3000,
        ("perijove_upstream_errors_total", "lost", "hub", "0"): 2,
        ("perijove_upstream_errors_total", "refused", "hub", "0"): 0,
        ("perijove_upstream_answers_total", "hub", "0"): 9,
        ("perijove_upstream_reused_total", "hub", "0"): 8,
        ("perijove_upstream_open_connections", "hub", "0"): 2,
        ("perijove_certificate_not_after_seconds", "chain.pem"): 1.7e9 + 90000,
        ("perijove_reloads_total", "failed"): 1,
    }
    assert {key: found.get(key) for key in expected} == expected


def test_buckets_hold_all_that_is_below() -> None:
    found = values(seen(failing()))
    name = "perijove_request_seconds"
    assert found[f"{name}_bucket", "0.005", "0"] == 3
    assert found[f"{name}_bucket", "0.01", "0"] == 3
    assert found[f"{name}_bucket", "0.025", "0"] == 7
    assert found[f"{name}_bucket", "+Inf", "0"] == 7
    assert found[f"{name}_count", "0"] == 7
    assert found[f"{name}_sum", "0"] == 1.5
    assert len([key for key in found if key[0] == f"{name}_bucket"]) == len(slots.BOUNDS) + 1


def test_a_reload_that_failed_is_told_until_one_is_done() -> None:
    for last, expected in ((None, 1), (Reload(1.7e9, False, "why"), 0), (Reload(1.7e9, True, ""), 1)):
        assert values(seen(reload=last))["perijove_last_reload_successful",] == expected


def test_labels_are_escaped() -> None:
    from dataclasses import replace

    odd = 'a"\\\n.example/'
    found = values(replace(seen(row()), routes={odd: slots.FIRST_ROUTE + slots.ROUTE}))
    assert ("perijove_sent_bytes_total", odd, "0") in found
