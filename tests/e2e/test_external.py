"""The proxy as a unit of its own, as docs/how-to/jupyterhub-proxy.md has it: a hub that is restarted, or dies, cuts nothing.

Seen to fail with the proxy as the hub's child: it ends with the hub, and its connections with it.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.e2e.person import Kernel, Person, Site

from perijove.demo.hub import Hub
from perijove.demo.processes import Process, free_port

PASSWORD = "a password"
TOKEN = "secret"
GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "jupyterhub-proxy.md"
SIZE = 48 << 20  # of a download: more than all buffers on its way


def as_the_guide_says(folder: Path, port: int, api_port: int, hub_port: int) -> tuple[list[str], dict[str, dict[str, Any]]]:
    """The unit's command, and the hub's settings, with the ports and the folder of a test."""
    text = GUIDE.read_text()
    start = re.search(r"^ExecStart=\S+ (chp .+)$", text, re.MULTILINE)
    assert start
    words = start[1].replace("--port 8000", f"--port {port}").replace("--api-port 8001", f"--api-port {api_port}")
    words = words.replace(":8081/", f":{hub_port}/").replace("/var/lib/perijove-hub", str(folder))
    section = text.partition("## Let a restart of the hub cut nothing")[2].partition("\n## ")[0]
    settings: dict[str, dict[str, Any]] = {}
    for name, trait, value in re.findall(r'^c\.(\w+)\.(\w+) = ("[^"]*"|True|False)', section, re.MULTILINE):
        written = {"True": True, "False": False}.get(value, value.strip('"'))
        settings.setdefault(name, {})[trait] = written
    assert settings["PerijoveProxy"] == {"should_start": False, "api_url": "http://127.0.0.1:8001"}
    settings["PerijoveProxy"] |= {"api_url": f"http://127.0.0.1:{api_port}", "auth_token": TOKEN}
    settings["JupyterHub"] |= {"hub_port": hub_port, "db_url": f"sqlite:///{folder}/hub.sqlite"}
    return shlex.split(words), settings


@dataclass
class Place:
    """All that runs."""

    hub: Hub
    proxy: Process
    site: Site


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("external")
    port, hub_port = free_port(), free_port()
    words, settings = as_the_guide_says(folder, port, free_port(), hub_port)
    env = {**os.environ, "CONFIGPROXY_AUTH_TOKEN": TOKEN}
    proxy = Process("perijove", [sys.executable, "-m", "perijove", *words], folder / "perijove.log", env)
    hub = Hub(folder, "/", PASSWORD, port, settings)
    try:
        hub.wait()
        yield Place(hub, proxy, Site("external", f"http://127.0.0.1:{port}/", PASSWORD, "external"))
    finally:
        hub.stop()
        proxy.stop()
        assert "Traceback" not in proxy.log.read_text(), proxy.tail(1000)


def slowly(answer: requests.Response, until: int, got: int = 0) -> int:
    """Read an answer up to so many octets."""
    while got < until:
        piece = answer.raw.read(65536)
        assert piece, f"it ended after {got} octets"
        got += len(piece)
    return got


def test_a_restart_of_the_hub_cuts_nothing(place: Place) -> None:
    hub, person = place.hub, Person(place.site, "alice")
    assert person.log_in().status_code == 302
    assert person.spawn()[-1][1]["ready"] is True
    kernel = Kernel(person)
    kernel.run(f"kept = [0]\nwith open('large.bin', 'wb') as file:\n    file.write(bytes({SIZE}))")
    download = person.server("GET", "files/large.bin", stream=True)
    assert int(download.headers["content-length"]) == SIZE
    got = slowly(download, 1 << 20)

    # An orderly end.
    hub.leave()
    assert place.proxy.exited() is None
    assert kernel.run("kept += [1]\nkept") == "[0, 1]"
    got = slowly(download, 8 << 20, got)
    assert person.visit("hub/home").status_code == 503  # and not 404: the proxy knows that it belongs to the hub
    assert person.server("GET", "api/status").status_code == 200
    hub.start()
    hub.wait()
    assert kernel.run("kept += [2]\nkept") == "[0, 1, 2]"
    got = slowly(download, 16 << 20, got)

    # It dies.
    os.kill(hub.process.pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while hub.process.exited() is None:
        assert time.monotonic() < end
        time.sleep(0.05)
    hub.leave()
    assert kernel.run("kept += [3]\nkept") == "[0, 1, 2, 3]"
    hub.start()
    hub.wait()
    assert kernel.run("kept += [4]\nkept") == "[0, 1, 2, 3, 4]"
    assert slowly(download, SIZE, got) == SIZE
    download.close()

    # The hub knows the server still, and stops it.
    assert person.log_in().status_code == 302
    assert person.hub("DELETE", f"users/{person.name}/server").status_code in (202, 204)
    kernel.socket.close()
    person.close()
