"""Security tests start servers; SECURITY=all plays all cases on all dialects, which takes minutes (`make security`)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.server.conftest import application, authority, certificate, fronts, origin, origins  # noqa: F401

ALL = os.environ.get("SECURITY") == "all"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.server)
