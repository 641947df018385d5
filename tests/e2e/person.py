"""Somebody who uses JupyterHub by its public URL as a browser would: cookies, XSRF tokens, Origin, WebSockets."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import websocket

WAIT = 90.0


@dataclass(frozen=True)
class Site:
    """A hub as the public sees it: `url` ends in a slash; `ca` is the file of its authority, if it speaks TLS.

    One hub may stand behind several sites; `kind` tells their users apart.
    """

    name: str
    url: str
    password: str
    kind: str
    ca: str | None = None
    outputs: tuple[Path, ...] = ()  # all that the perijove in front of it writes

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def user(self, name: str) -> str:
        """Return the name of a user whom no other site has."""
        return f"{name}-{self.kind}"

    @property
    def secure(self) -> bool:
        return self.ca is not None


class Person:
    """A user with a browser's manners."""

    def __init__(self, site: Site, name: str) -> None:
        self.site = site
        self.name = name
        self.base = f"{site.path}user/{name}/"
        self.set_cookies: list[str] = []  # every Set-Cookie line
        self.redirects: list[str] = []  # every Location, made absolute
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = site.ca or True
        self.session.headers["User-Agent"] = "Mozilla/5.0"
        self.session.hooks["response"].append(self._seen)

    def _seen(self, response: requests.Response, *_: object, **__: object) -> None:
        self.set_cookies += response.raw.headers.getlist("set-cookie")
        if response.is_redirect:
            self.redirects.append(urljoin(response.url, response.headers["location"]))

    def close(self) -> None:
        self.session.close()

    def cookie(self, name: str, path: str) -> str:
        """Return the value of the cookie that a browser would send first: the one with the longest path that fits."""
        found = [one for one in self.session.cookies if one.name == name and path.startswith(one.path)]
        return str(max(found, key=lambda one: len(one.path)).value) if found else ""

    def visit(self, target: str, **settings: Any) -> requests.Response:
        """Open a page below the site."""
        return self.session.get(
            urljoin(self.site.url, target), headers={"Sec-Fetch-Mode": "navigate"}, timeout=WAIT, **settings
        )

    def call(self, method: str, target: str, **settings: Any) -> requests.Response:
        """Call an API as a page's script does, with the XSRF token that belongs to the path."""
        headers = {
            "X-XSRFToken": self.cookie("_xsrf", target),
            "Origin": self.site.origin,
            "Referer": urljoin(self.site.url, "lab"),
            "Sec-Fetch-Mode": "cors",
            "Sec-Fetch-Site": "same-origin",
            **settings.pop("headers", {}),
        }
        return self.session.request(method, self.site.origin + target, headers=headers, timeout=WAIT, **settings)

    def hub(self, method: str, target: str, **settings: Any) -> requests.Response:
        """Call the hub's API."""
        return self.call(method, f"{self.site.path}hub/api/{target}", **settings)

    def server(self, method: str, target: str, **settings: Any) -> requests.Response:
        """Call the API of one's own server."""
        return self.call(method, self.base + target, **settings)

    def log_in(self) -> requests.Response:
        self.visit("hub/login")
        form = {"username": self.name, "password": self.site.password, "_xsrf": self.cookie("_xsrf", self.site.path + "hub/")}
        return self.session.post(
            urljoin(self.site.url, "hub/login"),
            data=form,
            headers={
                "Origin": self.site.origin,
                "Referer": urljoin(self.site.url, "hub/login"),
                "Sec-Fetch-Site": "same-origin",
            },
            timeout=WAIT,
            allow_redirects=False,
        )

    def spawn(self) -> list[tuple[float, dict[str, Any]]]:
        """Start one's server; return the events of its progress, each with the seconds after which it came."""
        self.visit("hub/home")
        begun = time.monotonic()
        started = self.hub("POST", f"users/{self.name}/server")
        assert started.status_code in (201, 202), started.text
        events = []
        with self.hub("GET", f"users/{self.name}/server/progress", stream=True, headers={"Accept": "text/event-stream"}) as got:
            assert got.headers["content-type"].startswith("text/event-stream")
            for line in got.iter_lines(chunk_size=1):
                if line.startswith(b"data:"):
                    events.append((time.monotonic() - begun, json.loads(line[5:])))
                    if events[-1][1].get("ready") or events[-1][1].get("failed"):
                        break
        self.visit(f"user/{self.name}/lab")  # sets the server's own cookies
        return events

    def websocket(
        self, target: str, *, origin: str | None = None, subprotocols: list[str] | None = None
    ) -> websocket.WebSocket:
        """Open a WebSocket of one's server.

        Raises:
            websocket.WebSocketBadStatusException: it was refused.
        """
        address = self.site.origin + self.base + target
        cookies = requests.cookies.get_cookie_header(self.session.cookies, requests.Request("GET", address).prepare())
        return websocket.create_connection(
            address.replace("http", "ws", 1),
            timeout=WAIT,
            origin=origin or self.site.origin,
            cookie=cookies,
            subprotocols=subprotocols,
            sslopt={"ca_certs": self.site.ca} if self.site.ca else {},
            http_no_proxy=["*"],
            header={
                "User-Agent": "Mozilla/5.0",
                "Sec-Fetch-Mode": "websocket",
                "Sec-Fetch-Site": "cross-site" if origin else "same-origin",
            },
        )


class Kernel:
    """A kernel of somebody's server."""

    def __init__(self, person: Person) -> None:
        self.person = person
        made = person.server("POST", "api/kernels", json={"name": "python3"})
        assert made.status_code == 201, made.text
        self.id = made.json()["id"]
        self.location = made.headers["location"]
        self.socket = person.websocket(f"api/kernels/{self.id}/channels?session_id=e2e")

    def run(self, code: str) -> str:
        """Run code; return what it printed, and its value."""
        return run(self.socket, code)

    def close(self) -> None:
        self.socket.close()
        self.person.server("DELETE", f"api/kernels/{self.id}")


def run(socket: websocket.WebSocket, code: str) -> str:
    """Run code in the kernel behind a WebSocket; return what it printed, and its value."""
    content = {
        "code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True,
    }  # fmt: skip
    number = uuid.uuid4().hex
    header = {
        "msg_id": number,
        "msg_type": "execute_request",
        "username": "",
        "session": "e2e",
        "version": "5.3",
        "date": "",
    }
    message = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": []}
    socket.send(json.dumps(message))
    out, waiting = "", {"execute_reply", "idle"}
    while waiting:
        got = json.loads(socket.recv())
        if got["parent_header"].get("msg_id") != number:
            continue
        kind, content = got["msg_type"], got["content"]
        assert kind != "error", content
        if kind == "stream":
            out += content["text"]
        elif kind == "execute_result":
            out += content["data"]["text/plain"]
        waiting.discard(kind)
        if kind == "status":
            waiting.discard(content["execution_state"])
    return out
