"""The proxies that are compared, and how each is started: one worker, no limits, kept connections to the upstream.

Each writes a line for every request to a file of its own, unless `log` is off; configurable-http-proxy can write none.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.bench import measure

from perijove.demo.node import proxy_command


@dataclass(frozen=True)
class Place:
    """What a proxy is told."""

    folder: Path  # its own, for all that it writes
    port: int
    tls: int  # port for TLS; 0: none
    upstream: int
    certificate: Path  # PEM, with the key
    log: bool
    workers: int = 1

    def written(self, name: str, text: str) -> Path:
        """Write a configuration."""
        path = self.folder / name
        path.write_text(text)
        return path


Command = tuple[list[str], dict[str, str]]  # what is run, and what its environment has besides


def _nginx(place: Place, spoken: str = "ssl_session_tickets off;") -> Command:
    folder = place.folder
    tls = ""
    if place.tls:
        tls = f"listen 127.0.0.1:{place.tls} ssl; ssl_certificate {place.certificate}; ssl_certificate_key {place.certificate};"
    config = place.written(
        "nginx.conf",
        f"""
daemon off; worker_processes {place.workers}; pid {folder}/pid; error_log {folder}/error.log; worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
http {{
 access_log {folder / "access.log" if place.log else "off"};
 client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
 uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
 keepalive_requests 100000000; client_max_body_size 0;
 ssl_session_cache off; {spoken}
 map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
 upstream hub {{ server 127.0.0.1:{place.upstream}; keepalive 64; keepalive_requests 100000000; }}
 server {{
  listen 127.0.0.1:{place.port}; {tls}
  location / {{
   proxy_pass http://hub; proxy_http_version 1.1; proxy_request_buffering off; proxy_max_temp_file_size 0;
   proxy_read_timeout 3600;
   proxy_set_header Host $http_host;
   proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
   proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
   proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host;
  }}
 }}
}}
""",
    )
    return ["nginx", "-p", str(folder), "-c", str(config)], {}


def _nginx_alike(place: Place) -> Command:
    """Before 1.23.4 it speaks TLS 1.2 unless it is told otherwise, whose handshakes cost less."""
    return _nginx(place, "ssl_protocols TLSv1.2 TLSv1.3;")


def _haproxy(place: Place) -> Command:
    # It writes to no file: a pipe into one is the nearest there is, and what `cat` uses is counted, too.
    tls = f"bind 127.0.0.1:{place.tls} ssl crt {place.certificate} no-tls-tickets" if place.tls else ""
    config = place.written(
        "haproxy.cfg",
        f"""
global
  nbthread {place.workers}
  maxconn 9900
  {"log stdout format raw local0" if place.log else ""}
defaults
  mode http
  {"log global" if place.log else ""}
  {"option httplog" if place.log else ""}
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  option http-keep-alive
  http-reuse always
frontend public
  bind 127.0.0.1:{place.port}
  {tls}
  option forwardfor
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  default_backend hub
backend hub
  server hub 127.0.0.1:{place.upstream}
""",
    )
    return ["sh", "-c", f"haproxy -db -f {config} | cat >> {place.folder}/access.log"], {}


_MODULES: Final = "mpm_event authz_core proxy proxy_http proxy_wstunnel rewrite headers ssl socache_shmcb"
# As JupyterHub's documentation has it.
_OFFICIAL: Final = """
RewriteEngine On
RewriteCond %{{HTTP:Connection}} Upgrade [NC]
RewriteCond %{{HTTP:Upgrade}} websocket [NC]
RewriteRule /(.*) ws://127.0.0.1:{upstream}/$1 [P,L]
<Location "/">
  ProxyPreserveHost on
  ProxyPass         http://127.0.0.1:{upstream}/
  ProxyPassReverse  http://127.0.0.1:{upstream}/
  RequestHeader     set "X-Forwarded-Proto" expr=%{{REQUEST_SCHEME}}
</Location>
"""


def _hosts(place: Place) -> str:
    official = _OFFICIAL.format(upstream=place.upstream)
    text = f"Listen 127.0.0.1:{place.port}\n<VirtualHost 127.0.0.1:{place.port}>{official}</VirtualHost>\n"
    if place.tls:
        text += f"""Listen 127.0.0.1:{place.tls}
<VirtualHost 127.0.0.1:{place.tls}>
SSLEngine on
SSLCertificateFile {place.certificate}
SSLSessionTickets off
{official}</VirtualHost>
"""
    if place.log:
        text += 'LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined\n'
        text += f"CustomLog {place.folder}/access.log combined\n"
    return text


def _apache(place: Place) -> Command:
    folder = place.folder
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in _MODULES.split())
    config = place.written(
        "apache.conf",
        f"""{modules}
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/error.log
DefaultRuntimeDir {folder}
Mutex pthread
ServerLimit {place.workers}
StartServers {place.workers}
ThreadsPerChild 128
MaxRequestWorkers {128 * place.workers}
AsyncRequestWorkerFactor 4
MaxKeepAliveRequests 0
KeepAliveTimeout 60
ProxyTimeout 3600
{_hosts(place)}""",
    )
    return ["apache2", "-DFOREGROUND", "-f", str(config)], {}


def _caddy(place: Place) -> Command:
    log = f" log {{\n  output file {place.folder}/access.log {{\n   roll_disabled\n  }}\n }}\n" if place.log else ""
    passed = f"""{log} reverse_proxy 127.0.0.1:{place.upstream} {{
  transport http {{
   keepalive_idle_conns 256
   keepalive_idle_conns_per_host 256
  }}
 }}
"""
    tls = f"https://:{place.tls} {{\n tls {place.certificate} {place.certificate}\n{passed}}}\n" if place.tls else ""
    config = place.written(
        "Caddyfile",
        f"{{\n admin off\n auto_https off\n log {{\n  output discard\n }}\n}}\n"
        f"http://:{place.port}, http://127.0.0.1:{place.port}, http://hub.example.org:{place.port} {{\n{passed}}}\n{tls}",
    )
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)]
    return command, {"GOMAXPROCS": str(place.workers), "HOME": str(place.folder)}


def _chp(place: Place) -> Command:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "perijove/demo/node"
    port = place.tls or place.port
    command = [*proxy_command(cache), "--log-level", "error", "--ip", "127.0.0.1", "--api-ip", "127.0.0.1"]
    command += ["--port", str(port), "--api-port", str(place.port + 1000)]
    command += ["--default-target", f"http://127.0.0.1:{place.upstream}"]
    if place.tls:
        command += ["--ssl-cert", str(place.certificate), "--ssl-key", str(place.certificate)]
    return command, {}


def _perijove(place: Place, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "perijove", *arguments]
    if place.log:
        command += ["--access-log", str(place.folder / "access.log")]
    return command


def _serve(place: Place) -> list[str]:
    command = _perijove(place, "serve", "--to", f"http://127.0.0.1:{place.upstream}", "--workers", str(place.workers))
    if place.tls:
        command += ["--tls-cert", str(place.certificate), "--tls-key", str(place.certificate)]
    return [*command, "--listen", f"127.0.0.1:{place.tls or place.port}"]


def _compiled(place: Place) -> Command:
    return _serve(place), {"PERIJOVE_REQUIRE_COMPILED": "1"}


def _pure(place: Place) -> Command:
    return _serve(place), {"PERIJOVE_PURE": "1"}


def _two(place: Place) -> Command:
    return _compiled(replace(place, workers=2))


def _unlogged(place: Place) -> Command:
    return _compiled(replace(place, log=False))


def _watched(place: Place) -> Command:
    command, environment = _compiled(place)
    return [*command, "--access-log-format", "json", "--metrics", f"127.0.0.1:{place.port + 1000}"], environment


def _file(place: Place) -> Command:
    config = place.written("hub.conf", _hosts(place))
    return [sys.executable, "-m", "perijove", "serve", str(config)], {"PERIJOVE_REQUIRE_COMPILED": "1"}


def _ours_as_chp(place: Place) -> Command:
    command = _perijove(place, "chp", "--ip", "127.0.0.1", "--api-ip", "127.0.0.1", "--api-port", str(place.port + 1000))
    command += ["--port", str(place.tls or place.port), "--default-target", f"http://127.0.0.1:{place.upstream}"]
    if place.tls:
        command += ["--ssl-cert", str(place.certificate), "--ssl-key", str(place.certificate)]
    return command, {"PERIJOVE_REQUIRE_COMPILED": "1"}


def _relay(place: Place) -> Command:
    return [str(place.folder.parent / "relay"), str(place.port), str(place.upstream)], {}


PEERS: Final[dict[str, Callable[[Place], Command]]] = {
    "perijove": _compiled,
    "perijove-pure": _pure,
    "perijove-two": _two,
    "perijove-unlogged": _unlogged,
    "perijove-watched": _watched,
    "perijove-apache": _file,
    "perijove-chp": _ours_as_chp,
    "nginx": _nginx,
    "nginx-alike": _nginx_alike,
    "haproxy": _haproxy,
    "apache": _apache,
    "caddy": _caddy,
    "chp": _chp,
    "relay": _relay,
}
TITLES: Final = {
    "perijove": "perijove, compiled",
    "perijove-pure": "perijove, pure",
    "perijove-two": "perijove, two workers",
    "perijove-unlogged": "perijove without a log",
    "perijove-watched": "perijove with metrics and its log as JSON",
    "perijove-apache": "perijove, JupyterHub's Apache file",
    "perijove-chp": "perijove chp",
    "nginx": "nginx",
    "nginx-alike": "nginx, with TLS 1.3 and tickets as perijove",
    "haproxy": "HAProxy",
    "apache": "Apache httpd (event)",
    "caddy": "Caddy",
    "chp": "configurable-http-proxy",
    "relay": "relay in C, without HTTP",
}
_PROGRAMS: Final = {"nginx": "nginx", "nginx-alike": "nginx", "haproxy": "haproxy", "apache": "apache2", "caddy": "caddy"}


def missing(name: str) -> bool:
    """Tell whether a peer is not installed."""
    return name in _PROGRAMS and shutil.which(_PROGRAMS[name]) is None


def version(name: str) -> str:
    """Return the version of a peer's program, as it says it."""
    asked = {"nginx": ["nginx", "-v"], "haproxy": ["haproxy", "-v"], "apache": ["apache2", "-v"], "caddy": ["caddy", "version"]}
    if name not in asked:
        return ""
    done = subprocess.run(asked[name], capture_output=True, text=True, check=False)
    words = (done.stdout + done.stderr).replace("/", " ").split()
    return next((word.strip("v") for word in words if word.strip("v")[:1].isdigit()), "")


class Running:
    """A proxy that runs, with all its processes on one set of cores."""

    def __init__(self, name: str, place: Place, cores: str) -> None:
        """Start it, and wait until it listens."""
        self.name = name
        self.place = place
        place.folder.mkdir(parents=True, exist_ok=True)
        command, environment = PEERS[name](place)
        with (place.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                ["taskset", "-c", cores, *command],
                env={**os.environ, **environment},
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )
        self._await()
        self.pids = measure.family(self.process.pid)

    def _await(self) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.place.tls or self.place.port), 1):
                time.sleep(0.3)
                return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"{self.name} does not listen; it says: {(self.place.folder / 'output').read_text()[-2000:]}")

    def stop(self) -> None:
        """End it, and what it has started."""
        pids = measure.family(self.process.pid)
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in pids:
                with contextlib.suppress(OSError):
                    os.kill(pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(3)
                break
        self.process.wait()
