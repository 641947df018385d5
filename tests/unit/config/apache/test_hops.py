"""How far a request may go, and what ends connections. What httpd does is in the cases `bd-*` and `env-*` of tests/oracle."""

from __future__ import annotations

import pytest

from perijove.config.apache import load
from perijove.explain.model import Explanation, Request
from perijove.explain.run import explain
from perijove.text.source import Source

PLAIN = "<VirtualHost *:80>\nServerName h\n{more}\nProxyPass / http://127.0.0.1:9/\n</VirtualHost>\n"


def asked(more: str = "", method: str = "GET", *fields: tuple[str, str]) -> Explanation:
    """Ask what happens to a request."""
    loaded = load(Source("h.conf", PLAIN.replace("{more}", more)))
    assert loaded.gateway is not None, loaded.diagnostics
    return explain(loaded.gateway, Request(method, "http://h/x", "192.0.2.1", tuple(fields)))


def sent(found: Explanation, name: str) -> list[str]:
    """Return the values of a field that goes upstream."""
    assert found.outcome == "forwarded", found.summary
    assert found.sent is not None
    return [value for its, value in found.sent.fields if its.lower() == name]


@pytest.mark.parametrize(("value", "left"), [("5", ["4"]), ("1", ["0"])])
def test_one_less(value: str, left: list[str]) -> None:
    assert sent(asked("", "GET", ("Max-Forwards", value)), "max-forwards") == left


def test_what_is_said_where_there_is_none() -> None:
    assert sent(asked(), "max-forwards") == []
    assert sent(asked("ProxyMaxForwards 3"), "max-forwards") == ["3"]


@pytest.mark.parametrize("value", ["0", "x", "-1"])
def test_far_enough(value: str) -> None:
    found = asked("", "GET", ("Max-Forwards", value))
    assert (found.outcome, found.refusal and found.refusal.status) == ("refused", 400)


def test_connections() -> None:
    assert sent(asked(), "connection") == ["Keep-Alive"]
    assert sent(asked("SetEnv proxy-nokeepalive 1"), "connection") == ["close"]
    assert sent(asked("SetEnv force-proxy-request-1.0 1"), "connection") == []
