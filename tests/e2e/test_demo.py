"""`make demo`: what it prints is true, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.e2e.person import Person, Site

from perijove.demo.processes import descendants, is_running


def test_demo(cache: Path, tmp_path: Path) -> None:
    env = {**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONUNBUFFERED": "1"}
    with (tmp_path / "out").open("wb") as out:
        demo = subprocess.Popen(
            [sys.executable, "-m", "perijove.demo", "--port", "0"], env=env, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        end = time.monotonic() + 120
        while "Ctrl-C" not in (tmp_path / "out").read_text():
            assert demo.poll() is None, (tmp_path / "out").read_text()
            assert time.monotonic() < end, (tmp_path / "out").read_text()
            time.sleep(0.2)
        shown = (tmp_path / "out").read_text()
        url, user, password = (re.search(rf"{word} +(\S+)", shown)[1] for word in ("open", "user", "password"))  # type: ignore[index]
        person = Person(Site("demo", url, password, "demo"), user)
        assert person.log_in().status_code == 302
        assert person.spawn()[-1][1]["ready"] is True
        assert person.visit(f"user/{user}/lab").status_code == 200
        person.close()
        below = descendants(demo.pid)
        assert len(below) >= 4  # hub, its proxy, a server, perijove
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
        assert not [pid for pid, started in below.items() if is_running(pid, started)]
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)
