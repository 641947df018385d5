"""What checks say is so: a real Apache in front of a real hub fails with `broken.conf` as users see it, and works when it is fixed."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.e2e.chp import inside
from tests.e2e.conftest import BASES, ONE_HOP, PASSWORD, end
from tests.e2e.fronts import Front, refused, write
from tests.e2e.person import Kernel, Person, Site
from tests.e2e.probes import Way, differences, seen, visitor, with_names
from tests.e2e.proof import Probe, Proof, named, proofs

from perijove.cli.check import command
from perijove.demo.hub import Hub, wait_for
from perijove.demo.processes import Process, free_port

_PROOFS = proofs()
REMOTE_USER = "remote-user"  # the hub that believes the field
CHP_BASES = {f"chp-{name}": base for name, base in BASES.items() if name != ONE_HOP}
# The hub's proxy closes a connection after a WebSocket that was refused, and Apache may take it for the next request all the same.
_UNPOOLED = "SetEnv proxy-initial-not-pooled 1"


@pytest.fixture(scope="session")
def app(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A Tornado application; its ports, by their names in proofs."""
    plain, secure = free_port(), free_port()
    program = Path(__file__).with_name("tornado_app.py")
    arguments = [sys.executable, str(program), str(plain), str(secure), str(certificates / "pair.pem")]
    process = Process("Tornado", arguments, tmp_path_factory.mktemp("tornado") / "app.log")
    try:
        wait_for(f"http://127.0.0.1:{plain}/hub/login", process, 20)
        yield {"APP": str(plain), "APP_TLS": str(secure)}
    finally:
        process.stop()


@pytest.fixture(scope="session")
def signing_on() -> Iterator[dict[str, str]]:
    """A file of users as htpasswd makes it, in a folder that Apache's children can read, and what a browser sends; by their names."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        users = Path(folder, "users")
        digest = base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()
        users.write_text(f"alice:{{SHA}}{digest}\n")
        users.chmod(0o644)
        yield {"USERS": str(users), "LOGIN": f"Basic {base64.b64encode(f'alice:{PASSWORD}'.encode()).decode()}"}


@pytest.fixture(scope="session")
def hub_of(hubs: dict[str, Hub], cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Hub]]:
    """Return the hub of a base. Two kinds start when they are asked for.

    Those with configurable-http-proxy inside, as most users have them; and one that believes Remote-User.
    """
    made: dict[str, Hub] = {}

    def find(base: str) -> Hub:
        if base in hubs:
            return hubs[base]
        if base == REMOTE_USER and base not in made:
            folder = tmp_path_factory.mktemp(f"hub-{base}")
            shutil.copy(Path(__file__).with_name("remote_user.py"), folder)
            settings = {"JupyterHub": {"authenticator_class": "remote_user.RemoteUser"}}
            made[base] = Hub(folder, "/", PASSWORD, settings=settings)
            made[base].wait()
        if base not in made:
            made[base] = Hub(tmp_path_factory.mktemp(f"hub-{base}"), CHP_BASES[base], PASSWORD, settings=inside(cache))
            made[base].wait()
        return made[base]

    try:
        yield find
    finally:
        end(made.values())


@pytest.fixture(scope="session")
def kernels(hub_of: Callable[[str], Hub]) -> Iterator[Callable[[str], Kernel]]:
    """Return the kernel of somebody who came to a hub without any proxy of ours, at the name of its base; one for all proofs."""
    made: list[Kernel] = []

    @functools.cache
    def start(base: str) -> Kernel:
        hub = hub_of(base)
        site = Site(base, f"http://localhost:{hub.port}{hub.base}", PASSWORD, "proofs")
        made.append(visitor(Person(site, site.user("alice"))))
        return made[-1]

    yield start
    for one in made:
        one.person.close()  # servers end with their hub


class _Play:
    """A proof's files with this run's values, and what is started with them."""

    def __init__(
        self, proof: Proof, folder: Path, values: dict[str, str], hub_of: Callable[[str], Hub], kernels: Callable[[str], Kernel]
    ) -> None:
        self.proof, self.folder, self.values, self.hub_of, self.kernels = proof, folder, values, hub_of, kernels
        self.base = proof.base
        for one in proof.folder.iterdir():
            if one.name != "proof.toml":
                (folder / one.name).write_text(named(one.read_text(), values))
        self.conf = folder / "hub.conf"
        self.conf.write_text((folder / "broken.conf").read_text())

    def check(self, *options: str, fixed: bool = False) -> list[dict[str, Any]]:
        """Run `perijove check`; return the errors and warnings that it tells."""
        hub = self.folder / "jupyterhub_config.py"
        given = [
            *self.proof.options,
            "--modules",
            ",".join(self.proof.modules(fixed=fixed)),
            *(["--hub", str(hub)] if hub.exists() else []),
        ]
        done = CliRunner().invoke(command, [str(self.conf), "--json", *given, *options])
        assert done.exit_code in (0, 1), done.output
        return [one for one in json.loads(done.stdout)["diagnostics"] if one["severity"] != "advice"]

    @property
    def hub(self) -> Hub:
        return self.hub_of(self.base)

    def restart_hub(self) -> None:
        """Let the hub have another base: it is another one that runs, whose port is taken for that of the first."""
        before, self.base = self.hub.port, self.proof.restarted
        self.conf.write_text(self.conf.read_text().replace(f":{before}/", f":{self.hub.port}/"))

    def probe(self, kind: str) -> None:
        """Have Apache serve it, and compare what every probe shows with what is written down: `before` or `after`."""
        values = {"PORT": self.values["PORT"]}
        conf = write(self.folder / kind, self.conf, values, self.proof.modules(fixed=kind == "after"), _UNPOOLED)
        why = refused(conf)
        front = None if why else Front("apache", conf, int(values["PORT"]))
        try:
            wrong = [line for one in self.proof.probes for line in self._differences(one, kind, front, why)]
        finally:
            if front is not None:
                front.stop()
        assert not wrong, "\n".join([kind, *wrong])

    def _differences(self, probe: Probe, kind: str, front: Front | None, why: str) -> list[str]:
        expected: dict[str, Any] = named(getattr(probe, kind), self.values)
        if not expected:
            return []
        if probe.start or front is None:
            return differences(expected, {"starts": front is not None, "refused": why}, {})
        kernel = self.kernels(self.base) if probe.kernel or probe.save else None
        ready = with_names(probe, partial(named, values=self.values))
        sizes = len(front.logged()), len(self.hub.process.log.read_text(errors="replace"))
        logs = {
            "apache_log": lambda: front.logged()[sizes[0] :],
            "hub_log": lambda: self.hub.process.log.read_text(errors="replace")[sizes[1] :],
        }
        return differences(expected, seen(ready, Way(int(self.values["PORT"]), kernel, PASSWORD, self.hub.base)), logs)


@pytest.mark.parametrize("name", _PROOFS)
def test_proof(
    name: str,
    hub_of: Callable[[str], Hub],
    kernels: Callable[[str], Kernel],
    app: dict[str, str],
    signing_on: dict[str, str],
    certificates: Path,
    tmp_path: Path,
) -> None:
    proof = _PROOFS[name]
    hub = hub_of(proof.base)
    values = {
        "PORT": str(free_port()),
        "DEAD": str(free_port()),
        "HUB": str(hub.port),
        "BASE": hub.base,
        "USER": "alice-proofs",
        **app,
        **signing_on,
    }
    values |= {"CERT": str(certificates / "pair.pem"), "CA": str(certificates / "ca.pem")}
    play = _Play(proof, tmp_path, values, hub_of, kernels)

    found = play.check()
    lines = play.conf.read_text().splitlines()
    at = 1 + next(number for number, line in enumerate(lines) if named(proof.at, values) in line)
    assert {one["name"] for one in found} == {proof.check, *proof.also}
    assert next(one["line"] for one in found if one["name"] == proof.check) == at
    play.probe("before")

    if (tmp_path / "fixed.conf").exists():
        play.conf.write_text((tmp_path / "fixed.conf").read_text())
    elif not proof.enable:
        play.check("--fix", *(["--unsafe-fixes"] if proof.unsafe else []))
        assert play.conf.read_text() != (tmp_path / "broken.conf").read_text(), "there is no fix that can be typed"
    left = play.check(fixed=True)
    assert [one for one in left if one["severity"] == "error"] == []
    assert {one["name"] for one in left} == set(proof.left)
    if proof.restarted:
        play.restart_hub()
    play.probe("after")
