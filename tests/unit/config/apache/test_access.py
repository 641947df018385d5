"""What asks for something that perijove cannot tell lets nobody in, whatever stands around it; and it can be ignored by name."""

from pathlib import Path

import pytest

from perijove.config.apache import load
from perijove.explain.model import Request
from perijove.explain.run import explain
from perijove.text.diagnostic import Severity
from perijove.text.source import Source

HUB = "Listen 8080\nListen 8443\n{}\nProxyPass / http://127.0.0.1:9/\n"
MODULES = "".join(
    f"LoadModule {one}_module x\n"
    for one in (
        *("mpm_event", "authn_core", "authz_core", "authz_host", "authz_user", "auth_basic", "authn_file", "authnz_ldap"),
        *("proxy", "proxy_http", "auth_digest", "foreign"),
    )
)
USERS = "AuthType {}\nAuthName hub\nAuthBasicProvider {}\nRequire valid-user"


def outcome(said: str, *unenforced: str, url: str = "http://hub.example.org:8080/", user: bool = False) -> str:
    loaded = load(Source("hub.conf", HUB.format(said)), unenforced=unenforced)
    assert loaded.gateway is not None, loaded.diagnostics
    fields = (("Authorization", "Basic Ym9iOmJvYg=="),) if user else ()
    return explain(loaded.gateway, Request("GET", url, "192.0.2.1", fields)).outcome


def located(said: str) -> str:
    return f"<Location />\n{said}\n</Location>"


@pytest.mark.parametrize(
    "said",
    [
        "Require shib-session",
        "Require claim groups:admins",
        "<RequireAny>\nRequire shib-session\nRequire ip 203.0.113.1\n</RequireAny>",
        "<RequireAll>\nRequire all granted\nRequire not shib-session\n</RequireAll>",
        "<RequireAll>\nRequire all granted\n<RequireNone>\nRequire shib-session\n</RequireNone>\n</RequireAll>",
        "<RequireAll>\nRequire all granted\n<RequireNone>\n<RequireAll>\nRequire all granted\nRequire shib-session\n</RequireAll>\n"
        "</RequireNone>\n</RequireAll>",
        USERS.format("Digest", "file"),
        USERS.format("shibboleth", "file"),
        USERS.format("Basic", "ldap"),
        "AuthUserFile {users}\n" + USERS.format("Basic", "ldap"),
    ],
)
@pytest.mark.parametrize("user", [False, True])
def test_what_cannot_be_told_lets_nobody_in(said: str, user: bool, tmp_path: Path) -> None:
    (tmp_path / "users").write_text("bob:{SHA}SBgazSKz7a68ikR4aKfffOYpkgo=\n")  # bob's password is bob
    assert outcome(MODULES + located(said.replace("{users}", str(tmp_path / "users"))), user=user) == "refused"


def test_others_are_let_in_by_what_can_be_told() -> None:
    assert outcome(located("<RequireAny>\nRequire shib-session\nRequire ip 192.0.2.0/24\n</RequireAny>")) == "forwarded"


def test_what_nobody_knows_is_an_error() -> None:
    loaded = load(Source("hub.conf", HUB.format(located("Require grantd"))))
    assert loaded.gateway is None
    assert [one.name for one in loaded.diagnostics if one.severity is Severity.ERROR] == ["unknown-provider"]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Require shib-session", "Require shib-session"),
        ("Require ldap-group staff", "Require LDAP-group"),
    ],
)
def test_it_is_ignored_where_it_is_named(said: str, name: str) -> None:
    assert outcome(MODULES + located(said), name) == "forwarded"


@pytest.fixture
def secured(tmp_path: Path) -> str:
    """Return a host with TLS, into which something is written."""
    (tmp_path / "hub.pem").write_text("x")
    files = f"SSLEngine on\nSSLCertificateFile {tmp_path / 'hub.pem'}\n"
    return f"<VirtualHost *:8443>\n{files}{{}}\n</VirtualHost>"


@pytest.mark.parametrize("said", ["SSLVerifyClient require", "<Location /a>\nSSLVerifyClient require\n</Location>"])
def test_nobody_has_a_certificate(secured: str, said: str) -> None:
    text = secured.format(said)
    assert outcome(text, url="https://hub.example.org:8443/a") == "refused"
    assert outcome(text, "SSLVerifyClient", url="https://hub.example.org:8443/a") == "forwarded"
    assert outcome(text, url="http://hub.example.org:8080/a") == "forwarded"
    if "<Location" in said:
        assert outcome(text, url="https://hub.example.org:8443/b") == "forwarded"


def test_a_certificate_that_may_be_missing(secured: str) -> None:
    assert outcome(secured.format("SSLVerifyClient optional"), url="https://hub.example.org:8443/") == "forwarded"
