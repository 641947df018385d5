"""Apache and perijove with one and the same configuration file."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.oracle.play import APACHE
from tests.oracle.stage import MODULES

from perijove.demo.processes import Process

FOLDER: Final = Path(__file__).with_name("configurations")
FRONTS: Final = ("apache", "perijove")
_LOADED: Final = ("mpm_event", "authz_core", "alias", "headers", "rewrite", "ssl", "proxy", "proxy_http", "proxy_wstunnel")


def write(folder: Path, included: Path, values: dict[str, str], modules: Iterable[str] = _LOADED, *more: str) -> Path:
    """Write a server's file that includes a configuration; return it.

    Args:
        folder: where, and where Apache writes.
        included: the configuration.
        values: of the variables in it: `PORT`, on which it listens, and more.
        modules: that it loads.
        more: lines before it.
    """
    folder.mkdir()
    lines = [
        f'ServerRoot "{folder}"',
        f"PidFile {folder}/httpd.pid",
        f"DefaultRuntimeDir {folder}",
        *(f"LoadModule {one}_module {MODULES}/mod_{one}.so" for one in modules),
        *(f"Define {key} {value}" for key, value in values.items()),
        "Listen 127.0.0.1:${PORT}",
        *(["Listen 127.0.0.1:${HTTP_PORT}"] if "HTTP_PORT" in values else []),
        "ServerName front.test",
        "User www-data",
        "Group www-data",
        f"ErrorLog {folder}/error.log",
        "StartServers 1",
        *more,
        f"Include {included}",
    ]
    path = folder / "httpd.conf"
    path.write_text("\n".join([*lines, ""]))
    return path


def refused(conf: Path) -> str:
    """Return why Apache would not start with what `write` returned; nothing if it would."""
    command = [APACHE, "-d", str(conf.parent), "-f", str(conf), "-t"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=conf.parent, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


class Front:
    """A server in the foreground; `said` is all that it printed and logged."""

    def __init__(self, kind: str, conf: Path, port: int) -> None:
        """Start it, and wait until it serves.

        Args:
            kind: one of `FRONTS`.
            conf: what `write` returned.
            port: on which it then listens.
        """
        commands = {
            "apache": [APACHE, "-d", str(conf.parent), "-f", str(conf), "-DFOREGROUND"],
            "perijove": [sys.executable, "-m", "perijove", "serve", "--apache", str(conf)],
        }
        self.kind = kind
        self._error_log = conf.with_name("error.log")
        self.process = Process(kind, commands[kind], conf.with_name("output.log"), cwd=conf.parent)
        end = time.monotonic() + 20
        while not self._serves(port):
            assert self.process.exited() is None, self.said()
            if time.monotonic() > end:
                self.process.stop()
                raise AssertionError(self.said())
            time.sleep(0.05)

    def _serves(self, port: int) -> bool:
        """Return whether it takes connections, and signals: httpd's port is open before it looks at any (event.c, `event_run`)."""
        if self.kind == "apache" and "resuming normal operations" not in self.logged():
            return False
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    def logged(self) -> str:
        """Return what is in its error log."""
        return self._error_log.read_text(errors="replace") if self._error_log.exists() else ""

    def said(self) -> str:
        return self.process.tail(1000) + self.logged()

    def stop(self) -> None:
        """End it; that is without complaint."""
        self.process.stop()
        assert self.process.exited() == 0, self.said()
        assert "Traceback" not in self.said(), self.said()
