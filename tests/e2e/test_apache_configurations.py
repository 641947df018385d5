"""JupyterHub's own configuration for Apache, and those that its users have written: what works behind Apache works behind perijove.

The very same file is served by both, in front of the very same hub, and the checks of `test_hub.py` are run through both.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.conftest import ONE_HOP, PASSWORD
from tests.e2e.fronts import FOLDER, FRONTS, Front, write
from tests.e2e.outcomes import PASSED, checks, outcomes
from tests.e2e.person import Site

from perijove.demo.hub import Hub
from perijove.demo.processes import free_port


@dataclass(frozen=True)
class Configuration:
    """One of `configurations`: which hub it is for, whether it speaks TLS, and what fails with it, whoever serves it."""

    hub: str
    secure: bool = False
    fails: frozenset[str] = frozenset()


# None of them says AllowEncodedSlashes, so httpd answers 404 to %2F.
SLASHES = frozenset({"encoded_slash"})
# The page's know the WebSockets of kernels and terminals only: api/events/subscribe came later.
EVENTS = SLASHES | {"events"}
CONFIGURATIONS = {
    "official": Configuration("root", secure=True, fails=SLASHES),
    "official-sub-path": Configuration("sub-path", fails=SLASHES),
    "page-1": Configuration("root", fails=EVENTS),
    "page-2": Configuration("sub-path", fails=EVENTS),
    "page-3": Configuration(ONE_HOP, secure=True, fails=EVENTS),
    "page-4": Configuration("root", fails=EVENTS),
    "page-5": Configuration("root", fails=EVENTS),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configuration(name: str, hubs: dict[str, Hub], certificates: Path, tmp_path: Path) -> None:
    configuration = CONFIGURATIONS[name]
    hub = hubs[configuration.hub]

    def through(kind: str) -> dict[str, str]:
        port = free_port()
        values = {"PORT": str(port), "HUB_PORT": str(hub.port)}
        values |= {"CERT": str(certificates / "pair.pem"), "CA": str(certificates / "ca.pem")}
        if name == "official":
            values["HTTP_PORT"] = str(free_port())
        scheme, ca = ("https", values["CA"]) if configuration.secure else ("http", None)
        front = Front(kind, write(tmp_path / kind, FOLDER / f"{name}.conf", values), port)
        try:
            return outcomes(Site(name, f"{scheme}://localhost:{port}{hub.base}", PASSWORD, f"{name}-{kind}", ca))
        finally:
            front.stop()

    with ThreadPoolExecutor() as pool:
        apache, ours = pool.map(through, FRONTS)
    assert ours == apache
    assert {check for check, what in apache.items() if what != PASSED} == configuration.fails


def test_there_are_checks() -> None:
    names = {name for name, _, _ in checks()}
    assert {"login_and_logout", "kernel", "terminal", "20_mb_both_ways", "file_names[a b.txt]"} < names
    assert len(names) >= 15
    assert {check for one in CONFIGURATIONS.values() for check in one.fails} < names
