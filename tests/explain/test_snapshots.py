"""What `perijove explain` prints, word for word: people paste it into issues.

`SNAPSHOTS=write pytest tests/explain/test_snapshots.py` writes what is printed now; read the difference before you keep it.
"""

import io
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from perijove import config
from perijove.cli import main
from perijove.cli.options import colours
from perijove.explain.model import Request
from perijove.explain.run import explain

SNAPSHOTS = Path(__file__).parent / "snapshots"
# One that is only looked at needs no certificate of anybody.
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n"
OFFICIAL = """Listen 443
<VirtualHost *:443>
  ServerName hub.example.edu
  SSLEngine on
  SSLCertificateFile hub.pem
  RewriteEngine On
  RewriteCond %{HTTP:Connection} Upgrade [NC]
  RewriteCond %{HTTP:Upgrade} websocket [NC]
  RewriteRule /(.*) ws://127.0.0.1:8000/$1 [P,L]
  <Location "/">
    ProxyPreserveHost on
    ProxyPass http://127.0.0.1:8000/
    ProxyPassReverse http://127.0.0.1:8000/
    RequestHeader set "X-Forwarded-Proto" expr=%{REQUEST_SCHEME}
  </Location>
</VirtualHost>
"""
# The page's second configuration, without its comment: kernels connect, and nothing else is there.
SECOND = """Listen 8080
<VirtualHost *:8080>
  ServerName hub.example.edu
  <LocationMatch "/mypath/(user/[^/]*)/(api/kernels/[^/]+/channels|terminals/websocket)(.*)">
    ProxyPassMatch ws://localhost:8999/mypath/$1/$2$3
  </LocationMatch>
</VirtualHost>
"""
MAPPED = """Listen 8080
<VirtualHost *:8080>
  ServerName hub.example.edu
  Redirect permanent /old https://hub.example.edu/jhub/
  <Location /secret>
    Require ip 10.0.0.0/8
  </Location>
  ProxyPass /jhub/ http://127.0.0.1:8000/hub/
  ProxyPassReverse /jhub/ http://127.0.0.1:8000/hub/
  ProxyPassReverseCookiePath /hub/ /jhub/
  ProxyPass /secret http://127.0.0.1:8000/secret
</VirtualHost>
"""
FORWARD = """Listen 3128
ProxyRequests On
AllowCONNECT 443
<Proxy "*">
  Require ip 192.0.2.0/24
</Proxy>
"""
TOML = """listen = ":8080"

[[route]]
path = "/jupyter/"
to = "http://127.0.0.1:8000"
"""
SHOWN = {
    "official-websocket": (OFFICIAL, ["https://hub.example.edu/user/bob/api/kernels/x/channels", "--websocket"], 0),
    "official-page": (OFFICIAL, ["https://hub.example.edu/hub/login?next=%2Fhub%2F"], 0),
    "second-websocket": (SECOND, ["http://hub.example.edu:8080/mypath/user/bob/api/kernels/x/channels", "--websocket"], 0),
    "second-login": (SECOND, ["http://hub.example.edu:8080/mypath/hub/login"], 3),
    "refused": (MAPPED, ["http://hub.example.edu:8080/secret/x"], 3),
    "redirected": (MAPPED, ["http://hub.example.edu:8080/old/x?y"], 0),
    "mapped": (MAPPED, ["http://hub.example.edu:8080/jhub/login", "--method", "POST", "-H", "Cookie: a=1"], 0),
    "forward": (FORWARD, ["http://elsewhere.example/x"], 0),
    "forward-connect": (FORWARD, ["https://elsewhere.example/", "--method", "CONNECT"], 0),
    "forward-port": (FORWARD, ["elsewhere.example:22", "--method", "CONNECT"], 3),
    "toml": (TOML, ["http://hub.example.edu:8080/jupyter/hub/login"], 0),
    "toml-nowhere": (TOML, ["http://hub.example.edu:8080/hub/login"], 3),
}


def explained(text: str, arguments: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    name = "hub.toml" if text.startswith("listen") else "hub.conf"
    (folder / name).write_text(text.replace("hub.pem", str(folder / "hub.pem")) if name.endswith("conf") else text)
    (folder / "hub.pem").write_text(CERTIFICATE)
    monkeypatch.chdir(folder)
    return CliRunner().invoke(main, ["explain", name, *arguments])


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_printed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, arguments, status = SHOWN[name]
    found = explained(text, arguments, tmp_path, monkeypatch)
    kept = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("SNAPSHOTS") == "write":
        kept.write_text(found.stdout)
    assert found.stdout == kept.read_text()
    assert found.exit_code == status
    assert "\x1b" not in found.stdout  # no colours where nobody sees them


def test_the_same_for_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, arguments, _ = SHOWN["official-websocket"]
    found = json.loads(explained(text, [*arguments, "--json"], tmp_path, monkeypatch).stdout)
    assert found["outcome"] == "forwarded"
    assert "X-Forwarded-Proto" in json.dumps(found)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("said", "coloured"), [(None, True), ("", True), ("1", False)])
def test_colours_for_a_terminal_that_wants_them(monkeypatch: pytest.MonkeyPatch, said: str | None, coloured: bool) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if said is not None:
        monkeypatch.setenv("NO_COLOR", said)
    assert colours(_Terminal()) is coloured
    assert colours(io.StringIO()) is False


def test_standard_input() -> None:
    found = CliRunner().invoke(main, ["explain", "--apache", "-", "http://hub.example.edu:8080/mypath/hub/login"], input=SECOND)
    assert found.exit_code == 3
    assert "<stdin>:2" in found.stdout


def test_apaches_words_taken_for_toml() -> None:
    found = CliRunner().invoke(main, ["explain", "-", "http://hub.example.edu:8080/"], input=SECOND)
    assert found.exit_code == 1
    assert "--apache" in found.output


def test_apaches_files_are_not_shown_as_toml(tmp_path: Path) -> None:
    (tmp_path / "hub.conf").write_text(SECOND)
    found = CliRunner().invoke(main, ["show-config", str(tmp_path / "hub.conf")])
    assert found.exit_code == 2
    assert "explain" in found.output


def test_a_port_that_there_is_not_is_no_circle(tmp_path: Path) -> None:
    (tmp_path / "proxy.conf").write_text(FORWARD)
    loaded = config.load(str(tmp_path / "proxy.conf"))
    assert loaded.gateway is not None
    found = explain(loaded.gateway, Request("CONNECT", "elsewhere.example:70000", "192.0.2.1"))
    assert found.refusal is not None
    assert found.refusal.status == 400  # it is no target at all


def test_a_url_without_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = explained(OFFICIAL, ["hub.example.edu/hub"], tmp_path, monkeypatch)
    assert found.exit_code == 2
    assert "http" in found.output
