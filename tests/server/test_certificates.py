"""Certificates that are renewed while perijove runs."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from tests.server.parts import WAIT, Client, Front, Origin, eventually
from tests.server.test_lifecycle import perijove


@pytest.fixture
def pair(tmp_path: Path, authority: trustme.CA) -> Callable[..., tuple[bytes, bytes]]:
    """Issue a certificate, with its key; both are written unless told otherwise."""

    def issue(write: str = "both", **options: object) -> tuple[bytes, bytes]:
        issued = authority.issue_cert("localhost", "127.0.0.1", **options)  # type: ignore[arg-type]
        cert, key = b"".join(one.bytes() for one in issued.cert_chain_pems), issued.private_key_pem.bytes()
        if write in ("both", "cert"):
            (tmp_path / "cert.pem").write_bytes(cert)
        if write in ("both", "key"):
            (tmp_path / "key.pem").write_bytes(key)
        return cert, key

    return issue


@pytest.fixture
def front(pair: Callable[..., tuple[bytes, bytes]], fronts: Callable[..., Front], origin: Origin, tmp_path: Path) -> Front:
    pair()
    return fronts(
        f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\nworkers = 2\n'
        f'[tls]\ncert = "{tmp_path}/cert.pem"\nkey = "{tmp_path}/key.pem"\n'
    )


def serial(front: Front) -> int:
    pem = ssl.get_server_certificate(("127.0.0.1", front.port))
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def serial_of(pem: bytes) -> int:
    return x509.load_pem_x509_certificate(pem).serial_number


def test_a_new_pair_is_used(front: Front, pair: Callable[..., tuple[bytes, bytes]], client_tls: ssl.SSLContext) -> None:
    with Client(front.port, tls=client_tls) as kept, Client(front.port, tls=client_tls) as tunnel:
        kept.ask("/")
        tunnel.upgrade()
        cert, _ = pair()
        assert eventually(lambda: "certificates have changed: the new ones are used" in front.log())
        assert {serial(front) for _ in range(10)} == {serial_of(cert)}
        assert kept.ask("/").status == 200  # what runs keeps what it began with
        tunnel.send(b"still there")
        assert tunnel.exactly(11) == b"still there"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_that_comes_back_needs_no_handshake_in_full(
    version: ssl.TLSVersion,
    pair: Callable[..., tuple[bytes, bytes]],
    fronts: Callable[..., Front],
    origin: Origin,
    tmp_path: Path,
    authority: trustme.CA,
) -> None:
    """Of one worker: tickets of another's cannot be read (decision 47)."""
    pair()
    pems = f'cert = "{tmp_path}/cert.pem"\nkey = "{tmp_path}/key.pem"\n'
    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\n[tls]\n{pems}')
    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.maximum_version = version
    session: ssl.SSLSession | None = None
    for again in (False, True, True):
        with (
            socket.create_connection(("127.0.0.1", front.port), WAIT) as plain,
            context.wrap_socket(plain, server_hostname="localhost", session=session) as secure,
        ):
            secure.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert secure.recv(1 << 16).startswith(b"HTTP/1.1 200")
            assert secure.session_reused is again
            session = secure.session  # TLS 1.3: the ticket has come with the answer


def test_half_a_renewal_keeps_the_old_pair(front: Front, pair: Callable[..., tuple[bytes, bytes]], tmp_path: Path) -> None:
    old = serial(front)
    cert, key = pair(write="cert")
    assert eventually(lambda: "cannot be used" in front.log())
    assert "does not belong to" in front.log()
    assert serial(front) == old
    (tmp_path / "key.pem").write_bytes(key[:100])
    assert eventually(lambda: front.log().count("cannot be used") == 2)
    assert serial(front) == old
    (tmp_path / "key.pem").write_bytes(key)
    assert eventually(lambda: "the new ones are used" in front.log())
    assert serial(front) == serial_of(cert)


def test_files_that_are_gone_keep_the_old_pair(front: Front, pair: Callable[..., tuple[bytes, bytes]], tmp_path: Path) -> None:
    old = serial(front)
    (tmp_path / "cert.pem").unlink()
    assert eventually(lambda: "cannot be used" in front.log())
    assert serial(front) == old
    cert, _ = pair()
    assert eventually(lambda: "the new ones are used" in front.log())
    assert serial(front) == serial_of(cert)


def test_links_as_certbot_makes_them(
    pair: Callable[..., tuple[bytes, bytes]], fronts: Callable[..., Front], origin: Origin, tmp_path: Path
) -> None:
    """live/ has links into archive/; a renewal writes new files there, and changes the links one by one."""
    archive, live = tmp_path / "archive", tmp_path / "live"
    archive.mkdir()
    live.mkdir()

    def renew(number: int) -> bytes:
        cert, key = pair(write="none")
        for name, octets in (("fullchain", cert), ("privkey", key)):
            (archive / f"{name}{number}.pem").write_bytes(octets)
            link = live / f"{name}.pem"
            link.unlink(missing_ok=True)
            link.symlink_to(archive / f"{name}{number}.pem")
        return cert

    renew(1)
    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\n'
        f'[tls]\ncert = "{live}/fullchain.pem"\nkey = "{live}/privkey.pem"\n'
    )
    cert = renew(2)
    assert eventually(lambda: serial(front) == serial_of(cert))


def test_one_that_ends_soon_is_warned_of(
    pair: Callable[..., tuple[bytes, bytes]], fronts: Callable[..., Front], origin: Origin, tmp_path: Path
) -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=5, hours=1)
    pair(not_after=soon)
    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\n[tls]\ncert = "{tmp_path}/cert.pem"\nkey = "{tmp_path}/key.pem"\n'
    )
    warning = f"warning: the certificate `{tmp_path}/cert.pem` (localhost) ends on {soon:%Y-%m-%d %H:%M} UTC: renew it"
    assert eventually(lambda: warning in front.log()), front.log()
    assert "5 d" in perijove("status", "--pid", str(front.process.pid)).stdout
    pair()
    assert eventually(lambda: "the new ones are used" in front.log())
    assert front.log().count("renew it") == 1


def test_a_key_with_a_password_is_not_asked_for(tmp_path: Path, pair: Callable[..., tuple[bytes, bytes]]) -> None:
    from cryptography.hazmat.primitives import serialization

    _, key = pair()
    loaded = serialization.load_pem_private_key(key, None)
    (tmp_path / "key.pem").write_bytes(
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    done = perijove(
        "serve", "--check-config", "--to", "http://h", "--tls-cert", f"{tmp_path}/cert.pem", "--tls-key", f"{tmp_path}/key.pem"
    )
    assert done.returncode == 1
    assert "is encrypted" in done.stderr


def test_a_wrong_key_of_apaches_file_is_warned_of_and_no_server_starts(
    tmp_path: Path, pair: Callable[..., tuple[bytes, bytes]]
) -> None:
    """`apachectl configtest` says nothing of it (see tests/unit/config/apache/verdicts.conf)."""
    _, key = pair()
    pair()
    (tmp_path / "other.pem").write_bytes(key)
    path = tmp_path / "hub.conf"
    path.write_text(
        f"Listen 127.0.0.1:1\n<VirtualHost *:1>\nSSLEngine on\nSSLCertificateFile {tmp_path}/cert.pem\n"
        f"SSLCertificateKeyFile {tmp_path}/other.pem\n</VirtualHost>\n"
    )
    done = perijove("serve", "--check-config", str(path))
    assert done.returncode == 0
    assert "does not belong to the certificate" in done.stderr
    done = perijove("serve", str(path))
    assert done.returncode == 1
    assert "does not belong to the certificate" in done.stderr
