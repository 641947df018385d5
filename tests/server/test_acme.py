"""Answers to ACME challenges, over the wire: to whoever asks by whatever name, and nothing else of the disk to anybody."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.server.parts import WAIT, Application, Client, Front, Origin, ask, eventually
from tests.server.test_lifecycle import options, perijove

from perijove.demo.processes import free_port

PATH = "/.well-known/acme-challenge/"
TOKEN = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
ANSWER = b"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
SECRET = b"not for you"

# What is asked for, and the status. With 200 it is the answer; with 404 and 400 nothing has been forwarded.
TARGETS = {
    PATH + TOKEN: 200,
    PATH + TOKEN + "?a=/../b": 200,
    PATH: 404,
    PATH + "absent": 404,
    PATH + TOKEN + "/": 404,
    PATH + TOKEN + "/x": 404,
    PATH + TOKEN + "%00": 404,
    PATH + TOKEN + "%00.html": 404,
    PATH + "%4coqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0": 404,
    PATH + "a" * 300: 404,
    PATH + ".": 404,
    PATH + "..": 404,
    PATH + "../secret": 404,
    PATH + "../../secret": 404,
    PATH + "../../../../../../../../etc/passwd": 404,
    PATH + "..%2f..%2fsecret": 404,
    PATH + "..%2F..%2Fsecret": 404,
    PATH + "%2e%2e/%2e%2e/secret": 404,
    PATH + "%2e%2e%2f%2e%2e%2fsecret": 404,
    PATH + "..%5c..%5csecret": 404,
    PATH + "..\\..\\secret": 404,
    PATH + "..%252f..%252fsecret": 404,
    PATH + "..%c0%af..%c0%afsecret": 404,
    PATH + "....//....//secret": 404,
    PATH + "/etc/passwd": 404,
    PATH + "//etc/passwd": 404,
    PATH + "%2fetc%2fpasswd": 404,
    PATH + ".hidden": 404,
    PATH + "page.html": 404,
    PATH + "directory": 404,
    PATH + "directory/inside": 404,
    PATH + "link": 404,
    PATH + "link-inside": 404,
    PATH + "link-to-directory/secret": 404,
    PATH + "fifo": 404,
    PATH + "huge": 404,
    "//.well-known/acme-challenge/" + TOKEN: 400,
    "/x/../.well-known/acme-challenge/" + TOKEN: 400,
    "/.well-known//acme-challenge/" + TOKEN: 400,
    "/.well-known/./acme-challenge/" + TOKEN: 400,
    "/%2ewell-known/acme-challenge/" + TOKEN: 400,
    "/.well-known%2facme-challenge%2f" + TOKEN: 400,
    "/%2e%77ell-known/acme-challenge/" + TOKEN: 400,
}


@pytest.fixture
def webroot(tmp_path: Path) -> Path:
    """A folder as certbot leaves it, with all that must not be served beside and in it; it is reached by a link."""
    real = tmp_path / "real"
    challenges = real / ".well-known" / "acme-challenge"
    challenges.mkdir(parents=True)
    (challenges / TOKEN).write_bytes(ANSWER)
    for path in (tmp_path / "secret", real / "secret", challenges / ".hidden", challenges / "page.html"):
        path.write_bytes(SECRET)
    (challenges / "directory").mkdir()
    (challenges / "directory" / "inside").write_bytes(SECRET)
    (challenges / "link").symlink_to(real / "secret")
    (challenges / "link-inside").symlink_to(TOKEN)
    (challenges / "link-to-directory").symlink_to(real)
    os.mkfifo(challenges / "fifo")
    with (challenges / "huge").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "webroot").symlink_to(real)
    return tmp_path / "webroot"


@pytest.fixture
def front(fronts: Callable[..., Front], origin: Origin, webroot: Path) -> Front:
    """One route for everything, and a host of its own."""
    return fronts(
        f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\nacme-webroot = "{webroot}"\n'
        f'[[host]]\nnames = ["hub.example"]\n[[host.route]]\npath = "/jupyter/"\nto = "{origin.url}"\n'
    )


def faults(port: int, application: Application) -> dict[str, str]:
    """Ask for everything in the table; return what is wrong with what happens."""
    found: dict[str, str] = {}
    for target, status in TARGETS.items():
        with Client(port) as client:
            try:
                got = client.ask(target)
            except (OSError, AssertionError) as error:
                found[target] = repr(error)
                continue
        if got.status != status:
            found[target] = f"status {got.status}"
        elif status == 200 and got.content != ANSWER:
            found[target] = f"another answer: {got.content!r}"
        elif SECRET in got.content or b"root:" in got.content:
            found[target] = "the secret is told"
    found.update((head.target.decode(), "it was forwarded") for head in application.heads)
    return found


def test_attacks(front: Front, application: Application) -> None:
    assert faults(front.port, application) == {}
    assert ask(front.port, "/jupyter/").status == 200  # it still serves: nothing of all that held it up


def test_attacks_through_one_route(
    fronts: Callable[..., Front], origin: Origin, application: Application, webroot: Path
) -> None:
    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\nacme-webroot = "{webroot}"\n')
    assert faults(front.port, application) == {}


def test_the_judge_finds_fault_without_the_folder(
    fronts: Callable[..., Front], origin: Origin, application: Application
) -> None:
    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\n')
    assert len(faults(front.port, application)) > len(TARGETS) // 2


def test_how_it_is_answered(front: Front) -> None:
    got = ask(front.port, PATH + TOKEN)
    assert got.get(b"content-type") == b"application/octet-stream"  # RFC 8555 §8.3
    assert got.get(b"cache-control") == b"no-store"
    assert got.get(b"content-length") == b"%d" % len(ANSWER)
    head = ask(front.port, PATH + TOKEN, method="HEAD")
    assert (head.status, head.get(b"content-length"), head.content) == (200, b"%d" % len(ANSWER), b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods(method: str, front: Front, application: Application, webroot: Path) -> None:
    for name in (TOKEN, "absent"):
        got = ask(front.port, PATH + name, method=method, content=None if method == "TRACE" else b"mine")
        assert (got.status, got.get(b"allow")) == (405, b"GET, HEAD")
    assert application.heads == []
    assert (webroot / PATH[1:] / TOKEN).read_bytes() == ANSWER


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET %b HTTP/1.1\r\nHost: hub.example\r\n\r\n",
        b"GET %b HTTP/1.1\r\nHost: never.heard.of\r\n\r\n",
        b"GET %b HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n",
        b"GET http://else.where%b HTTP/1.1\r\nHost: hub.example\r\n\r\n",
        b"GET %b HTTP/1.0\r\n\r\n",
        b"GET %b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET %b HTTP/1.1\r\nHost: hub.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n",
    ],
)
def test_whoever_asks(request_head: bytes, front: Front) -> None:
    with Client(front.port) as client:
        client.send(request_head % (PATH + TOKEN).encode())
        got = client.response()
        assert (got.status, got.content) == (200, ANSWER)


def test_where_everything_is_redirected(
    fronts: Callable[..., Front],
    origin: Origin,
    application: Application,
    webroot: Path,
    certificate: dict[str, Path],
    client_tls: ssl.SSLContext,
) -> None:
    plain = free_port()
    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\nredirect-http = "127.0.0.1:{plain}"\nacme-webroot = "{webroot}"\n'
        f'[tls]\ncert = "{certificate["pair"]}"\nkey = "{certificate["pair"]}"\n'
        f'[[route]]\npath = "/jupyter/"\nto = "{origin.url}"\n'
    )
    assert "serving files from" in front.log()
    assert faults(plain, application) == {}
    assert ask(plain, PATH + TOKEN, method="POST", content=b"x").status == 405
    assert ask(plain, "/.well-known/other").status == 308
    assert ask(plain, "/jupyter/").status == 308
    assert ask(front.port, PATH + TOKEN, tls=client_tls).content == ANSWER
    assert ask(front.port, "/jupyter/", tls=client_tls).status == 200


def test_with_options_below_a_prefix(origin: Origin, webroot: Path, tmp_path: Path) -> None:
    port = free_port()
    words = ("--to", origin.url, "--mount", "/jupyter", "--listen", f"127.0.0.1:{port}", "--acme-webroot", str(webroot))
    running = options(tmp_path, *words)
    try:
        assert eventually(lambda: "serving files from" in running.log.read_text(), WAIT), running.log.read_text()
        with Client(port) as client:
            assert client.ask(PATH + TOKEN).content == ANSWER
            assert client.ask("/jupyter/").status == 200
            assert client.ask("/jupyter" + PATH + TOKEN).content == b"hello"  # the hub's own
    finally:
        running.stop()
    shown = perijove("show-config", *words)
    assert f'acme-webroot = "{webroot}"' in shown.stdout


def test_a_folder_that_comes_later(fronts: Callable[..., Front], origin: Origin, tmp_path: Path) -> None:
    text = f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\nacme-webroot = "{tmp_path}/later"\n'
    front = fronts(text)
    assert "warning: " in front.log()
    checked = perijove("serve", "--check-config", str(front.file))
    assert checked.returncode == 0
    assert f"`{tmp_path}/later` is not a folder yet" in checked.stderr
    assert ask(front.port, PATH + TOKEN).status == 404
    challenges = tmp_path / "later" / PATH[1:]
    challenges.mkdir(parents=True)
    (challenges / TOKEN).write_bytes(ANSWER)
    assert ask(front.port, PATH + TOKEN).content == ANSWER
    (challenges / TOKEN).unlink()
    assert ask(front.port, PATH + TOKEN).status == 404
