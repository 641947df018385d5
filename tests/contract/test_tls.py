"""TLS on each side: the public port, the API, the servers; with certificates of clients."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.contract.conftest import Start
from tests.contract.differences import expected
from tests.contract.parts import AUTHORIZED, Proxy, Reporter, report
from tests.server.parts import Client, Origin

# ffdhe2048 of RFC 7919, A.1
FFDHE2048 = """-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""


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


@pytest.fixture
def locked(certificates: Certificates, tmp_path: Path) -> Callable[[str, str], list[str]]:
    """The options of one side, with a key that has a password."""

    def make(prefix: str, password: str) -> list[str]:
        key = serialization.load_pem_private_key((certificates.folder / "proxy.key").read_bytes(), None)
        lock = serialization.BestAvailableEncryption(password.encode())
        file = tmp_path / f"{prefix}.key"
        file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock))
        return [f"--{prefix}-key", str(file), f"--{prefix}-cert", str(certificates.folder / "proxy.crt")]

    return make


PASSWORDS = {"CONFIGPROXY_SSL_KEY_PASSPHRASE": "one", "CONFIGPROXY_API_SSL_KEY_PASSPHRASE": "other"}


def test_keys_with_passwords(
    start: Start, one: Origin, certificates: Certificates, locked: Callable[[str, str], list[str]]
) -> None:
    context = certificates.context()
    options = [*locked("ssl", "one"), *locked("api-ssl", "other")]
    proxy = start(*options, "--default-target", one.url, tls=context, api_tls=context, env=PASSWORDS)
    assert proxy.ask("/x").status == 200
    assert proxy.routes()["/"]["target"] == one.url


@pytest.mark.parametrize("prefix", ["ssl", "api-ssl"])
@pytest.mark.parametrize("env", [{}, {"CONFIGPROXY_SSL_KEY_PASSPHRASE": "x", "CONFIGPROXY_API_SSL_KEY_PASSPHRASE": "x"}])
def test_a_password_that_is_missing_or_wrong(
    start: Start, locked: Callable[[str, str], list[str]], prefix: str, env: dict[str, str], kind: str
) -> None:
    with pytest.raises(AssertionError, match="does not listen") as failure:
        start(*locked(prefix, "secret"), env=env)
    if kind == "perijove":
        assert "the password does not open the key `" in str(failure.value) if env else "is encrypted" in str(failure.value)


def spoken(port: int, context: ssl.SSLContext) -> tuple[str, str] | None:
    """The version of TLS and the cipher, or that nothing is agreed on."""
    try:
        with Client(port, tls=context) as client:
            assert isinstance(client.sock, ssl.SSLSocket)
            cipher = client.sock.cipher()
            return (client.sock.version() or "", cipher[0] if cipher else "")
    except OSError:
        return None


def test_ciphers_and_protocol_are_of_all_sides(start: Start, certificates: Certificates) -> None:
    context, new = certificates.context(), certificates.context()
    new.minimum_version = ssl.TLSVersion.TLSv1_3
    sides = [*certificates.files("ssl-", "proxy"), *certificates.files("api-ssl-", "proxy")]
    options = ["--ssl-ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256", "--ssl-protocol", "TLSv1_2"]
    proxy = start(*sides, *options, tls=context, api_tls=context)
    for port in (proxy.port, proxy.api_port):
        assert spoken(port, context) == ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256")
        assert spoken(port, new) is None
    proxy = start(*sides, "--ssl-protocol", "TLS", tls=context, api_tls=context)
    assert [spoken(port, new) for port in (proxy.port, proxy.api_port)] == [("TLSv1.3", "TLS_AES_256_GCM_SHA384")] * 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--ssl-ciphers", "NONSENSE"], "cipher"),
        (["--ssl-protocol", "SSLv3"], "SSLv3"),
        (["--ssl-dhparam", "{none}"], "none.pem"),
    ],
)
def test_refused(start: Start, certificates: Certificates, tmp_path: Path, options: list[str], says: str) -> None:
    options = [one.replace("{none}", str(tmp_path / "none.pem")) for one in options]
    with pytest.raises(AssertionError, match=f"(?i){says}"):
        start(*certificates.files("ssl-", "proxy"), *options)


def test_diffie_hellman(start: Start, certificates: Certificates, tmp_path: Path) -> None:
    """A cipher that needs its parameters, whose file is made known."""
    (tmp_path / "dh.pem").write_text(FFDHE2048)
    # Of certificates with elliptic curves there is no such cipher.
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    lock = serialization.NoEncryption()
    (tmp_path / "rsa.pem").write_bytes(
        pem + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    )
    options = ["--ssl-key", str(tmp_path / "rsa.pem"), "--ssl-cert", str(tmp_path / "rsa.pem")]
    options += ["--ssl-ciphers", "DHE-RSA-AES128-GCM-SHA256", "--ssl-protocol", "TLSv1_2"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DHE")
    proxy = start(*options, "--ssl-dhparam", str(tmp_path / "dh.pem"), tls=context)
    assert spoken(proxy.port, context) == ("TLSv1.2", "DHE-RSA-AES128-GCM-SHA256")
    assert spoken(start(*options, tls=context).port, context) is None


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
