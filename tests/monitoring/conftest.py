"""promtool, as `scripts/promtool.sh` has put it beside Python, or as it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def promtool() -> Callable[..., None]:
    """Run promtool; what it complains of fails the test."""
    beside = os.path.dirname(sys.executable)
    found = shutil.which("promtool", path=f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    assert found is not None, f"promtool is missing: type `sh scripts/promtool.sh {beside}`"

    def run(*arguments: str | Path) -> None:
        done = subprocess.run([found, *arguments], capture_output=True, encoding="utf-8", timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return run
