"""What all tests share: which of them start servers, and in what order they begin."""

import os
from itertools import groupby
from pathlib import Path

import pytest

from perijove import engine
from perijove.demo import processes

_ROOT = Path(__file__).parent
# What all tests of a folder are.
_MARKS = {"server": "server", "security": "server", "redis": "server", "contract": "contract", "e2e": "e2e", "oracle": "oracle"}
# Folders of tests that start servers, which those of one file share.
_SHARED = ("server", "security", "contract", "e2e", "browser", "checks", "hub", "redis")
# Those of them that take longest, the longest first: else a core would wait for the last one (`--no-loadscope-reorder`).
_LONG = (
    "hub/test_suite.py", "e2e/test_apache_configurations.py", "e2e/test_hub.py", "e2e/test_proofs.py", "contract/test_tls.py",
    "server/test_endurance.py", "server/test_status.py", "server/test_faults.py", "server/test_limits.py", "server/test_memory.py",
    "contract/test_command.py", "server/test_log.py", "redis/test_faults.py", "e2e/test_replicas.py", "security/test_messages.py",
)  # fmt: skip
_APART = ("server/test_endurance.py",)  # each of their tests shares with nobody

if os.environ.get("PERIJOVE_REQUIRE_COMPILED") == "1" and os.environ.get("PERIJOVE_PURE", "0") in ("", "0"):
    # Otherwise a build that failed would test the pure engine twice, unseen.
    assert engine.KIND == "compiled", "the compiled engine is required, and is not built: `make build`"


def pytest_configure(config: pytest.Config) -> None:
    """Give each worker of xdist ports of its own: one is only taken some time after `free_port` has found it free."""
    given = getattr(config, "workerinput", None)
    if given is not None:
        processes.PORTS = processes.PORTS[int(given["workerid"].removeprefix("gw")) :: given["workercount"]]


def pytest_report_header() -> str:
    return f"engine: {engine.KIND} {engine.DETAIL}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in a folder; keep together, on one worker of xdist, what shares servers; and begin with the longest."""
    long: dict[str, list[pytest.Item]] = {name: [] for name in _LONG}
    others: list[pytest.Item] = []
    for file, some in groupby(items, key=lambda item: item.path):
        path = file.relative_to(_ROOT)
        folder, name = path.parts[0], path.as_posix()
        for item in some:
            if folder in _MARKS:
                item.add_marker(_MARKS[folder])
            if folder in _SHARED:
                item.add_marker(pytest.mark.xdist_group(f"{folder}-{item.name if name in _APART else path.stem}"))
            long.get(name, others).append(item)
    items[:] = [*(item for name in _LONG for item in long[name]), *others]
