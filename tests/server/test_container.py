"""The container image: what goes into it, and how it is run. It is built only by `make image`, which needs a builder."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.server.parts import WAIT, Origin, ask, eventually

from perijove.demo.processes import Process, free_port

TOP = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    """Return the Containerfile's instructions, with lines that go on joined."""
    text = "\n".join(line for line in (TOP / "Containerfile").read_text().splitlines() if not line.startswith("#"))
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line)]


def said(word: str) -> str:
    """Return the last instruction of a kind."""
    return [rest for known, rest in instructions() if known == word][-1]


def copied() -> list[str]:
    """Return what is copied from the source tree."""
    return [
        one for word, rest in instructions() if word == "COPY" and not rest.startswith("--from") for one in rest.split()[:-1]
    ]


def test_nothing_else_is_sent_to_the_builder() -> None:
    ignored = (TOP / ".dockerignore").read_text().split("\n")
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied())


def test_what_is_copied_is_all_that_is_needed(tmp_path: Path) -> None:
    """A wheel of what the builder sees has what the tree has; whether the engine compiles is for other tests."""
    context = tmp_path / "src"
    context.mkdir()
    for name in copied():
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, context / name, ignore=shutil.ignore_patterns("*.so", "*.egg-info", "__pycache__"))
        else:
            shutil.copy(TOP / name, context)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(context),
    ]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PERIJOVE_PURE": "1"}, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("perijove/")}
    package = TOP / "src" / "perijove"
    wanted = {
        str(one.relative_to(package.parent))
        for one in package.rglob("*")
        if one.suffix in (".py", ".pxd", ".pyx", ".typed", ".tsv")
    }
    assert inside == wanted


def test_what_is_run(origin: Origin, tmp_path: Path) -> None:
    """Command, health check and signal, with all that is told on standard error."""
    perijove = [sys.executable, "-m", *json.loads(said("ENTRYPOINT"))]
    check = json.loads(said("HEALTHCHECK").partition("CMD ")[2])
    assert check[0] == perijove[-1]
    port = free_port()
    file = tmp_path / "hub.toml"
    file.write_text(f'listen = "127.0.0.1:{port}"\nto = "{origin.url}"\n')
    words = [str(file) if word == "/etc/perijove/hub.toml" else word for word in json.loads(said("CMD"))]
    assert str(file) in words
    running = Process("perijove", [*perijove, *words], tmp_path / "log")
    log = running.log.read_text

    def health() -> int:
        """In a container there is one perijove only; here others may run."""
        return subprocess.run([*perijove, *check[1:], "--pid", str(running.pid)], capture_output=True, check=False).returncode

    try:
        assert eventually(lambda: "listening on" in log(), WAIT), log()
        assert ask(port).status == 200
        assert health() == 0
        os.kill(running.pid, signal.SIGHUP)
        assert eventually(lambda: "perijove: reloaded" in log())
        os.kill(running.pid, signal.Signals[said("STOPSIGNAL")])
        assert eventually(lambda: running.exited() == 0, WAIT)
        assert health() == 1
    finally:
        running.stop()
    assert '"GET / HTTP/1.1" 200' in log()
