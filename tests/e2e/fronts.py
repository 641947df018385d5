"""Apache and perijove with one and the same configuration file."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import Final

from tests.oracle.play import APACHE
from tests.oracle.stage import MODULES

from perijove.demo.processes import Process

CONFIGURATIONS: Final = Path(__file__).with_name("configurations")
FRONTS: Final = ("apache", "perijove")
_LOADED: Final = ("mpm_event", "authz_core", "alias", "headers", "rewrite", "ssl", "proxy", "proxy_http", "proxy_wstunnel")


def write(folder: Path, name: str, values: dict[str, str]) -> Path:
    """Write a server's file that includes one of `configurations`; return it.

    Args:
        folder: where, and where Apache writes.
        name: of the configuration.
        values: of the variables in it: `PORT`, on which it listens, and more.
    """
    folder.mkdir()
    lines = [
        f'ServerRoot "{folder}"',
        f"PidFile {folder}/httpd.pid",
        f"DefaultRuntimeDir {folder}",
        *(f"LoadModule {one}_module {MODULES}/mod_{one}.so" for one in _LOADED),
        *(f"Define {key} {value}" for key, value in values.items()),
        "Listen 127.0.0.1:${PORT}",
        *(["Listen 127.0.0.1:${HTTP_PORT}"] if "HTTP_PORT" in values else []),
        "ServerName front.test",
        "User www-data",
        "Group www-data",
        f"ErrorLog {folder}/error.log",
        "StartServers 1",
        f"Include {CONFIGURATIONS}/{name}.conf",
    ]
    path = folder / "httpd.conf"
    path.write_text("\n".join([*lines, ""]))
    return path


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
        while True:
            assert self.process.exited() is None, self.said()
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if time.monotonic() > end:
                    self.process.stop()
                    raise AssertionError(self.said()) from None
            time.sleep(0.05)

    def said(self) -> str:
        log = self._error_log.read_text(errors="replace") if self._error_log.exists() else ""
        return self.process.tail(1000) + log

    def stop(self) -> None:
        """End it; that is without complaint."""
        self.process.stop()
        assert self.process.exited() == 0, self.said()
        assert "Traceback" not in self.said(), self.said()
