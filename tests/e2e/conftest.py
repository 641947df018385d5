"""Real JupyterHubs behind real perijoves: at `/` and at a sub-path, each plain and over TLS."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme
from tests.e2e.person import Person, Site

from perijove.demo.hub import Hub
from perijove.demo.processes import Process, free_port

PASSWORD = "a password"
BASES = {"root": "/", "sub-path": "/mypath/", "one-hop": "/"}
ONE_HOP = "one-hop"  # of this one the hub's own perijove is the public one, too, and ends TLS


@pytest.fixture(scope="session")
def cache() -> Path:
    """A folder that outlives the tests: npm's packages need not be fetched again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path(__file__).parents[2] / ".cache")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for localhost and its key, `pair.pem`, and the authority, `ca.pem`."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(folder / "pair.pem"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return folder


@pytest.fixture(scope="session")
def hubs(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Hub]]:
    """The hubs, by the names of their bases. They start side by side."""
    folders = {name: tmp_path_factory.mktemp(f"hub-{name}") for name in BASES}
    for folder in folders.values():
        for one in ("alice-plain", "alice-tls"):  # whose servers let in who has a token in the URL
            settings = folder / "homes" / one / ".jupyter" / "jupyter_server_config.py"
            settings.parent.mkdir(parents=True)
            settings.write_text("c.HubOAuth.allow_token_in_url = True\n")
    running = {
        name: Hub(
            folders[name],
            base,
            PASSWORD,
            settings={"PerijoveProxy": {"access_log": str(folders[name] / "access.log"), "access_log_json": True}},
            pair=certificates / "pair.pem" if name == ONE_HOP else None,
        )
        for name, base in BASES.items()
    }
    try:
        for hub in running.values():
            hub.wait()
        yield running
    finally:
        end(running.values())


def end(hubs: Iterable[Hub]) -> None:
    """Stop hubs side by side: each waits for the servers that it ends."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(Hub.stop, hubs))


@pytest.fixture(scope="session")
def sites(
    hubs: dict[str, Hub], certificates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, bool], Site]]:
    """Put perijove in front of a hub."""
    folder = tmp_path_factory.mktemp("fronts")
    running: list[Process] = []

    def start(name: str, secure: bool) -> Site:
        hub, port = hubs[name], free_port()
        ca = str(certificates / "ca.pem") if secure else None
        kind = "tls" if secure else "plain"
        if name == ONE_HOP:
            url = f"https://localhost:{hub.port}{hub.base}"
            return Site(f"{name}-{kind}", url, PASSWORD, kind, ca, (hub.process.log.parent / "access.log",))
        command = [sys.executable, "-m", "perijove", "serve", "--to", hub.url, "--listen", f"127.0.0.1:{port}"]
        command += ["--mount", hub.base, "--access-log", str(folder / f"{port}.access")]
        if secure:
            command += ["--tls-cert", str(certificates / "pair.pem"), "--access-log-format", "json"]
        process = Process("perijove", command, folder / f"{port}.log")
        running.append(process)
        end = time.monotonic() + 20
        while "listening on" not in process.tail():
            assert process.exited() is None, process.tail()
            assert time.monotonic() < end, process.tail()
            time.sleep(0.05)
        scheme = "https" if secure else "http"
        outputs = (folder / f"{port}.access", process.log)
        return Site(f"{name}-{kind}", f"{scheme}://localhost:{port}{hub.base}", PASSWORD, kind, ca, outputs)

    try:
        yield start
    finally:
        for process in running:
            process.stop()
            assert process.exited() == 0
            assert "Traceback" not in process.tail(1000), process.tail(1000)


@pytest.fixture(
    scope="session",
    params=[(name, secure) for name in BASES for secure in (False, True) if secure or name != ONE_HOP],
    ids=lambda one: f"{one[0]}-{'tls' if one[1] else 'plain'}",
)
def site(request: pytest.FixtureRequest, sites: Callable[[str, bool], Site]) -> Site:
    """One after the other, the cells of the matrix."""
    return sites(*request.param)


@pytest.fixture
def newcomer(site: Site) -> Iterator[Person]:
    """Somebody who has not logged in."""
    person = Person(site, site.user("bob"))
    yield person
    person.close()


@pytest.fixture(scope="session")
def person(site: Site) -> Iterator[Person]:
    """Somebody whose server runs."""
    person = Person(site, site.user("alice"))
    assert person.log_in().status_code == 302
    person.events = person.spawn()  # type: ignore[attr-defined]
    yield person
    person.hub("DELETE", f"users/{person.name}/server")
    person.close()
