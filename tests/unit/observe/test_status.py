"""Status, for machines and for people."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.observe.pictures import failing, row, seen

from perijove.observe.seen import Reload
from perijove.observe.status import describe, table

NOW = 1.7e9 + 3600


def test_it_is_json() -> None:
    found = json.loads(json.dumps(describe(seen(failing(), row()))))
    assert found["connections"] == 3
    assert found["tunnels"] == 1
    assert [one["requests"] for one in found["workers"]] == [10, 0]
    assert [one["serves"] for one in found["workers"]] == [True, False]
    assert found["routes"][1] | {"last": 0} == {
        "route": "/hub/", "requests": 9, "failed": 2, "received": 100, "sent": 3000, "last": 0,
    }  # fmt: skip
    (upstream,) = found["upstreams"]
    assert upstream["health"] == "failing"
    assert upstream["errors"] == {"lost": 2}
    assert upstream["last_error_kind"] == "lost"
    assert upstream["last_error"] - upstream["last_answer"] == pytest.approx(5)


@pytest.mark.parametrize(
    ("numbers", "health"),
    [
        ({}, "not asked yet"),
        ({"upstream_last_answer": 5}, "answering"),
        ({"upstream_last_answer": 5, "upstream_last_error": 4}, "answering"),
        ({"upstream_last_error": 4}, "failing"),
    ],
)
def test_health(numbers: dict[str, int], health: str) -> None:
    (upstream,) = describe(seen(row(**numbers)))["upstreams"]
    assert upstream["health"] == health


def shown(**changed: Any) -> str:
    status = describe(seen(failing(), row()))
    for one in status["routes"] + status["upstreams"]:
        for key in ("last", "last_answer", "last_error"):
            if one.get(key) is not None:
                one[key] = NOW - 65
    return table(status | changed, NOW)


def test_for_a_person() -> None:
    assert shown() == (
        """\
perijove 1.2, compiled engine, pid 7, up 1 h
configuration: hub.toml, read 59 min ago, 2 reloads, 1 failed
listening on https://*:443
listening on http://*:80, redirecting to https

3 connections, 1 WebSocket open

worker  pid  state           restarts  connections  WebSockets  requests
     0  100  serves                 0            3           1        10
     1  101  does not serve         1            0           0         0

route  requests  5xx  received  sent     last
-             1    0  0 B       0 B      never
/hub/         9    2  100 B     2.9 KiB  1 min 5 s ago

upstream  health   answers  errors  connections  last answer    last error
hub       failing        9  2 lost            2  1 min 5 s ago  1 min 5 s ago (lost)

certificate  names                 ends in
chain.pem    a.example, b.example  1 d

2 lines of the access log could not be written

last errors:
  59 min 30 s ago: worker 1 (pid 9) ended
"""
    )


def test_a_reload_that_failed_is_told() -> None:
    status = describe(seen(row(), reload=Reload(NOW - 5, False, "error: no\n  --> hub.toml:1:1")))
    told = table(status, NOW)
    assert "the last reload, 5 s ago, changed nothing:\n    error: no\n      --> hub.toml:1:1\n" in told
    assert "changed nothing" not in table(describe(seen(row(), reload=Reload(NOW, True, ""))), NOW)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.9, "59 s"), (3600, "1 h"), (90061, "1 d 1 h"), (86460, "1 d"), (-3700, "-1 h 1 min")]
)
def test_spans(seconds: float, text: str) -> None:
    status = describe(seen(row()))
    status["certificates"][0]["ends"] = NOW + seconds
    assert f"a.example, b.example  {text}\n" in table(status, NOW)
