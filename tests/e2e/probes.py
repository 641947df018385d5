"""What a user sees of a probe: it is sent to Apache as a browser would, and the logs are read behind it.

Knows HTTP and the hub's forms. Must not know what is expected.
"""

from __future__ import annotations

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
    session.headers |= {"User-Agent": "Mozilla/5.0", "Host": probe.host, "Sec-Fetch-Mode": "navigate", **probe.fields}
    with session:
        if probe.through:
            del session.headers["Host"]
            return _shown(session.get(probe.through, proxies={"http": f"http://127.0.0.1:{way.port}"}, timeout=WAIT))
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
    return {"status": got.status_code, "body": got.text, "location": got.headers.get("location", "")}


def _log_in(session: requests.Session, probe: Probe, way: Way) -> dict[str, Any]:
    page = _get(session, way, f"{way.base}hub/login?next={way.base}hub/home")
    token = re.search(r'name="_xsrf"\s+value="([^"]*)"', page.text)
    if token is None:
        return _shown(page)
    sent = session.post(
        f"http://127.0.0.1:{way.port}{way.base}hub/login?next={way.base}hub/home",
        data={"username": f"newcomer-{uuid.uuid4().hex[:6]}", "password": way.password, "_xsrf": token[1]},
        headers={"Origin": f"http://{probe.host}", "Referer": f"http://{probe.host}/hub/login", "Sec-Fetch-Site": "same-origin"},
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
        asked = requests.Request("GET", person.site.origin + target).prepare()
        cookies = requests.cookies.get_cookie_header(person.session.cookies, asked) or ""
    try:
        socket = websocket.create_connection(
            f"ws://127.0.0.1:{way.port}{target}",
            timeout=WAIT,
            host=probe.host,
            origin=f"http://{probe.host}",
            cookie=cookies,
            http_no_proxy=["*"],
            header={"User-Agent": "Mozilla/5.0", "Sec-Fetch-Mode": "websocket", "Sec-Fetch-Site": "same-origin", **probe.fields},
        )
    except websocket.WebSocketBadStatusException as error:
        return {"status": error.status_code, "body": (error.resp_body or b"").decode(errors="replace"), "location": (error.resp_headers or {}).get("location", "")}
    try:
        if probe.kernel:
            return {"status": 101, "prints": run(socket, "6 * 7")}
        socket.send("again")
        return {"status": 101, "prints": socket.recv()}
    finally:
        socket.close()


def differences(expected: dict[str, Any], seen: dict[str, Any], logs: dict[str, Callable[[], str]]) -> list[str]:
    """Return what of the expected is not so; what is logged may be a moment late."""
    wrong = []
    for key, value in expected.items():
        if key in logs:
            end = time.monotonic() + 3
            while value not in logs[key]() and time.monotonic() < end:
                time.sleep(0.02)
            if value not in logs[key]():
                wrong.append(f"{key} has no {value!r}:\n{logs[key]()[-3000:]}")
        elif key in ("body", "refused"):
            if value not in seen.get(key, ""):
                wrong.append(f"{key} has no {value!r}: {str(seen)[:1500]}")
        elif seen.get(key) != value:
            wrong.append(f"{key} is not {value!r}: {str(seen)[:1500]}")
    return wrong


def with_names(probe: Probe, name: Callable[[Any], Any]) -> Probe:
    """Return it with values for names."""
    return replace(
        probe,
        **{one: name(getattr(probe, one)) for one in ("get", "fields", "through", "websocket", "host", "before", "after")},
    )


def visitor(person: Person) -> Kernel:
    """Log somebody in and start a notebook's kernel."""
    assert person.log_in().status_code == 302
    person.spawn()
    kernel = Kernel(person)
    kernel.socket.close()
    return kernel
