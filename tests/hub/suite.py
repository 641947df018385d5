"""JupyterHub's own tests, those of its wheel and unmodified, with perijove in configurable-http-proxy's place.

`python -m tests.hub.suite [--mode path|subdomain|ssl] [--files proxy|through] [--as class|command] [-k EXPRESSION]`. The first
run installs what the tests need, into a folder of its own: pytest plugins among it, which are not for our tests.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import jupyterhub

NEEDS = "mock nbclassic pytest-asyncio pytest-rerunfailures requests-mock virtualenv distlib filelock html5lib webencodings six"
FOLDER = Path(sys.prefix) / "hub-suite"
PROXY = ("proxy", "unix_socket", "internal_ssl_connections", "internal_ssl_connections_external_authorities")
THROUGH = (
    *PROXY, "api", "named_servers", "pages", "services", "services_auth", "singleuser", "auth_expiry", "shares", "metrics",
)  # fmt: skip
# Module-wide event loops, as in JupyterHub's pyproject.toml.
INI = """[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = module
asyncio_default_test_loop_scope = module
addopts = -p no:jupyter_server -p no:cacheprovider -p no:xdist -p tests.hub.plugin --timeout 120 -q -ra
markers =
    group: of JupyterHub
    services: of JupyterHub
    user: of JupyterHub
    slow: of JupyterHub
    role: of JupyterHub
    browser: of JupyterHub
    db: of JupyterHub
    ssl: of JupyterHub
"""


def install() -> None:
    """Install what the tests need, if it is not there."""
    done = FOLDER / ".done"
    if not done.exists() or done.read_text() != NEEDS:
        command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-q", "--no-deps", "--upgrade"]
        subprocess.run([*command, "--target", str(FOLDER), *NEEDS.split()], check=True, stderr=subprocess.DEVNULL)
        done.write_text(NEEDS)
    settings = Path(sys.prefix) / "etc" / "jupyter" / "jupyter_server_config.json"  # servers that are started by root
    if not settings.exists():
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text('{"ServerApp": {"allow_root": true}}\n')


def run(mode: str, files: tuple[str, ...], as_class: bool, expression: str = "") -> int:
    """Run the tests; return pytest's exit status."""
    install()
    project = Path(__file__).parents[2]
    with tempfile.TemporaryDirectory(prefix="hub-suite-") as folder:
        work = Path(folder)
        (work / "pytest.ini").write_text(INI)
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "JUPYTER_PLATFORM_DIRS": "1", "JUPYTERHUB_ALLOW_ROOT": "1"}
        env["JUPYTER_CONFIG_PATH"] = str(
            FOLDER / "etc" / "jupyter"
        )  # nbclassic is a server's extension, and has its file there
        env["PYTHONPATH"] = os.pathsep.join((str(FOLDER), str(project), str(project / "src")))
        path = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
        if as_class:
            env["PERIJOVE_PROXY_CLASS"] = "perijove.jupyterhub.proxy:PerijoveProxy"
        # Some tests start `configurable-http-proxy` by themselves, whatever the class.
        command = work / "bin" / "configurable-http-proxy"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m perijove chp "$@"\n')
        command.chmod(0o755)
        env["PATH"] = os.pathsep.join((str(command.parent), *path))
        mark = "not browser"
        if mode == "subdomain":
            env["JUPYTERHUB_TEST_SUBDOMAIN_HOST"] = "http://localhost.jovyan.org:24800"
        elif mode == "ssl":
            env["SSL_ENABLED"] = "1"
            mark = "ssl and not browser"
        site = Path(jupyterhub.__file__).parents[1]  # above the tests: else their event loops are mixed up
        asked = [sys.executable, "-m", "pytest", "-c", str(work / "pytest.ini"), "--rootdir", str(site), "-m", mark]
        for name in files:
            asked += ["--pyargs", f"jupyterhub.tests.test_{name}"]
        if expression:
            asked += ["-k", expression]
        return subprocess.run(asked, cwd=work, env=env, check=False).returncode


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.hub.suite", description="JupyterHub's own tests, with perijove.")
    parser.add_argument("--mode", choices=("path", "subdomain", "ssl"), default="path")
    parser.add_argument(
        "--files", choices=("proxy", "through"), default="proxy", help="the proxy's tests, or all that go through it"
    )
    parser.add_argument(
        "--as", dest="kind", choices=("class", "command"), default="class", help="perijove's class, or `perijove chp`"
    )
    parser.add_argument("-k", dest="expression", default="")
    asked = parser.parse_args()
    files = PROXY if asked.files == "proxy" else THROUGH
    return run(asked.mode, files, asked.kind == "class", asked.expression)


if __name__ == "__main__":
    sys.exit(main())
