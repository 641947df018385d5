from pathlib import Path

import pytest

from perijove.config.apache import load
from perijove.config.apache.directives import mod_remoteip
from perijove.explain.model import Request
from perijove.explain.run import explain
from perijove.text.source import Source

GUARDED = """Listen 8080
RemoteIPHeader X-Forwarded-For
{}
<Location />
Require ip 198.51.100.0/24
</Location>
ProxyPass / http://127.0.0.1:9/
"""


def outcome(said: str, source: str, claimed: str = "198.51.100.7") -> str:
    loaded = load(Source("hub.conf", GUARDED.format(said)))
    assert loaded.gateway is not None, loaded.diagnostics
    asked = Request("GET", "http://hub.example.org:8080/", source, (("X-Forwarded-For", claimed),))
    return explain(loaded.gateway, asked).outcome


def test_those_of_a_file_are_believed_and_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "proxies.txt").write_text("203.0.113.9 # 203.0.113.10\n#203.0.113.11\n")
    said = f"RemoteIPTrustedProxyList {tmp_path / 'proxies.txt'}"
    assert outcome(said, "203.0.113.9") == "forwarded"
    assert outcome(said, "203.0.113.10") == "refused"
    assert outcome(said, "203.0.113.11") == "refused"


def test_a_file_and_a_line_add_up(tmp_path: Path) -> None:
    (tmp_path / "proxies.txt").write_text("203.0.113.9\n")
    said = f"RemoteIPTrustedProxy 203.0.113.8\nRemoteIPTrustedProxyList {tmp_path / 'proxies.txt'}"
    assert [outcome(said, f"203.0.113.{last}") for last in (8, 9, 10)] == ["forwarded", "forwarded", "refused"]


@pytest.mark.parametrize("directive", ["RemoteIPTrustedProxy proxy.invalid", "RemoteIPTrustedProxyList {}"])
def test_names_are_looked_up_once(directive: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mod_remoteip, "resolved", lambda name: frozenset(("203.0.113.9", "2001:db8::9")))
    (tmp_path / "proxies.txt").write_text("proxy.invalid\n")
    said = directive.format(tmp_path / "proxies.txt")
    assert [outcome(said, f"203.0.113.{last}") for last in (9, 10)] == ["forwarded", "refused"]


def test_names_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mod_remoteip, "resolved", lambda name: frozenset())
    loaded = load(Source("hub.conf", GUARDED.format("RemoteIPTrustedProxy proxy.invalid")))
    assert loaded.gateway is None
    assert "Error parsing IP proxy.invalid" in loaded.diagnostics[0].message


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    loaded = load(Source("hub.conf", GUARDED.format(f"RemoteIPTrustedProxyList {tmp_path / 'none'}")))
    assert loaded.gateway is None
    assert "Could not open file" in loaded.diagnostics[0].message
