"""A real JupyterHub through perijove, from login to logout, in every cell of the matrix."""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import pytest
import websocket
from tests.e2e.person import Kernel, Person


@pytest.fixture
def kernel(person: Person) -> Iterator[Kernel]:
    made = Kernel(person)
    yield made
    made.close()


def assert_stays(person: Person) -> None:
    """All redirects led to the public URL; all cookies are for it."""
    site = person.site
    assert person.redirects
    for one in person.redirects:
        assert one.startswith(site.url.rstrip("/")), one
    for line in person.set_cookies:
        words = attributes(line)
        path = next((word[5:] for word in words if word.startswith("path=")), "/")
        assert path.startswith(site.path.rstrip("/")), line
        assert not any(word.startswith("domain=") for word in words), line


def attributes(line: str) -> list[str]:
    """Return what is said of a cookie, in small letters."""
    return [word.strip().lower() for word in line.split(";")[1:]]


def test_login_and_logout(newcomer: Person) -> None:
    front = newcomer.visit("")
    assert front.status_code == 200
    assert front.url.startswith(newcomer.site.url)
    assert newcomer.log_in().status_code == 302
    assert newcomer.visit("hub/home").url == urljoin(newcomer.site.url, "hub/home")
    newcomer.visit("hub/logout")
    assert "/hub/login" in newcomer.visit("hub/home").url
    assert_stays(newcomer)


def test_a_login_without_its_token_is_refused(newcomer: Person) -> None:
    """The hub's check works behind perijove: it is not that nothing is checked."""
    newcomer.visit("hub/login")
    newcomer.session.cookies.clear()
    answered = newcomer.session.post(
        urljoin(newcomer.site.url, "hub/login"),
        data={"username": "x", "password": newcomer.site.password},
        allow_redirects=False,
    )
    assert answered.status_code == 403


def test_spawn_tells_of_its_progress(person: Person) -> None:
    events: list[tuple[float, dict[str, object]]] = person.events  # type: ignore[attr-defined]
    assert events[-1][1]["ready"] is True
    assert len(events) >= 2
    assert events[0][0] < 0.7 * events[-1][0]  # they came as they were sent, not all in the end


def test_lab_and_its_assets(person: Person) -> None:
    page = person.visit(f"user/{person.name}/lab")
    assert page.status_code == 200
    found = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page.text, re.DOTALL)
    assert found
    assert json.loads(found[1])["baseUrl"] == person.base
    bundles = [one for one in re.findall(r'src="([^"]+)"', page.text) if "static/lab" in one]
    assert bundles
    for one in bundles:
        got = person.session.get(urljoin(page.url, one))
        assert got.status_code == 200
        assert "javascript" in got.headers["content-type"]
        assert len(got.content) > 1000


def test_kernel(kernel: Kernel, person: Person) -> None:
    assert urljoin(person.site.url, kernel.location).startswith(person.site.url)
    assert kernel.run("6*7") == "42"
    printed = kernel.run("import sys\nfor _ in range(32):\n    sys.stdout.write('x' * 65536); sys.stdout.flush()")
    assert printed == "x" * (2 << 20)
    assert kernel.run("print('y' * (2 << 20), end='')") == "y" * (2 << 20)
    kernel.socket.ping(b"perijove")
    while True:
        opcode, data = kernel.socket.recv_data(control_frame=True)
        if opcode == websocket.ABNF.OPCODE_PONG:
            break
    assert data == b"perijove"


def test_subprotocol(kernel: Kernel, person: Person) -> None:
    name = "v1.kernel.websocket.jupyter.org"
    socket = person.websocket(f"api/kernels/{kernel.id}/channels?session_id=other", subprotocols=[name])
    assert socket.subprotocol == name
    socket.close()


def test_a_foreign_origin_is_refused(kernel: Kernel, person: Person) -> None:
    """Jupyter's own check still works: Origin and Host go on as they came."""
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        person.websocket(f"api/kernels/{kernel.id}/channels", origin="http://evil.example")
    assert refused.value.status_code == 403


def test_events(person: Person) -> None:
    socket = person.websocket("api/events/subscribe")
    assert socket.connected
    socket.close()


def test_terminal(person: Person) -> None:
    made = person.server("POST", "api/terminals", json={})
    assert made.status_code in (200, 201), made.text
    socket = person.websocket(f"terminals/websocket/{made.json()['name']}")
    socket.send(json.dumps(["stdin", "echo 6*7=$((6*7))\r"]))
    shown = ""
    while "6*7=42" not in shown:
        kind, *words = json.loads(socket.recv())
        shown += words[0] if kind == "stdout" else ""
    socket.close()
    assert person.server("DELETE", f"api/terminals/{made.json()['name']}").status_code == 204


def test_20_mb_both_ways(person: Person) -> None:
    data = os.urandom(20_000_000)
    model = {"type": "file", "format": "base64", "content": base64.b64encode(data).decode()}
    assert person.server("PUT", "api/contents/data.bin", json=model).status_code in (200, 201)
    assert person.server("GET", "files/data.bin").content == data
    back = person.server("GET", "api/contents/data.bin?format=base64&content=1").json()
    assert base64.b64decode(back["content"]) == data
    assert person.server("DELETE", "api/contents/data.bin").status_code == 204


@pytest.mark.parametrize("name", ["a b.txt", "100% + é#1.txt", "日本語;v=1.txt"])
def test_file_names(person: Person, name: str) -> None:
    target = quote(name)
    made = person.server("PUT", f"api/contents/{target}", json={"type": "file", "format": "text", "content": name})
    assert made.status_code in (200, 201), made.text
    assert made.json()["name"] == name
    got = person.server("GET", f"files/{target}")
    assert got.content.decode() == name
    assert person.server("DELETE", f"api/contents/{target}").status_code == 204


def test_encoded_slash(person: Person) -> None:
    assert person.server("PUT", "api/contents/folder", json={"type": "directory"}).status_code in (200, 201)
    made = person.server("PUT", "api/contents/folder%2Fa.txt", json={"type": "file", "format": "text", "content": "x"})
    assert made.status_code in (200, 201), made.text
    assert person.server("GET", "files/folder/a.txt").text == "x"
    assert person.server("DELETE", "api/contents/folder/a.txt").status_code == 204
    assert person.server("DELETE", "api/contents/folder").status_code == 204


def test_redirects_and_cookies(person: Person) -> None:
    moved = person.visit(f"user/{person.name}", allow_redirects=False)
    assert moved.is_redirect
    person.visit(f"user/{person.name}/")
    assert_stays(person)


def test_a_token_is_written_nowhere(person: Person) -> None:
    """A login by a token in the URL, and what the hub makes of that URL: `next`, OAuth codes, states."""
    site = person.site
    made = person.hub("POST", f"users/{person.name}/tokens", json={"note": "in a URL"})
    assert made.status_code == 201, made.text
    token = made.json()["token"]
    stranger = Person(site, person.name)
    for target in (f"user/{person.name}/tree", "hub/user-redirect/lab", "hub/login", "hub/api/user", "nothing"):
        for name in ("token", "Token"):
            stranger.visit(f"{target}?{name}={token}&a=b")
            stranger.session.cookies.clear()
    refused = stranger.visit(f"hub/login?token={token}&x={'x' * 20000}")
    assert refused.status_code == 414
    stranger.close()
    guest = Person(site, person.name)
    page = guest.visit(f"user/{person.name}/lab?token={token}")
    assert page.status_code == 200
    assert "jupyter-config-data" in page.text  # it let us in
    assert not guest.redirects
    page = guest.session.get(urljoin(site.url, f"user/{person.name}/api/status"), headers={"Referer": page.url})
    assert page.status_code == 200
    guest.close()
    secrets = {token}
    for url in (*person.redirects, *stranger.redirects):
        while url:
            found = parse_qs(urlsplit(url).query)
            secrets.update(value for name in ("code", "state", "token") for value in found.get(name, []))
            url = found.get("next", [""])[0]
    assert len(secrets) >= 3
    end = time.monotonic() + 10
    while "api/status" not in site.outputs[0].read_text().splitlines()[-1]:
        assert time.monotonic() < end
        time.sleep(0.1)
    said = "".join(one.read_text() for one in site.outputs)
    assert said.count("***") > 10
    assert not [one for one in secrets if len(one) > 5 and one in said + refused.text]


def test_stop_and_start_again(person: Person) -> None:
    assert person.server("GET", "api/status").status_code == 200
    assert person.hub("DELETE", f"users/{person.name}/server").status_code in (202, 204)
    end = time.monotonic() + 30
    while person.hub("GET", f"users/{person.name}").json()["servers"]:
        assert time.monotonic() < end
        time.sleep(0.2)
    person.visit("hub/home")
    last = person.spawn()[-1][1]
    assert last.get("ready") is True, last
    assert person.server("GET", "api/status").status_code == 200
    assert_stays(person)


def test_cookies_are_secure_under_tls(person: Person, newcomer: Person) -> None:
    for target in ("hub/login", "hub/home", "hub/logout"):
        newcomer.visit(target)
        newcomer.log_in()
    for line in (*person.set_cookies, *newcomer.set_cookies):
        words = attributes(line)
        removed = any("1970" in word or "2025" in word for word in words if word.startswith("expires="))
        assert removed or ("secure" in words) == person.site.secure, line
