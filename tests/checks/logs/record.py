"""Record what a real Apache and a real JupyterHub behind it say when the configuration is wrong.

`python -m tests.checks.logs.record` writes `apache.log` and `hub.log` beside this file; `broken.conf` is what they are of. Ports are
replaced by those in the file, and folders by names.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import requests
from tests.e2e.person import Person, Site
from tests.oracle.play import APACHE
from tests.oracle.stage import MODULES

from perijove.demo.hub import Hub
from perijove.demo.node import proxy_command
from perijove.demo.processes import Process, free_port

HERE: Final = Path(__file__).parent
PORTS: Final = {"LISTEN": 8080, "DEAD": 8001, "JUNK": 8002, "SLOW": 8003, "HUB": 8000}
_MODULES: Final = ("mpm_event", "authz_core", "proxy", "proxy_http", "ssl", "rewrite", "headers")
_PATHS: Final = (
    "ftp/x",
    "dead/hub/login",
    "dead/hub/login",
    "unknown/x",
    "junk/hub/login",
    "slow/x",
    "ne/a%20b",
    "closed/x",
    "loop",
    "a%2Fb",
    "jupyter/hub/login",
)


class Apache:
    """A real Apache with a configuration of ours; `port` is where it listens."""

    def __init__(self, folder: Path, text: str, ports: dict[str, int]) -> None:
        """Start it.

        Args:
            folder: where it writes.
            text: the configuration, with the ports of `PORTS`.
            ports: those that it gets instead.
        """
        folder.chmod(0o755)
        (folder / "htdocs").mkdir()
        for name, port in ports.items():
            text = re.sub(rf"(?<!\d){PORTS[name]}(?!\d)", str(port), text)
        self.log = folder / "error.log"
        self.conf = folder / "hub.conf"
        self.conf.write_text(text)
        main = folder / "httpd.conf"
        lines = [
            f'ServerRoot "{folder}"',
            f"PidFile {folder}/httpd.pid",
            f"DefaultRuntimeDir {folder}",
            *(f"LoadModule {one}_module {MODULES}/mod_{one}.so" for one in _MODULES),
            "ServerName front.test",
            "User www-data",
            "Group www-data",
            f"ErrorLog {self.log}",
            f'DocumentRoot "{folder}/htdocs"',
            f"Include {self.conf}",
        ]
        main.write_text("\n".join([*lines, ""]))
        self.port = ports["LISTEN"]
        self._process = Process("apache", [APACHE, "-f", str(main), "-DFOREGROUND"], folder / "output.log")
        end = time.monotonic() + 20
        while time.monotonic() < end and self._process.exited() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.05)
        raise RuntimeError(self._process.tail())

    def stop(self) -> None:
        """End it."""
        self._process.stop()


class Junk:
    """Takes connections, and closes them: at once, or late."""

    def __init__(self, seconds: float) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._seconds = seconds
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._socket.accept()[0]
                threading.Thread(target=self._take, args=(connection,), daemon=True).start()

    def _take(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(1000)
            time.sleep(self._seconds)

    def close(self) -> None:
        """Take no more."""
        self._socket.close()


def ask(port: int) -> None:
    """Ask for what goes wrong."""
    for path in _PATHS:
        with contextlib.suppress(OSError):
            requests.get(f"http://127.0.0.1:{port}/{path}", headers={"Host": "hub.example.org"}, timeout=20)
    with contextlib.suppress(OSError):
        requests.get(f"http://127.0.0.1:{port}/x", headers={"Host": "tls.example.org"}, timeout=20)
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(b"GET /../../etc/passwd HTTP/1.1\r\nHost: hub.example.org\r\nConnection: close\r\n\r\n")
        sock.recv(1000)


def _use(port: int) -> None:
    """Use the hub as a browser does: what changes something, and WebSockets."""
    site = Site("broken", f"http://localhost:{port}/", "a password", "plain")
    person = Person(site, "ann")
    try:
        person.log_in()
        person.spawn()
        for _ in range(3):
            person.server("POST", "api/kernels", json={"name": "python3"}, headers={"Origin": site.origin})
        for path in (
            "api/kernels/4f1c2a9e-0b7d-4c55-9a51-2f6f7d1c0001/channels",
            "terminals/websocket/1",
            "api/events/subscribe",
        ):
            person.server("GET", path, headers={"Upgrade": "websocket", "Connection": "Upgrade", "Origin": site.origin})
    finally:
        person.close()


def main() -> None:
    """Record."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or HERE.parents[2] / ".cache")
    proxy = proxy_command(cache / "perijove" / "demo" / "node")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hub = Hub(folder / "hub", "/", proxy, "a password")
        junk, slow = Junk(0), Junk(5)
        ports = {"LISTEN": free_port(), "DEAD": free_port(), "JUNK": junk.port, "SLOW": slow.port, "HUB": hub.port}
        (folder / "apache").mkdir()
        folder.chmod(0o755)
        apache = Apache(folder / "apache", (HERE / "broken.conf").read_text(), ports)
        try:
            hub.wait()
            ask(apache.port)
            _use(apache.port)
            time.sleep(1)
        finally:
            apache.stop()
            hub.stop()
        for log, to in ((apache.log, "apache.log"), (folder / "hub" / "hub.log", "hub.log")):
            text = log.read_text("utf-8", "replace").replace(str(folder), "/srv")
            for each, port in ports.items():
                text = re.sub(rf"(?<!\d){port}(?!\d)", str(PORTS[each]), text)
            (HERE / to).write_text(text)


if __name__ == "__main__":
    sys.exit(main() if subprocess.run([APACHE, "-v"], capture_output=True, check=False).returncode == 0 else "no Apache here")
