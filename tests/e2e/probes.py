"""What a user sees of a probe: it is sent to Apache as a browser would, and the logs are read behind it.

Knows HTTP and the hub's forms. Must not know what is expected.
"""

from __future__ import annotations

import base64
import contextlib
import html
import http.client
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import websocket
from tests.e2e.person import WAIT, Kernel, Person, run
from tests.e2e.proof import Probe

_HOPS = 12
_CLOSING = 3.0
_KEY = base64.b64encode(bytes(16)).decode()


@dataclass(frozen=True)
class Way:
    """Where probes go, and with whose cookies."""

    port: int  # of Apache
    kernel: Kernel | None
    password: str
    base: str = "/"


def seen(probe: Probe, way: Way) -> dict[str, Any]:
    """Return what it shows, by the words that `Probe` has for it; logs are for who started the servers."""
    if probe.kernel or probe.websocket:
        return _socket(probe, way)
    session = requests.Session()
    session.trust_env = False
    session.headers.update({"User-Agent": "Mozilla/5.0", "Host": probe.host, **probe.fields})
    with session:
        if probe.through:
            del session.headers["Host"]
            return _shown(session.get(probe.through, proxies={"http": f"http://127.0.0.1:{way.port}"}, timeout=WAIT))
        if probe.save:
            return _save(session, probe, way)
        if probe.log_in:
            return _log_in(session, probe, way)
        got = _get(session, way, probe.get)
        if probe.style:
            sheet = re.search(r'<link rel="stylesheet" href="([^"]+)"', got.text)
            assert sheet, got.text
            got = _get(session, way, sheet[1])
        return _followed(session, probe, way, got) if probe.follow else _shown(got)


def _get(session: requests.Session, way: Way, target: str) -> requests.Response:
    return session.get(f"http://127.0.0.1:{way.port}{target}", timeout=WAIT, allow_redirects=False)


def _followed(session: requests.Session, probe: Probe, way: Way, got: requests.Response) -> dict[str, Any]:
    """Follow redirects as long as they lead to where the user came from."""
    target = urlsplit(got.url).path
    for _ in range(_HOPS):
        if not got.is_redirect:
            return _shown(got)
        to = urlsplit(urljoin(f"http://{probe.host}{target}", got.headers["location"]))
        if to.netloc != probe.host:
            return _shown(got)
        target = f"{to.path}?{to.query}" if to.query else to.path
        got = _get(session, way, target)
    return {"endless": True, "status": got.status_code}


def _shown(got: requests.Response) -> dict[str, Any]:
    shown = {"status": got.status_code, "body": got.text, "location": got.headers.get("location", "")}
    return shown | {"cookies": "".join(f"{one.replace(';', ' ;')} \n" for one in got.raw.headers.getlist("set-cookie"))}


def _save(session: requests.Session, probe: Probe, way: Way) -> dict[str, Any]:
    """Write a file as JupyterLab does."""
    assert way.kernel is not None
    person = way.kernel.person
    target = f"{person.base}api/contents/saved.txt"
    token = person.cookie("_xsrf", target)
    sent = session.put(
        f"http://127.0.0.1:{way.port}{target}",
        json={"type": "file", "format": "text", "content": "saved"},
        headers={"Origin": f"http://{probe.host}", "X-XSRFToken": token, "Cookie": _cookies(person, target)},
        timeout=WAIT,
        allow_redirects=False,
    )
    if sent.status_code == 201:
        person.server("DELETE", "api/contents/saved.txt")
    return _shown(sent)


def _cookies(person: Person, target: str) -> str:
    """Return what their browser has for a path. They logged in at the hub itself, which has another name."""
    asked = requests.Request("GET", person.site.origin + target).prepare()
    return requests.cookies.get_cookie_header(person.session.cookies, asked) or ""


def _log_in(session: requests.Session, probe: Probe, way: Way) -> dict[str, Any]:
    page = _get(session, way, f"{probe.log_in}?next={way.base}hub/home")
    token = re.search(r'name="_xsrf"\s+value="([^"]*)"', page.text)
    action = re.search(r'<form action="([^"]*)"', page.text)
    if token is None or action is None:
        return _shown(page)
    session.close()  # Apache hangs up on a connection that was used before, for browsers to try again on a new one
    sent = session.post(
        f"http://127.0.0.1:{way.port}{html.unescape(action[1])}",
        data={"username": f"newcomer-{uuid.uuid4().hex[:6]}", "password": way.password, "_xsrf": token[1]},
        headers={"Origin": f"http://{probe.host}", "Referer": f"http://{probe.host}/hub/login"},
        timeout=WAIT,
        allow_redirects=False,
    )
    return _followed(session, probe, way, sent)


def _socket(probe: Probe, way: Way) -> dict[str, Any]:
    kernel = way.kernel
    target, cookies = probe.websocket, ""
    if probe.kernel:
        assert kernel is not None
        person = kernel.person
        target = f"{person.base}api/kernels/{kernel.id}/channels?session_id={uuid.uuid4().hex}"
        cookies = _cookies(person, target)
    headers = {"User-Agent": "Mozilla/5.0", **probe.fields}
    connection = http.client.HTTPConnection("127.0.0.1", way.port, timeout=WAIT)
    try:
        # By hand: websocket-client says of a redirect, which no browser follows, neither status nor address.
        handshake = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": _KEY}
        handshake |= {"Host": probe.host, "Origin": f"http://{probe.host}", "Cookie": cookies, **headers}
        connection.request("GET", target, headers=handshake)
        got = connection.getresponse()
        if got.status != 101:
            return {
                "status": got.status,
                "body": got.read().decode(errors="replace"),
                "location": got.headers.get("location", ""),
            }
        assert connection.sock is not None
        talk = websocket.WebSocket()
        talk.sock, talk.connected = connection.sock, True
        if probe.kernel:
            prints = run(talk, "6 * 7")
        else:
            talk.send("again")
            prints = str(talk.recv())
        talk.send_close()
        talk.settimeout(_CLOSING)
        with contextlib.suppress(TimeoutError):
            while talk.sock.recv(4096):  # Apache waits 10 s for a tunnel that is still open when it is stopped
                pass
        return {"status": 101, "prints": prints}
    finally:
        connection.close()


def differences(expected: dict[str, Any], seen: dict[str, Any], logs: dict[str, Callable[[], str]]) -> list[str]:
    """Return what of the expected is not so; what is logged may be a moment late."""
    wrong = []
    for key, value in expected.items():
        if key in logs:
            end = time.monotonic() + 10
            while value not in (text := " ".join(logs[key]().split())) and time.monotonic() < end:
                time.sleep(0.02)
            if value not in text:
                wrong.append(f"{key} has no {value!r}: {text[-3000:]}")
        elif key in ("body", "cookies", "refused"):
            if value not in seen.get(key, ""):
                wrong.append(f"{key} has no {value!r}: {str(seen)[:1500]}")
        elif seen.get(key) != value:
            wrong.append(f"{key} is not {value!r}: {str(seen)[:1500]}")
    return wrong


def with_names(probe: Probe, name: Callable[[Any], Any]) -> Probe:
    """Return it with values for names."""
    return replace(
        probe,
        **{
            one: name(getattr(probe, one))
            for one in ("get", "fields", "through", "log_in", "websocket", "host", "before", "after")
        },
    )


def visitor(person: Person) -> Kernel:
    """Log somebody in and start a notebook's kernel."""
    assert person.log_in().status_code == 302
    person.spawn()
    kernel = Kernel(person)
    kernel.socket.close()
    return kernel
