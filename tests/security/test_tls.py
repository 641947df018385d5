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
