"""Which files a gateway names, what is in them, and whether they have changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perijove.gateway.model import CertificatePair, Gateway, Listener, RoutesApi, Routing, TcpAddress, TlsServer
from perijove.server import files
from perijove.server.files import Unreadable, Watch


def gateway(folder: Path) -> Gateway:
    pair = CertificatePair(cert=str(folder / "cert.html"), key=str(folder / "key.pem"))  # a name does not make it a page
    tls = TlsServer(certificates=(pair,), client_ca=str(folder / "ca.pem"))
    listeners = (Listener(address=TcpAddress("", 443), tls=tls),)
    routing = Routing(api=RoutesApi(address=TcpAddress("127.0.0.1", 8001), tls=tls), error_pages=str(folder / "pages"))
    return Gateway(listeners=listeners, hosts=(), upstreams={}, routing=routing)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("cert.html", "key.pem", "ca.pem", "pages/404.html", "pages/note.txt", "pages/error.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def below(folder: Path, paths: list[str]) -> list[str]:
    return [os.path.relpath(path, folder) for path in paths]


def test_what_is_named(folder: Path) -> None:
    made = gateway(folder)
    credentials = ["cert.html", "key.pem", "ca.pem"]
    assert below(folder, files.credentials(made)) == credentials
    assert below(folder, files.named(made)) == [*credentials, "pages/404.html", "pages/error.html"]
    assert below(folder, files.watched(made))[-1] == "pages"
    assert files.pairs(made) == [(str(folder / "cert.html"), str(folder / "key.pem"))]


def test_what_is_in_them(folder: Path) -> None:
    assert files.read(gateway(folder))[str(folder / "key.pem")] == b"key.pem"
    (folder / "key.pem").unlink()
    with pytest.raises(Unreadable, match=r"key\.pem` cannot be read: No such file"):
        files.read(gateway(folder))


def test_a_change_is_told_when_it_stands_still(folder: Path) -> None:
    path = folder / "ca.pem"
    watch = Watch([str(path), str(folder / "none")])
    assert not watch.changed()
    path.write_text("half")
    assert not watch.changed()
    path.write_text("more than half")
    assert not watch.changed()
    assert watch.changed()
    assert not watch.changed()
    path.write_text("read by somebody else")
    watch.look()
    assert [watch.changed(), watch.changed()] == [False, False]


def test_what_is_watched_from_now_on_is_as_it_was_seen(folder: Path) -> None:
    """What changed while it was read is not missed."""
    path = folder / "ca.pem"
    watch = Watch([str(path)])
    path.write_text("changed while somebody read it")
    watch.again([str(path), str(folder / "key.pem")])
    assert [watch.changed(), watch.changed()] == [False, True]


def test_pipes_and_devices_are_told(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    fine = [str(folder / "key.pem"), str(folder), str(folder / "missing"), os.devnull]
    assert files.endless(fine) is None
    assert files.endless([*fine, str(folder / "pipe")]) == str(folder / "pipe")
    assert files.endless(["/dev/zero"]) == "/dev/zero"
