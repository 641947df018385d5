"""What the contract tests are made of: a proxy command as JupyterHub runs it, servers that report what reached them."""

from __future__ import annotations

import json
import os
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.server.parts import WAIT, Answer, Client, Conversation, Head, answer, eventually

from perijove.demo.processes import Process, free_port

TOKEN = "a-secret-token"
AUTHORIZED = f"Authorization: token {TOKEN}\r\n".encode()
_PORTS = 3  # pairs of free ones that are tried
_OWN = "Address already in use", "EADDRINUSE", "already in use"


def accepts(address: str | int) -> bool:
    """Tell whether something listens at a loopback port or a Unix socket."""
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as probe:
        try:
            probe.connect(address if isinstance(address, str) else ("127.0.0.1", address))
        except OSError:
            return False
        return True


class Proxy:
    """A command with configurable-http-proxy's command line, running. `{free}` in its options is a free port, `other_port`."""

    def __init__(
        self,
        kind: str,
        command: Sequence[str],
        folder: Path,
        options: Sequence[str] = (),
        *,
        token: str | None = TOKEN,
        socket_path: str = "",
        api_socket: str = "",
        api_ip: Sequence[str] = ("--api-ip", "127.0.0.1"),
        tls: ssl.SSLContext | None = None,
        api_tls: ssl.SSLContext | None = None,
        patience: float = WAIT,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        self.tls, self.api_tls = tls, api_tls
        self.socket_path, self.api_socket = socket_path, api_socket
        given = {name: value for name, value in os.environ.items() if not name.startswith("CONFIGPROXY_")}
        given.update(env or {})
        if token is not None:
            given["CONFIGPROXY_AUTH_TOKEN"] = token
        for _ in range(_PORTS):
            self.port, self.api_port, self.other_port = free_port(), free_port(), free_port()
            filled = [option.replace("{free}", str(self.other_port)) for option in options]
            where = ["--socket", socket_path] if socket_path else ["--ip", "127.0.0.1", "--port", str(self.port)]
            where += ["--api-socket", api_socket] if api_socket else [*api_ip, "--api-port", str(self.api_port)]
            self.process = Process(kind, [*command, *where, *filled], folder / f"{kind}-{self.port}.log", given)
            addresses = socket_path or self.port, api_socket or self.api_port
            up = eventually(lambda to=addresses: self.process.exited() is not None or all(map(accepts, to)), patience)
            taken = any(words in self.log() for words in _OWN)  # another test of the machine was faster
            if up and self.process.exited() is None and not taken:
                return
            self.stop()
            if not taken:
                break
        raise AssertionError(f"{kind} does not listen:\n{self.log()}")

    def log(self) -> str:
        return self.process.log.read_text(errors="replace")

    def says(self, words: str) -> bool:
        """Tell whether it comes to say so."""
        return eventually(lambda: words in self.log())

    def stop(self) -> None:
        self.process.stop(5.0)

    # ---------------------------------------------------------------- its API

    def api(self, method: str, path: str = "", body: object = None, *, fields: bytes = AUTHORIZED, whole: str = "") -> Answer:
        """Ask the API: `path` follows `/api/routes`; `body` is sent as JSON, octets as they are."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with Client(self.api_port, tls=self.api_tls, path=self.api_socket) as client:
            return client.ask(whole or f"/api/routes{path}", method=method, fields=fields, content=content)

    def add(self, path: str, target: str, **data: object) -> None:
        got = self.api("POST", path, {"target": target, **data})
        assert (got.status, got.content) == (201, b""), got

    def delete(self, path: str) -> int:
        return self.api("DELETE", path).status

    def routes(self, query: str = "") -> dict[str, dict[str, Any]]:
        got = self.api("GET", query)
        assert got.status == 200
        return json.loads(got.content)

    def route(self, path: str) -> dict[str, Any]:
        got = self.api("GET", path)
        assert got.status == 200
        return json.loads(got.content)

    def activity(self, path: str) -> datetime:
        return datetime.fromisoformat(self.route(path)["last_activity"])

    # ---------------------------------------------------------------- its public side

    def client(self) -> Client:
        return Client(self.port, tls=self.tls, path=self.socket_path)

    def ask(self, target: str, **settings: Any) -> Answer:
        """One request on a connection of its own."""
        with self.client() as client:
            return client.ask(target, **settings)

    def raw(self, request: bytes) -> Answer:
        """What is answered to these octets."""
        with self.client() as client:
            client.send(request)
            return client.response()


@dataclass
class Report:
    """What reached a server."""

    name: str
    method: str
    target: str
    fields: list[tuple[str, str]]
    content: str

    def get(self, name: str) -> str | None:
        return next((value for known, value in self.fields if known == name), None)

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.fields if known == name]


def report(got: Answer) -> Report:
    """What a `Reporter` answered."""
    assert got.status == 200, (got.head.raw, got.content)
    return Report(**json.loads(got.content))


class Reporter:
    """A server that answers with what reached it; or does what `/do/…` in the path says."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.heads: list[Head] = []

    def __call__(self, conversation: Conversation) -> None:
        while (head := conversation.head()) is not None:
            self.heads.append(head)
            content = conversation.content(head)
            path, _, query = head.target.decode("latin-1").partition("?")
            _, _, rest = path.partition("/do/")
            action, _, value = rest.partition("/")
            if not action:
                fields = [(name.decode(), text.decode("latin-1")) for name, text in head.fields]
                seen = Report(
                    self.name, head.first[0].decode(), head.target.decode("latin-1"), fields, content.decode("latin-1")
                )
                conversation.send(answer(json.dumps(vars(seen)).encode(), fields=b"Content-Type: application/json\r\n"))
            elif not getattr(self, f"_{action}")(conversation, value, {k: v[0] for k, v in parse_qs(query).items()}):
                return

    # Each tells whether the connection goes on.

    def _status(self, conversation: Conversation, value: str, _: dict[str, str]) -> bool:
        conversation.send(answer(b"", f"{value} Whatever".encode()))
        return True

    def _redirect(self, conversation: Conversation, value: str, query: dict[str, str]) -> bool:
        conversation.send(answer(b"", f"{value} See There".encode(), f"Location: {query['to']}\r\n".encode()))
        return True

    def _cookies(self, conversation: Conversation, _value: str, _: dict[str, str]) -> bool:
        conversation.send(answer(b"", fields=b"Set-Cookie: a=1; Path=/user/x\r\nSet-Cookie: b=2; HttpOnly\r\n"))
        return True

    def _ws(self, conversation: Conversation, _: str, query: dict[str, str]) -> bool:
        """Say all that is said, after a greeting of our own if one is asked for."""
        conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Own: 1\r\n\r\n")
        if "after" in query:
            time.sleep(float(query["after"]))
            conversation.send(b"pushed")
        while conversation.buffer or conversation.more():
            data, conversation.buffer = conversation.buffer, b""
            conversation.send(data)
        return False

    def _cut(self, conversation: Conversation, value: str, _: dict[str, str]) -> bool:
        """Die in the middle of the answer."""
        if value == "chunked":
            conversation.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        else:
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst")
        time.sleep(0.1)
        return False

    def _close(self, conversation: Conversation, _value: str, _: dict[str, str]) -> bool:
        """Die before the answer."""
        return False

    def _wait(self, conversation: Conversation, value: str, _: dict[str, str]) -> bool:
        time.sleep(float(value))
        conversation.send(answer(b"late"))
        return True

    def _hang(self, conversation: Conversation, _value: str, _: dict[str, str]) -> bool:
        conversation.rest()
        return False
