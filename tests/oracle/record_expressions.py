"""Ask a real Apache what expressions mean: `record_expressions.py FILE.json` fills in the verdicts of the expressions in it.

The file has `requests` (raw heads), `conditions` and `texts`; of each expression what Apache said at each request: a truth, a
text, or null where the field was not sent; or `error`, the words with which Apache refused to start.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

APACHE = os.environ.get("APACHE", "/usr/sbin/apache2")
MODULES = os.environ.get("APACHE_MODULES", "/usr/lib/apache2/modules")
LOADED = ("mpm_event", "authz_core", "proxy", "proxy_http", "headers", "env", "setenvif", "unique_id")


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Upstream:
    """Answers anything, and keeps the last head."""

    def __init__(self) -> None:
        self.head = b""
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            one, _ = self.socket.accept()
            head = b""
            while b"\r\n\r\n" not in head:
                got = one.recv(1 << 16)
                if not got:
                    break
                head += got
            self.head = head
            one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            one.close()


def configuration(folder: str, port: int, upstream: int, lines: list[str]) -> str:
    path = f"{folder}/httpd.conf"
    Path(path).write_text(
        "\n".join(
            [
                f'ServerRoot "{folder}"',
                f"PidFile {folder}/pid",
                *(f"LoadModule {one}_module {MODULES}/mod_{one}.so" for one in LOADED),
                f"Listen 127.0.0.1:{port}",
                "ServerName front.test",
                "User www-data",
                "Group www-data",
                f"ErrorLog {folder}/error.log",
                f"<VirtualHost 127.0.0.1:{port}>",
                "ServerName hub.example.org",
                "ServerAdmin admin@example.org",
                "SetEnv FOO bar",
                "SetEnv Mixed Case",
                "SetEnvIf Request_URI ^/user IS_USER=yes",
                *lines,
                f"ProxyPass / http://127.0.0.1:{upstream}/",
                "</VirtualHost>",
                "",
            ]
        )
    )
    return path


def refused(folder: str, line: str) -> str:
    path = configuration(folder, 1, 1, [line])
    done = subprocess.run([APACHE, "-d", folder, "-f", path, "-t"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr.strip().split("\n")[-1]


def main() -> None:
    path = Path(sys.argv[1])
    data: dict[str, Any] = json.loads(path.read_text())
    cases = [(one, True) for one in data["conditions"]] + [(one, False) for one in data["texts"]]
    lines = []
    with tempfile.TemporaryDirectory(prefix="expressions.") as folder:
        os.chmod(folder, 0o755)
        for number, (case, condition) in enumerate(cases):
            word = quoted("expr=" + case["expression"])
            line = f"RequestHeader set X-Case-{number} " + (f"yes {word}" if condition else word)
            case.pop("error", None)
            case.pop("says", None)
            words = refused(folder, line)
            if words:
                case["error"] = words
            else:
                lines.append(line)
        upstream = Upstream()
        port = free()
        conf = configuration(folder, port, upstream.port, lines)
        environment = {**os.environ, "PROBE": "from the process"}
        process = subprocess.Popen([APACHE, "-d", folder, "-f", conf, "-DFOREGROUND"], env=environment)
        try:
            for _ in range(100):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    time.sleep(0.05)
            for request in data["requests"]:
                upstream.head = b""
                with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                    client.sendall(request.encode("latin-1").replace(b"{PORT}", b"%d" % port))
                    while client.recv(65536):
                        pass
                found = dict(re.findall(r"\r\nX-Case-(\d+): ?([^\r]*)", upstream.head.decode("latin-1")))
                for number, (case, condition) in enumerate(cases):
                    if "error" not in case:
                        said = found.get(str(number))
                        if said is not None:
                            said = re.sub(rf"\b{port}\b", "{PORT}", said)
                        case.setdefault("says", []).append(said is not None if condition else said)
        finally:
            process.terminate()
            process.wait(10)
            log = Path(f"{folder}/error.log").read_text()
            if "-v" in sys.argv:
                sys.stderr.write("\n".join(sorted({re.sub(r"^.*?AH", "AH", line) for line in log.split("\n")})))
    path.write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main()
