"""What is spoken with TLS towards clients, asked by OpenSSL's own client: Mozilla's intermediate profile, and nothing beside it.

https://ssl-config.mozilla.org/guidelines/5.7.json, "intermediate": TLS 1.2 and 1.3, six AEAD suites with forward secrecy by ECDHE.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.server.parts import Front, Origin

ALLOWED = {
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305", "DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-CHACHA20-POLY1305",
}  # fmt: skip
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")


@pytest.fixture
def port(fronts: Callable[..., Front], origin: Origin, certificate: dict[str, Path]) -> int:
    pair = certificate["pair"]
    return fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\n[tls]\ncert = "{pair}"\nkey = "{pair}"\n').port


def spoken(port: int, *options: str) -> str:
    """Return the cipher suite that is agreed on, or nothing."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", *options]
    said = subprocess.run(command, input=b"", capture_output=True, timeout=20, check=False).stdout.decode(errors="replace")
    for line in said.splitlines():
        if "Cipher is " in line:
            suite = line.rsplit(" ", 1)[1]
            return "" if suite == "(NONE)" else suite
    return ""


def test_versions(port: int) -> None:
    assert spoken(port, "-tls1_3") in ALLOWED
    assert spoken(port, "-tls1_2") in ALLOWED
    for old in ("-tls1_1", "-tls1"):
        assert spoken(port, old, "-cipher", "ALL:@SECLEVEL=0") == ""


def test_suites_of_tls_1_2(port: int) -> None:
    """As scanners do it: offer all that this OpenSSL has, take out what was agreed on, offer the rest, until there is nothing."""
    taken: list[str] = []
    while suite := spoken(
        port, "-tls1_2", "-cipher", ":".join(["ALL:COMPLEMENTOFALL", *[f"!{one}" for one in taken], "@SECLEVEL=0"])
    ):
        taken.append(suite)
        assert suite in ALLOWED
        assert len(taken) <= len(ALLOWED)
    assert taken


def test_what_is_weak_in_a_connection(port: int) -> None:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-tls1_2"]
    said = subprocess.run(command, input=b"", capture_output=True, timeout=20, check=False).stdout.decode(errors="replace")
    assert "Secure Renegotiation IS supported" in said
    assert "Compression: NONE" in said
    # A client that wants to begin anew in the middle, again and again, would cost a handshake each time.
    asked = subprocess.run(command, input=b"R\nQ\n", capture_output=True, timeout=20, check=False)
    assert (
        b"no renegotiation" in (asked.stdout + asked.stderr).lower()
        or b"handshake failure" in (asked.stdout + asked.stderr).lower()
    )


# ------------------------------------------------------------------ what an Apache configuration says


@pytest.fixture
def apache(fronts: Callable[..., Front], origin: Origin, certificate: dict[str, Path]) -> Callable[[str], int]:
    """Start with a host whose TLS is said to be so; return its port."""
    pair = certificate["pair"]

    def start(said: str) -> int:
        lines = f"SSLCertificateFile {pair}\nSSLCertificateKeyFile {pair}\n{said}\nProxyPass / {origin.url}/"
        text = f"Listen 127.0.0.1:{{port}}\n<VirtualHost *:{{port}}>\nSSLEngine on\n{lines}\n</VirtualHost>\n"
        return fronts(text, dialect="conf").port

    return start


@pytest.mark.parametrize(
    ("said", "newest", "oldest"),
    [
        ("", True, True),
        ("SSLProtocol all -SSLv3", True, True),
        ("SSLProtocol -all +TLSv1.3", True, False),
        ("SSLProtocol all -TLSv1.3", False, True),
        ("SSLProtocol TLSv1.2", False, True),
        ("SSLProtocol +TLSv1.2 TLSv1.3", True, False),  # a name without a sign is in place of what stands before it
    ],
)
def test_versions_that_are_named(apache: Callable[[str], int], said: str, newest: bool, oldest: bool) -> None:
    port = apache(said)
    assert bool(spoken(port, "-tls1_3")) is newest
    assert bool(spoken(port, "-tls1_2")) is oldest


def test_suites_that_are_named(apache: Callable[[str], int]) -> None:
    """Of both kinds of keys, whichever the certificate has."""
    port = apache("SSLCipherSuite ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384")
    assert spoken(port, "-tls1_2").endswith("-AES256-GCM-SHA384")
    assert spoken(port, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256") == ""


@pytest.mark.parametrize(("said", "first"), [("", "CHACHA20-POLY1305"), ("SSLHonorCipherOrder on", "AES128-GCM-SHA256")])
def test_whose_order_holds(apache: Callable[[str], int], said: str, first: str) -> None:
    port = apache(said)
    offered = [f"ECDHE-{kind}-{cipher}" for cipher in ("CHACHA20-POLY1305", "AES128-GCM-SHA256") for kind in ("ECDSA", "RSA")]
    assert spoken(port, "-tls1_2", "-cipher", ":".join(offered)).endswith(first)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize(("said", "given"), [("", True), ("SSLSessionTickets off", False)])
def test_tickets(apache: Callable[[str], int], said: str, given: bool, version: str) -> None:
    port = apache(said)
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", version]
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    done = subprocess.run([*command, "-ign_eof"], input=request, capture_output=True, timeout=20, check=False)
    assert b"HTTP/1.1 200" in done.stdout
    assert (b"TLS session ticket:" in done.stdout) is given
