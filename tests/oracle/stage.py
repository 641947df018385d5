"""The place where a case is played: a folder, ports, certificates; and texts with the names of all these instead of their values.

A case writes `{UPSTREAM}` for an address, `{UPSTREAM_PORT}` for its port, `{DIR}`, `{CERT}`, `{KEY}`, `{CA}`, `{SOCKET}` for files.
Knows nothing of what is started here.
"""

from __future__ import annotations

import datetime
import os
import re
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import trustme
from tests.oracle.case import Case

MODULES: Final = Path(os.environ.get("APACHE_MODULES", "/usr/lib/apache2/modules"))
_STATIC: Final = {"core", "http", "log_config", "logio", "so", "unixd", "version", "watchdog"}  # in Debian's apache2 itself
_BASIC: Final = ["mpm_event", "authz_core"]
_FRONT: Final = ("LISTEN", "LISTEN2", "LISTEN_TLS")
_BEHIND: Final = ("UPSTREAM", "UPSTREAM2", "UPSTREAM_TLS", "UPSTREAM_EXPIRED")
_NOBODY: Final = "DEAD"
_HTDOCS: Final = {
    "htdocs/index.html": "local index\n",
    "htdocs/local.txt": "local file\n",
    "htdocs/static/s.txt": "local static\n",
}
_MODIFIED: Final = 1700000000  # of all files: ETag and Last-Modified are made of it


@dataclass(frozen=True)
class Certificates:
    """PEM files, each of a certificate and its key, and the authority's."""

    folder: Path

    @classmethod
    def make(cls) -> Self:
        """Make them in a folder of their own, which an unprivileged server may read."""
        folder = Path(tempfile.mkdtemp(prefix="perijove-oracle-certificates."))
        folder.chmod(0o755)
        authority = trustme.CA(organization_name="oracle test CA")
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=2)
        for name, hosts, end in (
            ("front", ("hub.example.org", "other.example.org"), None),
            ("up", ("localhost",), None),
            ("expired", ("localhost",), past),
        ):
            start = past - datetime.timedelta(days=30)
            issued = authority.issue_cert(*hosts, common_name=hosts[0], not_before=start, not_after=end)
            issued.private_key_and_cert_chain_pem.write_to_path(str(folder / f"{name}.pem"))
            (folder / f"{name}.pem").chmod(0o644)
        return cls(folder)

    def remove(self) -> None:
        """Remove them."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Stage:
    """A folder and ports of one run of a case.

    Every port is bound before anything is started. A server that sets SO_REUSEADDR may listen on it all the same as long
    as we do not listen (socket(7)), and nobody else is given it; a connection to one on which nobody listens is refused.
    """

    def __init__(self, case: Case, certificates: Certificates, fronts: int = 0) -> None:
        """Take ports; `fronts` of them, `{FRONT0}` and so on, are for a case that is many."""
        self.case = case
        self.folder = Path(tempfile.mkdtemp(prefix="perijove-oracle.", suffix=".d"))
        self.folder.chmod(0o755)
        self._certificates = certificates.folder
        self.sockets = {name: _bound() for name in (*_FRONT, *_BEHIND, _NOBODY, *(f"FRONT{one}" for one in range(fronts)))}
        self.ports: dict[str, int] = {name: sock.getsockname()[1] for name, sock in self.sockets.items()}
        front = str(certificates.folder / "front.pem")
        self._values = {"{DIR}": str(self.folder), "{SOCKET}": str(self.folder / "upstream.sock")}
        self._values |= {"{CERT}": front, "{KEY}": front, "{CA}": str(certificates.folder / "ca.pem")}
        for name, port in self.ports.items():
            self._values |= {f"{{{name}}}": f"127.0.0.1:{port}", f"{{{name}_PORT}}": str(port)}
        self._names = {str(port): f"{{{name}_PORT}}" for name, port in self.ports.items()}
        self._number = re.compile(r"(?<!\d)(?:" + "|".join(self._names) + r")(?!\d)")
        self.conf = self.folder / "httpd.conf"
        self.error_log = self.folder / "error.log"

    def expand(self, value: Any) -> Any:
        """Return a value of a case with what its names stand for."""
        if isinstance(value, str):
            if "{" not in value:
                return value
            for name, text in self._values.items():
                value = value.replace(name, text)
            return value
        if isinstance(value, list):
            return [self.expand(one) for one in value]
        if isinstance(value, dict):
            return {key: self.expand(one) for key, one in value.items()}
        return value

    def named(self, text: str) -> str:
        """Return a text with the names of what differs from run to run."""
        text = self._number.sub(lambda found: self._names[found[0]], text)
        return text.replace(str(self.folder), "{DIR}").replace(str(self._certificates), "{CERTS}")

    def set(self) -> None:
        """Write the files."""
        for name, text in (_HTDOCS | self.case.files).items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.expand(text), encoding="latin-1")
            os.utime(path, (_MODIFIED, _MODIFIED))
        self.conf.write_text(self.text(self.case.config))
        self.error_log.touch()

    def text(self, config: str) -> str:
        """Return a configuration with all that a server needs."""
        return "\n".join([*self._server(), "", "# what is tested", self.expand(config), ""])

    def strike(self) -> None:
        """Remove everything."""
        for sock in self.sockets.values():
            sock.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def listener(self, name: str) -> socket.socket:
        """Let an upstream listen on its port."""
        sock = self.sockets[name]
        sock.listen(64)
        return sock

    def unix_listener(self) -> socket.socket:
        """Listen on `{SOCKET}`; who serves as nobody in particular may connect."""
        sock = socket.socket(socket.AF_UNIX)
        path = self._values["{SOCKET}"]
        sock.bind(path)
        Path(path).chmod(0o666)
        sock.listen(64)
        return sock

    def _server(self) -> list[str]:
        """Return the lines that every server needs, before those of the case."""
        wanted = dict.fromkeys([*_BASIC, *self.case.modules])
        modules = [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in wanted if name not in _STATIC]
        listens = [f"Listen 127.0.0.1:{self.ports['LISTEN']}"]
        for name, protocol in (("LISTEN2", "http"), ("LISTEN_TLS", "https")):
            if f"{{{name}}}" in self.case.config or f"{{{name}_PORT}}" in self.case.config:
                listens.append(f"Listen 127.0.0.1:{self.ports[name]} {protocol}")
        return [
            f'ServerRoot "{self.folder}"',
            f"PidFile {self.folder}/httpd.pid",
            f"DefaultRuntimeDir {self.folder}",
            *modules,
            *listens,
            "ServerName front.test",
            "User www-data",
            "Group www-data",
            f"ErrorLog {self.error_log}",
            "LogLevel warn",
            "StartServers 1",
            "MinSpareThreads 4",
            "MaxSpareThreads 16",
            "ThreadsPerChild 16",
            "MaxRequestWorkers 32",
            f'DocumentRoot "{self.folder}/htdocs"',
            f'<Directory "{self.folder}/htdocs">',
            "    Require all granted",
            "</Directory>",
        ]


def _bound() -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock
