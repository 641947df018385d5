"""The files for systemd: what systemd itself thinks of them, and whether their commands are right."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.server.parts import Front, Origin, ask

from perijove.gateway.model import Timeouts

PACKAGING = Path(__file__).parents[2] / "packaging"
INSTALLED = "/opt/perijove/bin/perijove"


def settings(name: str) -> dict[str, str]:
    """Return the settings of a unit; a key that stands twice is an AssertionError."""
    pairs = [line.partition("=") for line in (PACKAGING / name).read_text().splitlines() if "=" in line]
    found = {key: value for key, _, value in pairs}
    assert len(found) == len(pairs)
    return found


def verified(folder: Path, service: str) -> subprocess.CompletedProcess[str]:
    """Have systemd look at the units, with a program that is there."""
    (folder / "perijove.service").write_text(service.replace(INSTALLED, shutil.which("true") or "/bin/true"))
    shutil.copy(PACKAGING / "perijove.socket", folder)
    command = ["systemd-analyze", "verify", str(folder / "perijove.service"), str(folder / "perijove.socket")]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_no_fault(tmp_path: Path) -> None:
    service = (PACKAGING / "perijove.service").read_text()
    done = verified(tmp_path, service)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert "Unknown key" in verified(tmp_path, service.replace("WatchdogSec", "WatchDogSecs")).stderr


def test_the_commands_are_perijoves(fronts: Callable[..., Front], origin: Origin, tmp_path: Path) -> None:
    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\n')
    unit = settings("perijove.service")
    assert unit["ExecStart"] == f"{INSTALLED} serve /etc/perijove/hub.toml"
    for name in ("ExecStartPre", "ExecReload"):
        words = (
            unit[name].replace("/etc/perijove/hub.toml", str(front.file)).replace("$MAINPID", str(front.process.pid)).split()
        )
        assert words[0] == INSTALLED
        done = subprocess.run([sys.executable, "-m", "perijove", *words[1:]], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert "perijove: reloaded" in front.log()
    front.write("to = ")
    done = subprocess.run([sys.executable, "-m", "perijove", *words[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 1  # `systemctl reload` fails, and what was served still is
    assert ask(front.port).status == 200


def test_times_fit() -> None:
    unit = settings("perijove.service")
    assert float(unit["TimeoutStopSec"]) > Timeouts().grace + 5  # and what the supervisor grants beyond it
    assert unit["Type"] == "notify"


def test_every_file_is_in_the_documentation() -> None:
    guides = "".join(guide.read_text() for guide in (PACKAGING.parent / "docs" / "how-to").glob("*.md"))
    named = {name.rstrip(".,") for name in re.findall(r"packaging/([\w./-]+)", guides)}
    assert named == {str(file.relative_to(PACKAGING)) for file in PACKAGING.rglob("*") if file.is_file()}
