"""Two perijoves that share their routes in a Redis, and a balancer before them, on loopback.

Knows which programs there are and how they find each other. Must not know what is behind the perijoves, nor who asks.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Final

from perijove.demo.hub import DidNotStart
from perijove.demo.processes import Process, free_port

_SERVERS: Final = ("redis-server", "valkey-server")
_STARTS: Final = 30.0  # seconds in which a part must have started
_POLL: Final = 0.05
# In the words of Apache httpd, which perijove runs as they are; a TCP balancer would do as well.
_BALANCER: Final = """\
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{api}
ServerName localhost
AllowEncodedSlashes NoDecode
<VirtualHost 127.0.0.1:{port}>
  AllowEncodedSlashes NoDecode
  ProxyPreserveHost On
  <Proxy balancer://public>
    {public}
  </Proxy>
  ProxyPass / balancer://public/ nocanon
</VirtualHost>
<VirtualHost 127.0.0.1:{api}>
  AllowEncodedSlashes NoDecode
  <Proxy balancer://routes>
    {routes}
  </Proxy>
  ProxyPass / balancer://routes/ nocanon
</VirtualHost>
"""


class Part:
    """A program that is started, and may be started again."""

    def __init__(self, name: str, command: list[str], log: Path, said: str, env: dict[str, str] | None = None) -> None:
        """Start it.

        Args:
            name: for people.
            command: what to run.
            log: file of all that it says.
            said: what it says when it is ready.
            env: its environment, if not ours.
        """
        self.name = name
        self._command = command
        self._log = log
        self._said = said
        self._env = env
        self.start()

    def start(self) -> None:
        """Start it, for the first time or once more."""
        self.process = Process(self.name, self._command, self._log, self._env)

    def wait(self) -> None:
        """Wait until it is ready.

        Raises:
            DidNotStart: it ended, or the time is over.
        """
        end = time.monotonic() + _STARTS
        while self._said not in self._log.read_text(errors="replace"):
            status = self.process.exited()
            if status is not None:
                raise DidNotStart(f"{self.name} ended with status {status}:\n{self.process.tail()}")
            if time.monotonic() > end:
                raise DidNotStart(f"{self.name} is not ready after {_STARTS:.0f} s:\n{self.process.tail()}")
            time.sleep(_POLL)


def redis_program() -> str | None:
    """Return the path of a Redis or a Valkey; None if there is none."""
    return next((found for name in _SERVERS if (found := shutil.which(name)) is not None), None)


class Replicas:
    """The parts. Redis keeps what it has in `folder`, as long as that is there."""

    def __init__(self, folder: Path, port: int, hub_url: str, token: str, count: int = 2) -> None:
        """Start them.

        Args:
            folder: for logs, and for what Redis keeps from now on. A path of at most 97 octets: a Unix socket is in it.
            port: of the balancer's public side, on 127.0.0.1.
            hub_url: where the hub itself listens, with its base path.
            token: of the API.
            count: how many perijoves.

        Raises:
            DidNotStart: there is no Redis.
        """
        program = redis_program()
        if program is None:
            raise DidNotStart("there is no Redis here: `apt-get install redis-server`, or another system's redis or valkey")
        shutil.rmtree(folder / "appendonlydir", ignore_errors=True)  # routes of an earlier run lead nowhere
        self.socket = folder / "redis.sock"
        self.ports = [free_port() for _ in range(count)]
        self.apis = [free_port() for _ in range(count)]
        api = free_port()
        self.api_url = f"http://127.0.0.1:{api}"
        listen = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        kept = ["--dir", str(folder), "--save", "", "--appendonly", "yes", "--maxmemory-policy", "noeviction"]
        self.redis = Part("Redis", [program, *listen, *kept], folder / "redis.log", "eady to accept connections")
        env = {**os.environ, "CONFIGPROXY_AUTH_TOKEN": token, "PERIJOVE_REDIS_URL": f"unix://{self.socket}"}
        self.perijoves = [
            Part(f"perijove {one}", self._replica(one - 1, hub_url), folder / f"perijove-{one}.log", "listening on", env)
            for one in range(1, count + 1)
        ]
        conf = folder / "balancer.conf"
        conf.write_text(
            _BALANCER.format(port=port, api=api, public=_members(self.ports), routes=_members(self.apis)), encoding="utf-8"
        )
        command = [sys.executable, "-m", "perijove", "serve", str(conf)]
        self.balancer = Part("the balancer", command, folder / "balancer.log", "listening on")

    def _replica(self, number: int, hub_url: str) -> list[str]:
        return [
            *(sys.executable, "-m", "perijove", "chp", "--ip", "127.0.0.1", "--port", str(self.ports[number])),
            *("--api-ip", "127.0.0.1", "--api-port", str(self.apis[number]), "--error-target", f"{hub_url}hub/error"),
        ]

    @property
    def parts(self) -> list[Part]:
        """All of them, in the order in which they are started."""
        return [self.redis, *self.perijoves, self.balancer]

    def wait(self) -> None:
        """Wait until all serve.

        Raises:
            DidNotStart: one does not.
        """
        for part in self.parts:
            part.wait()

    def stop(self) -> None:
        """End them."""
        for part in reversed(self.parts):
            part.process.stop()


def _members(ports: list[int]) -> str:
    return "\n    ".join(f"BalancerMember http://127.0.0.1:{port} retry=1 upgrade=websocket" for port in ports)
