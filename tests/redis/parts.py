"""A real Redis and real `perijove chp`, each in processes of its own."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.server.parts import WAIT, Application, Client, Origin, eventually

import redis
from perijove.demo.processes import Process, free_port

REDIS = os.environ.get("REDIS_SERVER", "redis-server")  # or a valkey-server


class Server:
    """A Redis, which keeps what it has in its folder. It may be stopped and started again."""

    def __init__(
        self, folder: Path, *settings: str, program: str = "redis-server", password: str = "", tls: bool = False
    ) -> None:
        self.port = free_port()
        self.folder = folder / f"redis-{self.port}"
        self.folder.mkdir()
        self.password = password
        self.process: Process | None = None
        listen = ["--port", "0", "--tls-port", str(self.port)] if tls else ["--port", str(self.port)]
        self._settings = [*listen, "--bind", "127.0.0.1", "--dir", str(self.folder), *settings]
        if program == "redis-server":
            self._settings += ["--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        self._program = program
        self.start()

    def start(self) -> None:
        command = [REDIS, *self._settings]
        if self._program == "redis-sentinel":
            command = [REDIS, str(self.folder / "sentinel.conf"), "--sentinel", *self._settings]
            (self.folder / "sentinel.conf").touch()
        self.process = Process(self._program, command, self.folder / "log")
        assert eventually(self._answers, WAIT), self.process.tail()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.exited() is None, self.process.tail()
        log = self.process.log.read_text()
        return "Ready to accept connections" in log or "Sentinel ID" in log

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
            self.process = None

    def empty(self) -> None:
        """Lose all that it keeps, while it is stopped."""
        assert self.process is None
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name != "log":
                path.unlink()

    def copy(self) -> Path:
        """Return a copy of what it keeps, while it is stopped."""
        assert self.process is None
        return Path(shutil.copytree(self.folder, self.folder.with_suffix(".copy")))

    def restore(self, copy: Path) -> None:
        """Have it keep what it kept then, while it is stopped."""
        self.empty()
        shutil.copytree(copy, self.folder, dirs_exist_ok=True)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=self.password or None, decode_responses=True)


class Replica:
    """A `perijove chp`."""

    def __init__(self, folder: Path, *options: str, env: Mapping[str, str] | None = None, waits: bool = True) -> None:
        self.port, self.api = free_port(), free_port()
        self._client: Client | None = None
        self._command = [sys.executable, "-m", "perijove", "chp", "--ip", "127.0.0.1", "--port", str(self.port)]
        self._command += ["--api-ip", "127.0.0.1", "--api-port", str(self.api), "--grace", "0.2", *options]
        self._env = {**os.environ, "CONFIGPROXY_AUTH_TOKEN": "secret", **(env or {})}
        self._log = folder / f"chp-{self.port}.log"
        self.start(waits)

    def start(self, waits: bool = True) -> None:
        self.process = Process("perijove", self._command, self._log, env=self._env)
        if waits:
            assert eventually(lambda: "listening on" in self.log() or self.process.exited() is not None, WAIT), self.log()
            assert self.process.exited() is None, self.log()

    def log(self) -> str:
        return self._log.read_text()

    def stop(self) -> None:
        self._let_go()
        self.process.stop()

    def kill(self) -> None:
        """End it at once."""
        self._let_go()
        os.kill(self.process.pid, 9)
        self.process.stop()

    # ------------------------------------------------------------------ the API

    def call(self, method: str, path: str = "", body: object = None) -> tuple[int, Any]:
        """Return status and content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.api, timeout=WAIT)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, "/api/routes" + quote(path), text, {"Authorization": "token secret"})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(content) if content.startswith(b"{") else content.decode()

    def add(self, path: str, target: str, **data: object) -> int:
        return self.call("POST", path, {"target": target, "jupyterhub": True, **data})[0]

    def remove(self, path: str) -> int:
        return self.call("DELETE", path)[0]

    def routes(self) -> dict[str, str]:
        """Return paths and targets."""
        status, found = self.call("GET")
        assert status == 200
        return {path: one["target"] for path, one in found.items()}

    # ------------------------------------------------------------------ the public side

    def status(self, path: str) -> int:
        """Return what the public side answers."""
        if self._client is None:
            self._client = Client(self.port)
        try:
            return self._client.ask(path).status
        except (OSError, AssertionError):  # a kept connection was closed
            self._let_go()
            with Client(self.port) as client:
                return client.ask(path).status

    def _let_go(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


class Traffic:
    """Asks the public side of a replica for paths, one after the other, all the time."""

    def __init__(self, replica: Replica, *paths: str) -> None:
        self.statuses: Counter[int] = Counter()
        self.longest = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(replica.port, paths))
        self._thread.start()

    def _run(self, port: int, paths: tuple[str, ...]) -> None:
        client = Client(port)
        while not self._stop.is_set():
            for path in paths:
                begun = time.monotonic()
                self.statuses[client.ask(path).status] += 1
                self.longest = max(self.longest, time.monotonic() - begun)
        client.close()

    def stop(self) -> Counter[int]:
        self._stop.set()
        self._thread.join()
        return self.statuses


__all__ = ["WAIT", "Application", "Origin", "Replica", "Server", "Traffic", "eventually", "free_port"]
