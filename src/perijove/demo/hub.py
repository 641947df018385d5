"""A real JupyterHub on loopback."""

from __future__ import annotations

import json
import os
import secrets
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

from perijove.demo.processes import Process, end_all, free_port

_CONFIG: Final = Path(__file__).with_name("hub_config.py")
_POLL: Final = 0.2


class DidNotStart(Exception):
    """A part did not start; the text has the end of its log."""


def wait_for(url: str, process: Process, seconds: float) -> None:
    """Wait until a URL answers with anything but an error of the gateway.

    Raises:
        DidNotStart: the process ended, or the time is over.
    """
    anybody = ssl.create_default_context()  # whether it answers is asked, nothing else is said
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=anybody))
    end = time.monotonic() + seconds
    while True:
        if process.exited() is not None:
            raise DidNotStart(f"{process.name} ended with status {process.exited()}:\n{process.tail()}")
        try:
            with opener.open(url, timeout=5):
                return
        except urllib.error.HTTPError as error:
            if error.code not in (404, 500, 502, 503, 504):
                return
        except OSError:
            pass
        if time.monotonic() > end:
            raise DidNotStart(f"{process.name} does not answer at {url} after {seconds:.0f} s:\n{process.tail()}")
        time.sleep(_POLL)


class Hub:
    """JupyterHub with perijove as its proxy, at a base path; `url` is where that listens."""

    def __init__(
        self,
        state: Path,
        base: str,
        password: str,
        port: int = 0,
        settings: dict[str, Any] | None = None,
        pair: Path | None = None,
    ) -> None:
        """Start it.

        Args:
            state: a folder for logs and homes.
            base: the base path, with a slash at both ends.
            password: of every user.
            port: where to listen on 127.0.0.1; 0 is any.
            settings: more of the configuration: values of traits by class and name.
            pair: PEM file with a certificate and its key, for TLS.
        """
        self.base = base
        self.port = port or free_port()
        self.hub_port = free_port()
        self.url = f"{'http' if pair is None else 'https'}://127.0.0.1:{self.port}"
        state = state.absolute()
        (state / "homes").mkdir(parents=True, exist_ok=True)
        told = {
            "bind_url": f"{self.url}{base}",
            "port": self.port,
            "pair": None if pair is None else str(pair),
            "hub_port": self.hub_port,
            "api_port": free_port(),
            "base": base,
            "password": password,
            "secret": secrets.token_hex(32),
            "homes": str(state / "homes"),
            "settings": settings or {},
        }
        self._state = state
        self._env = {
            **os.environ,
            "PERIJOVE_DEMO": json.dumps(told),
            # jupyterhub-singleuser must be found, and must be this environment's
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "JUPYTER_PLATFORM_DIRS": "1",
        }
        self._left: dict[int, str] = {}  # processes that it did not take along when it ended
        self.start()

    def start(self) -> None:
        """Start it, for the first time or once more."""
        command = [sys.executable, "-m", "jupyterhub", "-f", str(_CONFIG)]
        self.process = Process("JupyterHub", command, self._state / "hub.log", self._env, self._state)

    def leave(self) -> None:
        """End the hub alone: what it does not end itself goes on."""
        self._left |= self.process.leave(20.0)

    def wait(self, seconds: float = 90.0) -> None:
        """Wait until it shows its login page.

        Raises:
            DidNotStart: it does not.
        """
        wait_for(f"{self.url}{self.base}hub/login", self.process, seconds)

    def stop(self) -> None:
        """End it with its proxy, servers and kernels."""
        self.process.stop(20.0)
        end_all(self._left)
