"""Unix sockets, on each side."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.contract.conftest import Start
from tests.contract.differences import expected
from tests.contract.parts import report
from tests.server.parts import Origin


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short name: a socket's path has 108 octets at most."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def test_listening(start: Start, folder: Path, one: Origin) -> None:
    proxy = start("--default-target", one.url, socket_path=str(folder / "public"), api_socket=str(folder / "api"))
    assert report(proxy.ask("/x")).target == "/x"
    got = report(proxy.ask("/x"))
    assert got.get("x-forwarded-proto") == "http"
    assert got.get("x-forwarded-for") == expected(proxy.kind, "forwarded-for-of-a-unix-socket")
    proxy.add("/a", one.url)
    assert set(proxy.routes()) == {"/", "/a"}
    assert proxy.api("GET", fields=b"").status == 403
    with proxy.client() as client:
        assert client.upgrade("/x/do/ws").status == 101


def test_umask(start: Start, folder: Path) -> None:
    """JupyterHub sets it, so that its group may connect."""
    old = os.umask(0o007)
    try:
        start(socket_path=str(folder / "public"), api_socket=str(folder / "api"))
    finally:
        os.umask(old)
    assert [stat.S_IMODE((folder / name).stat().st_mode) for name in ("public", "api")] == [0o770, 0o770]


def test_one_of_each(start: Start, folder: Path, one: Origin) -> None:
    proxy = start("--default-target", one.url, api_socket=str(folder / "api"))
    assert proxy.ask("/x").status == 200
    assert set(proxy.routes()) == {"/"}
    proxy = start("--default-target", one.url, socket_path=str(folder / "public"))
    assert proxy.ask("/x").status == 200
    assert set(proxy.routes()) == {"/"}


def test_a_socket_that_was_left(start: Start, folder: Path, kind: str) -> None:
    """By a proxy that was killed: nobody listens on it."""
    for name in ("public", "api"):
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(folder / name))
        left.close()
    try:
        start(socket_path=str(folder / "public"), api_socket=str(folder / "api"), patience=3.0)
        replaced = True
    except AssertionError:
        replaced = False
    assert replaced == expected(kind, "socket-that-was-left")


@pytest.mark.parametrize("scheme", ["http+unix", "unix+http"])
def test_targets(start: Start, folder: Path, upstreams: Callable[..., Origin], scheme: str) -> None:
    path = str(folder / "of a server")
    origin = upstreams("unix", path=path)
    target = f"{scheme}://{quote(path, safe='')}"
    proxy = start("--default-target", target)
    assert report(proxy.ask("/x?y")).target == "/x?y"
    assert report(proxy.ask("/x")).get("host") == "hub.example:8443"
    proxy.add("/a", f"{target}/sub/")
    assert report(proxy.ask("/a/b")).target == "/sub/a/b"
    proxy.add("/down", f"{scheme}://{quote(path + 'none', safe='')}")
    assert proxy.ask("/down").status == 503
    with proxy.client() as client:
        assert client.upgrade("/x/do/ws").status == 101
        client.send(b"hello")
        assert client.exactly(5) == b"hello"
    assert proxy.routes()["/"]["target"] == target  # as it was given
    assert origin.accepted > 0


def test_error_target(start: Start, folder: Path, upstreams: Callable[..., Origin]) -> None:
    path = str(folder / "pages")
    upstreams("pages", path=path)
    got = start("--error-target", f"http+unix://{quote(path, safe='')}/hub/error").ask("/nowhere")
    assert (got.status, got.get(b"content-type")) == (404, b"application/json")
    assert b'"/hub/error/404?url=%2Fnowhere"' in got.content
