"""Workers that are not root. Only root can become somebody else: as another user these are skipped."""

from __future__ import annotations

import os
import pwd
import signal
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.server.parts import Client, Front, Origin, ask, eventually
from tests.server.test_lifecycle import perijove

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@root
def test_workers_run_as_somebody_else(
    fronts: Callable[..., Front], origin: Origin, tmp_path: Path, certificate: dict[str, Path], client_tls: ssl.SSLContext
) -> None:
    """They read no key and open no log: both are in folders that are root's. All goes on after a reload."""
    closed = tmp_path / "root's"
    closed.mkdir(mode=0o700)
    (closed / "pair.pem").write_bytes(certificate["pair"].read_bytes())
    text = (
        f'listen = "127.0.0.1:{{port}}"\nto = "http://localhost:{origin.port}"\nuser = "nobody"\nworkers = 2\n'
        f'access-log = "{closed}/log"\n[tls]\ncert = "{closed}/pair.pem"\nkey = "{closed}/pair.pem"\n'
    )
    front = fronts(text)
    nobody = pwd.getpwnam("nobody")
    for pid in front.workers:
        status = Path(f"/proc/{pid}/status").read_text()
        assert f"Uid:\t{nobody.pw_uid}\t{nobody.pw_uid}\t{nobody.pw_uid}\t" in status
        assert f"Gid:\t{nobody.pw_gid}\t{nobody.pw_gid}\t{nobody.pw_gid}\t" in status
        groups = next(line for line in status.splitlines() if line.startswith("Groups:"))
        assert set(groups.split()[1:]) <= {str(nobody.pw_gid)}
        assert "CapEff:\t0000000000000000" in status
    assert ask(front.port, tls=client_tls).status == 200
    front.signal(signal.SIGHUP)
    assert eventually(lambda: "perijove: reloaded" in front.log())
    front.signal(signal.SIGUSR1)
    assert eventually(lambda: "opened anew" in front.log())
    os.kill(front.workers[0], signal.SIGKILL)
    assert eventually(lambda: len(front.workers) == 2)
    for _ in range(8):
        assert ask(front.port, tls=client_tls).status == 200
    origin.stop()
    with Client(front.port, tls=client_tls) as client:  # pages, and what is imported for them
        assert client.ask("/").status == 503
        assert client.ask("/", fields=b"Accept: application/json\r\n").status == 503
    assert eventually(lambda: (closed / "log").read_text().count("\n") == 11)


@pytest.mark.parametrize(("user", "why"), [("nobody-has-this", "there is no user"), ("root:nor-this", "there is no group")])
def test_nobody_there(user: str, why: str) -> None:
    done = perijove("serve", "--to", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--user", user)
    assert done.returncode == 1
    assert why in done.stderr


@root
def test_only_root_can(tmp_path: Path) -> None:
    """Who is not root is told so, and may name itself."""
    import grp  # noqa: F401  before the folder of the standard library is closed to us

    from perijove.server.privileges import NoSuchUser, ids

    child = os.fork()
    if child == 0:
        nobody = pwd.getpwnam("nobody")
        os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
        os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
        try:
            ids("root")
        except NoSuchUser as error:
            ids("nobody")
            os._exit(0 if "only root can" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
