"""certbot gets a certificate, and renews it, from an ACME server that fetches the answers through perijove.

The server is Pebble, which is Debian's package `pebble`: it asks as Let's Encrypt does, at names that its own DNS server leads here.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from tests.server.parts import WAIT, Client, Front, Origin, ask, eventually

from perijove.demo.processes import Process, free_port

NAME = "hub.example.org"

pytestmark = pytest.mark.skipif(shutil.which("pebble") is None, reason="Debian's package `pebble` is not installed")


class Pebble:
    """An ACME server that fetches answers to challenges from `http`."""

    def __init__(self, folder: Path, authority: trustme.CA, http: int) -> None:
        folder.mkdir()
        issued = authority.issue_cert("localhost", "127.0.0.1")
        issued.private_key_pem.write_to_path(str(folder / "key.pem"))
        issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        port, dns = free_port(), free_port()
        settings = {
            "listenAddress": f"127.0.0.1:{port}",
            "managementListenAddress": "",
            "certificate": str(folder / "cert.pem"),
            "privateKey": str(folder / "key.pem"),
            "httpPort": http,
            "tlsPort": 1,
            "ocspResponderURL": "",
        }
        (folder / "config.json").write_text(json.dumps({"pebble": settings}))
        self.folder = folder
        self.url = f"https://127.0.0.1:{port}/dir"
        names = [
            "pebble-challtestsrv", "-dns01", f"127.0.0.1:{dns}", "-defaultIPv6", "", "-http01", "", "-https01", "",
            "-tlsalpn01", "", "-management", f"127.0.0.1:{free_port()}",
        ]  # fmt: skip
        server = ["pebble", "-config", str(folder / "config.json"), "-dnsserver", f"127.0.0.1:{dns}"]
        env = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
        self._running = [
            Process("names", names, folder / "names.log"),
            Process("pebble", server, folder / "pebble.log", env=env),
        ]
        assert eventually(lambda: "Listening on" in self.log(), WAIT), self.log()

    def log(self) -> str:
        return (self.folder / "pebble.log").read_text()

    def stop(self) -> None:
        for one in self._running:
            one.stop(5.0)


class Certbot:
    """certbot with folders of its own."""

    def __init__(self, folder: Path, pebble: Pebble) -> None:
        self.folder = folder
        self._pebble = pebble

    def __call__(self, *words: str) -> None:
        command = [
            sys.executable, "-c", "import sys; from certbot.main import main; sys.exit(main())", *words, "--non-interactive",
            "--server", self._pebble.url, *(f"--{one}-dir={self.folder}/{one}" for one in ("config", "work", "logs")),
        ]  # fmt: skip
        env = {**os.environ, "REQUESTS_CA_BUNDLE": str(self._pebble.folder / "ca.pem")}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=4 * WAIT, check=False)
        assert done.returncode == 0, done.stdout + done.stderr + self._pebble.log()

    @property
    def live(self) -> Path:
        return self.folder / "config" / "live" / NAME

    def serial(self) -> int:
        return x509.load_pem_x509_certificate((self.live / "fullchain.pem").read_bytes()).serial_number


@pytest.fixture
def plain() -> int:
    """The port of plain HTTP."""
    return free_port()


@pytest.fixture
def certbot(tmp_path: Path, authority: trustme.CA, plain: int) -> Iterator[Certbot]:
    pebble = Pebble(tmp_path / "pebble", authority, plain)
    yield Certbot(tmp_path / "certbot", pebble)
    pebble.stop()


def served(port: int) -> int:
    """Return the serial number of the certificate that a client is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with Client(port, tls=context) as client:
        assert isinstance(client.sock, ssl.SSLSocket)
        shown = client.sock.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def test_from_nothing_to_a_renewed_certificate(
    certbot: Certbot, plain: int, fronts: Callable[..., Front], origin: Origin, tmp_path: Path
) -> None:
    webroot = tmp_path / "webroot"
    webroot.mkdir()
    text = (
        f'listen = "127.0.0.1:{{port}}"\nredirect-http = "127.0.0.1:{plain}"\nacme-webroot = "{webroot}"\nto = "{origin.url}"\n'
    )
    front = fronts(f"{text}[tls]\nself-signed = true\n")
    first = served(front.port)

    certbot("certonly", "--webroot", "-w", str(webroot), "-d", NAME, "--agree-tos", "--register-unsafely-without-email")
    assert not list((webroot / ".well-known/acme-challenge").glob("*"))  # certbot has taken its answer away
    front.write(f'{text}[tls]\ncert = "{certbot.live}/fullchain.pem"\nkey = "{certbot.live}/privkey.pem"\n')
    reload = f"{sys.executable} -m perijove reload --pid {front.process.pid}"
    subprocess.run(reload.split(), check=True, timeout=WAIT, capture_output=True)
    issued = certbot.serial()
    assert served(front.port) == issued != first

    for folder in ("live", "archive"):  # so that a group may read the key: that must outlast the renewal
        (certbot.live.parents[1] / folder).chmod(0o755)
    (certbot.live / "privkey.pem").chmod(0o640)
    os.chown(certbot.live / "privkey.pem", -1, 10001 if os.geteuid() == 0 else os.getegid())
    kept = (certbot.live / "privkey.pem").stat()

    certbot("renew", "--force-renewal", "--no-random-sleep-on-renew", "--deploy-hook", reload)
    assert certbot.serial() != issued
    assert served(front.port) == certbot.serial()  # the hook has waited until it is served
    key = (certbot.live / "privkey.pem").stat()
    assert key.st_ino != kept.st_ino
    assert (key.st_mode, key.st_gid) == (kept.st_mode, kept.st_gid)
    assert all((certbot.live.parents[1] / one).stat().st_mode & 0o777 == 0o755 for one in ("live", "archive"))
    assert ask(plain, "/").status == 308
