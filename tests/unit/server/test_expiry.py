"""Certificates that end soon are told of once a day, and at once when they are others."""

from __future__ import annotations

import datetime
import time

import pytest
import trustme

from perijove.server import expiry
from perijove.server.expiry import Expiry


def made(days: float) -> bytes:
    """A certificate that ends in so many days."""
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    issued = trustme.CA().issue_cert("hub.example", not_before=ends - datetime.timedelta(days=90), not_after=ends)
    return issued.cert_chain_pems[0].bytes()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def watching(told: list[str]) -> Expiry:
    return Expiry(told.append)


def test_those_that_end_soon(watching: Expiry, told: list[str]) -> None:
    watching.use(["a", "b", "c"], {"a": made(13), "b": made(15), "c": made(-1)})
    watching.look()
    assert [one.split(" 20")[0] for one in told] == [
        "warning: the certificate `a` (hub.example) ends on",
        "warning: the certificate `c` (hub.example) ended on",
    ]


def test_once_a_day(watching: Expiry, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    begun, passed = time.time(), 0.0
    monkeypatch.setattr(expiry.time, "time", lambda: begun + passed)
    watching.use(["a"], {"a": made(3)})
    counts = []
    for hours in (0, 1, 23, 24.1, 25, 24):  # the last: somebody has put the clock back
        passed = hours * 3600
        watching.look()
        counts.append(len(told))
    assert counts == [1, 1, 1, 2, 2, 3]


def test_another_one_is_looked_at_at_once(watching: Expiry, told: list[str]) -> None:
    watching.use(["a"], {"a": made(60)})
    watching.look()
    watching.use(["b"], {"b": made(1)})
    watching.look()
    assert len(told) == 1
    assert list(watching.certificates) == ["b"]
