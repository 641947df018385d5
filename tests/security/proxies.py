"""The proxies that are judged: perijove in each of its four dialects, and peers that are known to fail.

Each is configured as JupyterHub's documentation has it, in front of one upstream. Peers are not needed by `make test`.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.contract.parts import Proxy
from tests.server.parts import WAIT, eventually, workers

from perijove.demo.node import proxy_command
from perijove.demo.processes import Process, descendants, free_port, is_free

_ROOT = Path(__file__).parents[2]


class Settings(NamedTuple):
    """What the proxies are told. Seconds are None where the default of each holds."""

    upstream: int  # a port
    prefix: str = "/"  # below which everything goes to the upstream, with its path kept
    header: float | None = None  # a whole head
    connect: float | None = None
    response: float | None = None  # the answer, or the next piece of it
    grace: float | None = None
    log: str = ""
    trust: str = ""


class Running:
    """A proxy that listens."""

    def __init__(self, name: str, port: int, process: Process, proxy: Proxy | None = None) -> None:
        self.name = name
        self.port = port
        self.process = process
        self._proxy = proxy

    @property
    def pids(self) -> list[int]:
        return [self.process.pid, *descendants(self.process.pid)]

    @property
    def workers(self) -> list[int]:
        """Those that serve, of perijove; of others all."""
        return workers(self.process.pid) or self.pids

    def memory(self) -> float:
        """Private memory of all that serve, MiB."""
        total = 0.0
        for pid in self.workers:
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith(("Private_Clean", "Private_Dirty")):
                        total += int(line.split()[1]) / 1024
        return total

    def descriptors(self) -> int:
        total = 0
        for pid in self.workers:
            with contextlib.suppress(OSError):
                total += len(os.listdir(f"/proc/{pid}/fd"))
        return total

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        total = 0
        for pid in self.workers:
            with contextlib.suppress(OSError, ValueError):
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def log(self) -> str:
        return self.process.log.read_text(errors="replace")

    def stop(self) -> None:
        self.process.stop(5.0)


def _timeouts(settings: Settings) -> str:
    pairs = {"header": settings.header, "connect": settings.connect, "response": settings.response, "stream": settings.response}
    pairs["grace"] = settings.grace
    lines = [f"{name} = {value}" for name, value in pairs.items() if value is not None]
    return "[timeouts]\n" + "\n".join(lines) + "\n" if lines else ""


def _start(name: str, folder: Path, command: Callable[[int], list[str]]) -> Running:
    for _ in range(3):
        port = free_port()
        process = Process(name, command(port), folder / f"{name}-{port}.log")
        if eventually(lambda port=port, process=process: process.exited() is not None or not is_free(port), WAIT):  # type: ignore[misc]
            if process.exited() is None:
                return Running(name, port, process)
            if "in use" in process.log.read_text(errors="replace"):
                continue
        raise AssertionError(f"{name} does not listen:\n{process.log.read_text(errors='replace')}")
    raise AssertionError(f"no port for {name}")


def _perijove(*words: str) -> list[str]:
    return [sys.executable, "-m", "perijove", *words]


def _to(folder: Path, settings: Settings) -> Running:
    def command(port: int) -> list[str]:
        words = ["serve", "--to", f"http://127.0.0.1:{settings.upstream}", "--listen", f"127.0.0.1:{port}"]
        words += ["--mount", settings.prefix] if settings.prefix != "/" else []
        words += ["--grace", f"{settings.grace:g}"] if settings.grace is not None else []
        words += ["--access-log", settings.log] if settings.log else []
        words += ["--trust", settings.trust] if settings.trust else []
        return _perijove(*words)

    return _start("to", folder, command)


def _toml(folder: Path, settings: Settings) -> Running:
    def command(port: int) -> list[str]:
        file = folder / f"{port}.toml"
        file.write_text(
            f'listen = "127.0.0.1:{port}"\n'
            + (f'access-log = "{settings.log}"\n' if settings.log else "")
            + (f'trust = "{settings.trust}"\n' if settings.trust else "")
            + f'[[route]]\npath = "{settings.prefix}"\nto = "http://127.0.0.1:{settings.upstream}"\n'
            + _timeouts(settings)
        )
        return _perijove("serve", str(file))

    return _start("toml", folder, command)


def _official(port: int, settings: Settings) -> str:
    """JupyterHub's documentation, "Configuring a reverse proxy", Apache; at a prefix as it says of that."""
    prefix = settings.prefix
    base = prefix if prefix.endswith("/") else prefix + "/"
    timeouts = f"ProxyTimeout {settings.response:g}\n" if settings.response else ""
    timeouts += f"RequestReadTimeout header={settings.header:g}\n" if settings.header else ""
    return f"""{timeouts}<VirtualHost 127.0.0.1:{port}>
  ServerName hub.example
  RewriteEngine On
  RewriteCond %{{HTTP:Connection}} Upgrade [NC]
  RewriteCond %{{HTTP:Upgrade}} websocket [NC]
  RewriteRule {base}(.*) ws://127.0.0.1:{settings.upstream}{base}$1 [P,L]
  <Location "{prefix}">
    ProxyPreserveHost on
    ProxyPass         http://127.0.0.1:{settings.upstream}{prefix}
    ProxyPassReverse  http://127.0.0.1:{settings.upstream}{prefix}
    RequestHeader     set "X-Forwarded-Proto" expr=%{{REQUEST_SCHEME}}
  </Location>
</VirtualHost>
"""


def _apache_file(folder: Path, settings: Settings) -> Running:
    def command(port: int) -> list[str]:
        file = folder / f"{port}.conf"
        file.write_text(f"Listen 127.0.0.1:{port}\n" + _official(port, settings))
        words = ["--grace", f"{settings.grace:g}"] if settings.grace is not None else []
        words += ["--access-log", settings.log] if settings.log else []
        return _perijove("serve", str(file), *words)

    return _start("apache-file", folder, command)


def _chp_options(settings: Settings, ours: bool) -> list[str]:
    words = []
    if settings.header is not None:
        words += ["--timeout", str(int(settings.header * 1000))]
    if settings.response is not None:
        words += ["--proxy-timeout", str(int(settings.response * 1000))]
    if ours:
        words += ["--grace", f"{settings.grace:g}"] if settings.grace is not None else []
        words += ["--access-log", settings.log] if settings.log else []
        words += ["--trust", settings.trust or "none"]
    return words


def _chp_like(name: str, command: list[str], folder: Path, settings: Settings, ours: bool) -> Running:
    proxy = Proxy(name, command, folder, _chp_options(settings, ours))
    proxy.add("" if settings.prefix == "/" else settings.prefix.rstrip("/"), f"http://127.0.0.1:{settings.upstream}")
    return Running(name, proxy.port, proxy.process, proxy)


def _chp(folder: Path, settings: Settings) -> Running:
    return _chp_like("chp", _perijove("chp"), folder, settings, True)


# ------------------------------------------------------------------ peers


def _node_chp(folder: Path, settings: Settings) -> Running:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or _ROOT / ".cache")
    command = proxy_command(cache / "perijove" / "demo" / "node")
    return _chp_like("node-chp", command, folder, settings, False)


def _nginx(folder: Path, settings: Settings) -> Running:
    """JupyterHub's documentation, "Configuring a reverse proxy", nginx; with kept connections to the upstream."""

    def command(port: int) -> list[str]:
        home = folder / f"nginx-{port}"
        home.mkdir()
        seconds = [
            (f"client_header_timeout {settings.header:g}s;" if settings.header else ""),
            (f"proxy_connect_timeout {settings.connect:g}s;" if settings.connect else ""),
            (f"proxy_read_timeout {settings.response:g}s;" if settings.response else ""),
        ]
        temporary = "".join(
            f"{kind}_temp_path {home}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (home / "conf").write_text(f"""daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 9000; }}
http {{
{temporary} access_log {settings.log or "off"};
map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
upstream hub {{ server 127.0.0.1:{settings.upstream}; keepalive 32; }}
server {{
  listen 127.0.0.1:{port} backlog=4096;
  client_max_body_size 0;
  {" ".join(seconds)}
  location {settings.prefix} {{
    proxy_pass http://hub;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Scheme $scheme;
    proxy_buffering off;
  }}
}}
}}
""")
        return ["nginx", "-e", f"{home}/error.log", "-c", f"{home}/conf"]

    return _start("nginx", folder, command)


def _haproxy(folder: Path, settings: Settings) -> Running:
    def command(port: int) -> list[str]:
        file = folder / f"haproxy-{port}.cfg"
        file.write_text(f"""global
  maxconn 9000
defaults
  mode http
  timeout client 60s
  timeout http-request {int((settings.header or 10) * 1000)}ms
  timeout connect {int((settings.connect or 3) * 1000)}ms
  timeout server {int((settings.response or 60) * 1000)}ms
  option forwardfor
frontend f
  bind 127.0.0.1:{port}
  http-request set-header X-Forwarded-Proto http
  acl below path_beg {settings.prefix}
  use_backend hub if below
backend hub
  server s 127.0.0.1:{settings.upstream}
""")
        return ["haproxy", "-db", "-f", str(file)]

    return _start("haproxy", folder, command)


def _httpd(folder: Path, settings: Settings) -> Running:
    def command(port: int) -> list[str]:
        home = folder / f"httpd-{port}"
        home.mkdir()
        modules = ["mpm_event", "authz_core", "proxy", "proxy_http", "proxy_wstunnel", "headers", "rewrite", "reqtimeout"]
        loads = "".join(f"LoadModule {one}_module /usr/lib/apache2/modules/mod_{one}.so\n" for one in modules)
        user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
        (home / "conf").write_text(
            f"ServerRoot {home}\nPidFile {home}/pid\nErrorLog {home}/error.log\nServerName localhost\n{loads}{user}"
            f"Listen 127.0.0.1:{port}\n" + _official(port, settings)
        )
        return ["apache2", "-DFOREGROUND", "-f", f"{home}/conf"]

    return _start("httpd", folder, command)


START: dict[str, Callable[[Path, Settings], Running]] = {
    "to": _to,
    "toml": _toml,
    "apache-file": _apache_file,
    "chp": _chp,
    "nginx": _nginx,
    "haproxy": _haproxy,
    "httpd": _httpd,
    "node-chp": _node_chp,
}
OURS = ("to", "toml", "apache-file", "chp")
