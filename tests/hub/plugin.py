"""What JupyterHub's own tests need of us, as a pytest plugin.

Names below localhost.jovyan.org are this machine's, which saves asking the DNS; ports are such that nobody else is given; servers
find the pages that tests look for (nbclassic's); and the proxy class may be another.
"""

from __future__ import annotations

import importlib
import os
import socket
from typing import Any

import jupyterhub.utils

from perijove.demo.processes import free_port

_ask = socket.getaddrinfo


def _here(host: Any, *args: Any, **options: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if isinstance(name, str) and f".{name}".endswith(".localhost.jovyan.org"):
        host = "127.0.0.1"
    return _ask(host, *args, **options)


socket.getaddrinfo = _here
# The hub's own choice is a port that the system gives to any connection as well, until somebody listens on it: in a run beside
# others one time in some was "Address already in use". All that take it from there are imported later.
jupyterhub.utils.random_port = free_port


def pytest_runtest_setup(item: Any) -> None:
    """Give the command the name that one test looks for: it is a link to ours in PATH."""
    if item.name == "test_unix_socket_proxy" and os.environ.get("PERIJOVE_PROXY_CLASS"):
        from perijove.jupyterhub.proxy import PerijoveProxy

        PerijoveProxy.options = lambda _self: []
        PerijoveProxy.prefix = ("configurable-http-proxy",)


def pytest_configure() -> None:
    """Let servers have the extensions that are installed for the tests, and hubs the class that was asked for."""
    from jupyterhub.spawner import Spawner

    told = Spawner.get_env
    Spawner.get_env = lambda self: {**told(self), "JUPYTER_CONFIG_PATH": os.environ["JUPYTER_CONFIG_PATH"]}
    named = os.environ.get("PERIJOVE_PROXY_CLASS")
    if not named:
        return
    from jupyterhub.tests.mocking import MockHub

    module, _, name = named.partition(":")
    chosen = getattr(importlib.import_module(module), name)
    begin = MockHub.__init__

    def begun(self: Any, *args: Any, **options: Any) -> None:
        options.setdefault("proxy_class", chosen)
        begin(self, *args, **options)

    MockHub.__init__ = begun
