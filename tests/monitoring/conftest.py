"""promtool, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def promtool() -> Callable[..., None]:
    """Run promtool; what it complains of fails the test."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed: CONTRIBUTING.md has where to get it")

    def run(*arguments: str | Path) -> None:
        done = subprocess.run([found, *arguments], capture_output=True, encoding="utf-8", timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return run
