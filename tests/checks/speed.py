"""Large configurations of several shapes, and how long `perijove check` takes for each: `python -m tests.checks.speed [LINES]`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

_ROUNDS: Final = 3


def hosts(lines: int) -> str:
    """Return many virtual hosts, each as the documentation of JupyterHub has it."""
    return "".join(
        f"""<VirtualHost *:443>
  ServerName hub{number}.example.org
  SSLEngine on
  SSLCertificateFile /etc/ssl/{number}.pem
  ProxyPreserveHost On
  RewriteEngine On
  RewriteCond %{{HTTP:Connection}} Upgrade [NC]
  RewriteCond %{{HTTP:Upgrade}} websocket [NC]
  RewriteRule /(.*) ws://127.0.0.1:{8000 + number}/$1 [P,L]
  RewriteRule /(.*) http://127.0.0.1:{8000 + number}/$1 [P,L]
  <Location />
    ProxyPassReverse http://127.0.0.1:{8000 + number}/
    RequestHeader set X-Forwarded-Proto https
  </Location>
</VirtualHost>

"""
        for number in range(lines // 16)
    )


def _host(body: str) -> str:
    return f"<VirtualHost *:80>\nServerName hub.example.org\nProxyPreserveHost On\nRewriteEngine On\n{body}</VirtualHost>\n"


def passes(lines: int) -> str:
    """Return one host with many ProxyPass and ProxyPassReverse."""
    return _host(
        "".join(
            f"ProxyPass /hub{number}/ http://10.0.{number // 250}.{number % 250}:8000/hub{number}/ upgrade=websocket\n"
            f"ProxyPassReverse /hub{number}/ http://10.0.{number // 250}.{number % 250}:8000/hub{number}/\n"
            for number in range(lines // 2)
        )
    )


def rules(lines: int) -> str:
    """Return one host with many rules that lead upstream."""
    return _host(
        "".join(
            f"RewriteCond %{{HTTP:Upgrade}} websocket [NC]\n"
            f"RewriteRule ^/hub{number}/(.*) ws://127.0.0.1:{8000 + number}/hub{number}/$1 [P,L]\n"
            for number in range(lines // 2)
        )
    )


def redirects(lines: int) -> str:
    """Return one host with many rules that redirect."""
    return _host("".join(f"RewriteRule ^/old{number}/(.*)$ /new{number}/$1 [R=301,L]\n" for number in range(lines)))


def locations(lines: int) -> str:
    """Return one host with many sections."""
    return _host(
        "".join(
            f"<Location /hub{number}/>\n  ProxyPass http://127.0.0.1:{8000 + number}/hub{number}/ upgrade=websocket\n"
            f"  ProxyPassReverse http://127.0.0.1:{8000 + number}/hub{number}/\n</Location>\n"
            for number in range(lines // 4)
        )
    )


def fields(lines: int) -> str:
    """Return one host that sets many fields."""
    body = "".join(f"RequestHeader set X-A{number} v{number}\n" for number in range(lines))
    return _host(f"ProxyPass / http://127.0.0.1:8000/ upgrade=websocket\n{body}")


def _word(number: int) -> str:
    """Return a name without digits, much like that of its neighbours."""
    return "hub-" + "".join("abcdefghij"[int(digit)] for digit in str(number))


def faults(lines: int) -> str:
    """Return one host of which every line has something wrong."""
    return _host(
        "".join(
            f"ProxyPass /{_word(number)} http://10.0.{number // 250}.{number % 250}:8000/{_word(number)}/ # hub\n"
            f"RequestHeader edit Origin {{your host}} 10.0.{number // 250}.{number % 250}:8000\n"
            for number in range(lines // 2)
        )
    )


def shut(lines: int) -> str:
    """Return hosts that keep people out, as every site does somewhere."""
    return "".join(
        f"""<VirtualHost *:443>
  ServerName hub{number}.example.org
  SSLEngine on
  SSLCertificateFile /etc/ssl/{number}.pem
  <Directory /var/www/{number}>
    Require all granted
  </Directory>
  <Location />
    AuthType Basic
    AuthName "hub {number}"
    AuthUserFile /etc/apache2/users
    Require valid-user
    ProxyPass http://127.0.0.1:{8000 + number}/ upgrade=websocket
    ProxyPassReverse http://127.0.0.1:{8000 + number}/
  </Location>
</VirtualHost>
"""
        for number in range(lines // 16)
    )


SHAPES: Final[dict[str, Callable[[int], str]]] = {
    "virtual hosts": hosts,
    "ProxyPass": passes,
    "RewriteRule … [P]": rules,
    "RewriteRule … [R]": redirects,
    "Location": locations,
    "RequestHeader": fields,
    "Require": shut,
    "faults in every line": faults,
}


def main() -> None:
    """Print the seconds of CPU time, the best of three, and the memory of each shape."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hub.conf"
        print(f"{lines:,} lines of:")
        for name, shape in SHAPES.items():
            path.write_text(shape(lines))
            found = [_once(path) for _ in range(_ROUNDS)]
            print(f"  {name:20} {min(each[0] for each in found):5.2f} s {max(each[1] for each in found):6.0f} MB", flush=True)


def _once(path: Path) -> tuple[float, float]:
    process = subprocess.Popen([sys.executable, "-m", "perijove", "check", str(path)], stdout=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
