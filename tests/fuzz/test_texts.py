"""A short run of the fuzz targets that read configurations, patterns and what the REST API is sent; and how long that takes."""

from __future__ import annotations

import pytest
from tests.fuzz.run import TARGETS, short
from tests.fuzz.target import Target


@pytest.mark.parametrize("target", [one for one in TARGETS if not one.engine], ids=lambda one: one.name)
def test_it_stands(target: Target) -> None:
    told = short(target, 1)
    for finding in told.findings.values():
        raise AssertionError(f"{finding.octets!r}\n{finding.text}")
    assert all(told.kinds[kind] >= 3 for kind in target.kinds), told.kinds
