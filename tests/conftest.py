"""What all tests share."""

import os
from pathlib import Path

import pytest

from perijove import engine

# Folders of tests that start servers, and with whom they share them; and files that do otherwise than their folder.
_PROCESSES = {
    "e2e/test_demo.py": "", "e2e/test_replicas.py": "",
    "server": "", "security": "", "contract": "", "e2e": "hubs", "browser": "hubs", "hub": "suite", "redis": "redis",
    "checks": "checks",
}  # fmt: skip

if os.environ.get("PERIJOVE_REQUIRE_COMPILED") == "1" and os.environ.get("PERIJOVE_PURE", "0") in ("", "0"):
    # Otherwise a build that failed would test the pure engine twice, unseen.
    assert engine.KIND == "compiled", "the compiled engine is required, and is not built: `make build`"


def pytest_report_header() -> str:
    return f"engine: {engine.KIND} {engine.DETAIL}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together, on one worker of xdist, what shares servers: files of `server` and `contract`, and folders elsewhere."""
    root = Path(__file__).parent
    for item in items:
        path = item.path.relative_to(root)
        group = _PROCESSES.get(str(path), _PROCESSES.get(path.parts[0]))
        if group is not None:
            item.add_marker(pytest.mark.xdist_group(group or f"{path.parts[0]}-{item.path.stem}"))
