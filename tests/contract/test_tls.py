"""TLS on each side: the public port, the API, the servers; with certificates of clients."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from tests.contract.conftest import Start
from tests.contract.differences import expected
from tests.contract.parts import AUTHORIZED, Proxy, Reporter, report
from tests.server.parts import Client, Origin


@dataclass
class Certificates:
    """Two authorities; one issued certificates to us, to a client and to a server, the other to a stranger."""

    folder: Path
    ours: trustme.CA
    other: trustme.CA

    def context(self, client: str | None = None) -> ssl.SSLContext:
        """Of a client that trusts us, and has a certificate or none."""
        context = ssl.create_default_context()
        self.ours.configure_trust(context)
        if client is not None:
            context.load_cert_chain(self.folder / f"{client}.crt", self.folder / f"{client}.key")
        return context

    def files(self, prefix: str, name: str, authority: str = "") -> list[str]:
        """The options of one side."""
        pair = [f"--{prefix}key", str(self.folder / f"{name}.key"), f"--{prefix}cert", str(self.folder / f"{name}.crt")]
        return [*pair, f"--{prefix}ca", str(self.folder / f"{authority}.pem")] if authority else pair


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("contract-tls")
    found = Certificates(folder, trustme.CA(), trustme.CA())
    for authority, name, *names in (
        (found.ours, "proxy", "localhost", "127.0.0.1"),
        (found.ours, "server", "localhost", "127.0.0.1"),
        (found.ours, "client", "client.example"),
        (found.ours, "misnamed", "misnamed.example"),
        (found.other, "stranger", "localhost", "127.0.0.1"),
    ):
        issued = authority.issue_cert(*names)
        issued.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        (folder / f"{name}.crt").write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
    found.ours.cert_pem.write_to_path(str(folder / "ours.pem"))
    found.other.cert_pem.write_to_path(str(folder / "other.pem"))
    (folder / "both.pem").write_bytes(found.other.cert_pem.bytes() + found.ours.cert_pem.bytes())
    return found


def status(port: int, context: ssl.SSLContext, target: str) -> object:
    """The status, or that there is no connection."""
    try:
        with Client(port, tls=context) as client:
            return client.ask(target, fields=AUTHORIZED).status
    except (OSError, AssertionError):
        return "refused"


# ------------------------------------------------------------------ the public side


def test_public(start: Start, one: Origin, certificates: Certificates) -> None:
    context = certificates.context()
    proxy = start(*certificates.files("ssl-", "proxy"), "--default-target", one.url, tls=context)
    assert report(proxy.ask("/x")).get("x-forwarded-proto") == "https"
    got = report(proxy.raw(b"GET /x HTTP/1.1\r\nHost: hub.example\r\n\r\n"))
    assert (got.get("x-forwarded-port"), got.get("x-forwarded-proto")) == ("443", "https")
    with proxy.client() as client:
        got = report(client.upgrade("/x"))
        assert got.get("x-forwarded-proto") == expected(proxy.kind, "websocket-forwarded-proto-tls")
    assert proxy.routes()["/"]["target"] == one.url  # the API is plain
    old = certificates.context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert status(proxy.port, old, "/x") == 200


@pytest.mark.parametrize(
    ("options", "statuses"),
    [
        (["request-cert", "reject-unauthorized"], {None: "refused", "client": 200, "stranger": "refused"}),
        (["request-cert"], {None: "refused", "client": 200, "stranger": "refused"}),
        (["reject-unauthorized"], {None: 200, "client": 200, "stranger": 200}),
        ([], {None: 200, "client": 200, "stranger": 200}),
    ],
    ids=["both", "request", "reject", "neither"],
)
def test_certificates_of_clients(
    start: Start, one: Origin, certificates: Certificates, options: list[str], statuses: dict[str | None, object]
) -> None:
    public = [*certificates.files("ssl-", "proxy", "ours"), *(f"--ssl-{option}" for option in options)]
    api = [*certificates.files("api-ssl-", "proxy", "ours"), *(f"--api-ssl-{option}" for option in options)]
    context = certificates.context("client")
    proxy = start(*public, *api, "--default-target", one.url, tls=context, api_tls=context)
    assert {who: status(proxy.port, certificates.context(who), "/x") for who in statuses} == statuses
    assert {who: status(proxy.api_port, certificates.context(who), "/api/routes") for who in statuses} == statuses


def test_api_with_several_authorities(start: Start, certificates: Certificates) -> None:
    options = [*certificates.files("api-ssl-", "proxy", "both"), "--api-ssl-request-cert", "--api-ssl-reject-unauthorized"]
    proxy = start(*options, api_tls=certificates.context("client"))
    assert [status(proxy.api_port, certificates.context(who), "/api/routes") for who in ("client", "stranger")] == [200, 200]
    assert proxy.api("GET", fields=b"").status == 403  # the token is asked for all the same


def test_public_stays_plain(start: Start, one: Origin, certificates: Certificates) -> None:
    proxy = start(*certificates.files("api-ssl-", "proxy"), "--default-target", one.url, api_tls=certificates.context())
    assert proxy.ask("/x").status == 200
    proxy.add("/y", one.url)
    assert proxy.route("/y")["target"] == one.url


@pytest.mark.parametrize(
    "missing", ["ssl-key", "ssl-cert", "ssl-ca", "api-ssl-key", "api-ssl-ca", "client-ssl-ca", "client-ssl-key"]
)
def test_a_file_that_is_missing(start: Start, certificates: Certificates, tmp_path: Path, missing: str) -> None:
    """It does not start, and says which."""
    prefix = missing.rpartition("-")[0] + "-"
    options = [*certificates.files(prefix, "proxy", "ours"), f"--{missing}", str(tmp_path / "none.pem")]
    with pytest.raises(AssertionError, match=r"none\.pem"):
        start(*options)


def test_a_key_with_a_password(start: Start, certificates: Certificates, tmp_path: Path, kind: str) -> None:
    key = serialization.load_pem_private_key((certificates.folder / "proxy.key").read_bytes(), None)
    lock = serialization.BestAvailableEncryption(b"secret")
    (tmp_path / "key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock))
    options = ["--ssl-key", str(tmp_path / "key"), "--ssl-cert", str(certificates.folder / "proxy.crt")]
    try:
        start(*options, env={"CONFIGPROXY_SSL_KEY_PASSPHRASE": "secret"})
        starts = True
    except AssertionError as error:
        starts = False
        assert "is encrypted" in str(error)
    assert starts == expected(kind, "key-with-a-password")


# ------------------------------------------------------------------ servers


@pytest.fixture(scope="module")
def servers(certificates: Certificates) -> object:
    """Servers that speak TLS, by names."""
    made = {}
    for name, needs in (("server", False), ("needs", True), ("misnamed", False), ("stranger", False)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pair = "server" if name == "needs" else name
        context.load_cert_chain(certificates.folder / f"{pair}.crt", certificates.folder / f"{pair}.key")
        if needs:
            certificates.ours.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        made[name] = Origin(Reporter(name), tls=context)
    yield made
    for one in made.values():
        one.stop()


def reached(proxy: Proxy, servers: dict[str, Origin], host: str = "localhost:8443") -> dict[str, int]:
    """What is answered by way of each server, by its number and by its name."""
    found = {}
    for name, server in servers.items():
        for suffix, url in (("", server.url), ("-by-name", server.url.replace("127.0.0.1", "localhost"))):
            proxy.add(f"/{name}{suffix}", url)
            found[name + suffix] = proxy.raw(f"GET /{name}{suffix} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).status
    assert all(found[name] == found[f"{name}-by-name"] for name in servers), found
    return {name: found[name] for name in servers}


def test_servers(start: Start, certificates: Certificates, servers: dict[str, Origin]) -> None:
    """They are verified; those that ask for our certificate get it."""
    nobody = dict.fromkeys(servers, 503)
    assert reached(start(), servers) == nobody
    assert reached(start("--client-ssl-ca", str(certificates.folder / "ours.pem")), servers) == {**nobody, "server": 200}
    for also in ([], ["--client-ssl-request-cert", "--client-ssl-reject-unauthorized"]):
        proxy = start(*certificates.files("client-ssl-", "client", "ours"), *also)
        assert reached(proxy, servers) == {**nobody, "server": 200, "needs": 200}
    both = start(*certificates.files("client-ssl-", "client", "both"))
    assert reached(both, servers) == {**dict.fromkeys(servers, 200), "misnamed": 503}
    with both.client() as client:
        assert client.upgrade("/needs/do/ws", b"").status == expected(both.kind, "tls-name-is-of-the-target")


def test_whose_name_is_verified(start: Start, certificates: Certificates, servers: dict[str, Origin]) -> None:
    """A client that comes by another name than the server's certificate has."""
    proxy = start(*certificates.files("client-ssl-", "client", "ours"))
    proxy.add("/a", servers["server"].url)
    assert proxy.ask("/a").status == (200 if expected(proxy.kind, "tls-name-is-of-the-target") == 101 else 503)


def test_insecure(start: Start, certificates: Certificates, servers: dict[str, Origin]) -> None:
    proxy = start("--insecure")
    proxy.add("/a", servers["stranger"].url)
    assert proxy.raw(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n").status == expected(proxy.kind, "insecure")


def test_error_target(start: Start, certificates: Certificates, servers: dict[str, Origin]) -> None:
    proxy = start("--error-target", servers["needs"].url, *certificates.files("client-ssl-", "client", "ours"))
    got = proxy.ask("/nowhere")
    assert (got.status, got.get(b"content-type")) == (404, b"application/json")
    for options in (["--error-target", servers["needs"].url], ["--error-target", servers["server"].url]):
        got = start(*options).ask("/nowhere")
        assert got.status == 404
        assert b"Not Found" in got.content


def test_all_sides(
    start: Start, certificates: Certificates, servers: dict[str, Origin], upstreams: Callable[..., Origin]
) -> None:
    """As JupyterHub's `internal_ssl` runs it."""
    options = [
        *certificates.files("ssl-", "proxy"),
        *certificates.files("api-ssl-", "proxy", "ours"),
        *("--api-ssl-request-cert", "--api-ssl-reject-unauthorized"),
        *certificates.files("client-ssl-", "client", "ours"),
        *("--client-ssl-request-cert", "--client-ssl-reject-unauthorized"),
        *("--error-target", servers["needs"].url + "/hub/error"),
    ]
    context = certificates.context("client")
    proxy = start(*options, tls=context, api_tls=context)
    proxy.add("/user/a", servers["needs"].url, user="a")
    got = report(proxy.raw(b"GET /user/a/x HTTP/1.1\r\nHost: 127.0.0.1:8443\r\n\r\n"))
    assert (got.target, got.get("x-forwarded-proto")) == ("/user/a/x", "https")
    assert b"/hub/error/404?url=%2Fuser%2Fb" in proxy.ask("/user/b").content
