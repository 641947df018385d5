"""The Autobahn TestSuite: `make autobahn`. Each of its cases is played directly and through perijove, plain and over TLS.

What is different through perijove is told, and played again, since some cases are a matter of who is faster; exit status 1 if
it is still different. The suite is `wstest`, for Python 2.7: it is installed into `.cache/autobahn` for the interpreter that
`--python` names, or that is found on PATH or with pyenv. Its own echo server is the upstream.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import trustme
from tests.server.parts import WAIT, Front, eventually

from perijove.demo.processes import free_port

_SUITE: Final = "autobahntestsuite==25.10.1"
_CACHE: Final = Path(".cache/autobahn")
# Long ones: large messages, and compression (9: performance, 12 and 13: permessage-deflate).
_LONG: Final = ["9.*", "12.*", "13.*"]
_AGAIN: Final = 2  # times that a case that differs is played again
DIRECT, PLAIN, SECURE = "direct", "perijove", "perijove over TLS"

Results = dict[str, dict[str, tuple[str, str]]]  # by who is spoken to and the case: what was seen, and how it ended


def interpreter(named: str | None) -> str:
    """Return a Python 2.7 that runs."""
    candidates = [named] if named else ["python2.7", "python2", "pypy2.7"]
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    if not named and root.is_dir():
        candidates += [str(path) for path in sorted(root.glob("2.7*/bin/python2.7"))]
    for one in candidates:
        path = shutil.which(one)
        if path is None:
            continue
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if said.returncode == 0 and " 2.7." in said.stdout + said.stderr:
            return path
    raise SystemExit(
        "error: the Autobahn TestSuite runs on Python 2.7 only, and there is none here.\n"
        "Type:  pyenv install 2.7.18      or name one:  make autobahn PYTHON27=/path/to/python2.7"
    )


def wstest(python: str) -> list[str]:
    """Return the command that runs the suite; install it first."""
    command = [python, str((_CACHE / "bin" / "wstest").resolve())]
    if not (_CACHE / "bin" / "wstest").exists():
        print(f"Installing {_SUITE} for {python} …", flush=True)
        install = [python, "-m", "pip", "-q", "install", "--user", _SUITE]
        done = subprocess.run(install, env=_environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
    return command


def _environment() -> dict[str, str]:
    # A user's site of its own (PEP 370): namespace packages are found there, as they are not on PYTHONPATH.
    own = {"PYTHONUSERBASE": str(_CACHE.resolve()), "PYTHONWARNINGS": "ignore"}
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | own


@contextlib.contextmanager
def echoing(command: list[str], folder: Path) -> Iterator[int]:
    """Run the suite's echo server; yield its port."""
    port = free_port()
    with (folder / "echo.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "-m", "echoserver", "-w", f"ws://127.0.0.1:{port}"],
            env=_environment(),
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            if not eventually(lambda: _listens(port), WAIT):
                raise SystemExit((folder / "echo.log").read_text())
            yield port
        finally:
            server.terminate()
            server.wait(WAIT)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def played(command: list[str], folder: Path, servers: dict[str, str], cases: list[str], left_out: list[str]) -> Results:
    """Play cases on servers; return what came of them."""
    spec = {
        "outdir": str(folder / "reports"),
        "servers": [{"agent": name, "url": url} for name, url in servers.items()],
        "cases": cases,
        "exclude-cases": left_out,
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    shutil.rmtree(folder / "reports", ignore_errors=True)
    with (folder / "wstest.log").open("wb") as log:
        subprocess.run(
            [*command, "-m", "fuzzingclient", "-s", str(folder / "spec.json")],
            env=_environment(), cwd=folder, stdout=log, stderr=log, check=True,
        )  # fmt: skip
    index: dict[str, dict[str, dict[str, Any]]] = json.loads((folder / "reports" / "index.json").read_text())
    return {
        agent: {case: (one["behavior"], one["behaviorClose"]) for case, one in cases.items()} for agent, cases in index.items()
    }


def differing(results: Results) -> dict[str, list[str]]:
    """Return, by who was spoken to, the cases that came out otherwise than directly."""
    direct = results[DIRECT]
    return {
        agent: [case for case, one in sorted(cases.items()) if direct.get(case) != one]
        for agent, cases in results.items()
        if agent != DIRECT
    }


def main(arguments: list[str] | None = None) -> int:
    """Run; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", help="a Python 2.7")
    parser.add_argument("--cases", default="*", help="cases, as `1.*`")
    parser.add_argument("--full", action="store_true", help="those that take minutes, too: large messages, compression")
    options = parser.parse_args(arguments)
    command = wstest(interpreter(options.python))
    with tempfile.TemporaryDirectory(prefix="perijove-autobahn-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        echo = stack.enter_context(echoing(command, folder))
        authority = trustme.CA()
        authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "pair.pem"))
        # The suite's server wants to be called by its own port.
        route = f'[[route]]\npath = "/"\nto = "http://127.0.0.1:{echo}"\npreserve-host = false\n'
        text = f'listen = "127.0.0.1:{{port}}"\n{route}'
        plain = Front(folder, text)
        stack.callback(plain.stop)
        secure = Front(folder, text + f'[tls]\ncert = "{folder}/pair.pem"\nkey = "{folder}/pair.pem"\n')
        stack.callback(secure.stop)
        servers = {
            DIRECT: f"ws://127.0.0.1:{echo}",
            PLAIN: f"ws://127.0.0.1:{plain.port}",
            SECURE: f"wss://127.0.0.1:{secure.port}",
        }
        results = played(command, folder, servers, [options.cases], [] if options.full else _LONG)
        for agent, cases in results.items():
            counts = Counter(behavior for behavior, _ in cases.values())
            print(f"{agent}: {len(cases)} cases: " + ", ".join(f"{times} {what}" for what, times in counts.most_common()))
        left = sorted({case for cases in differing(results).values() for case in cases})
        for _ in range(_AGAIN):
            if not left:
                break
            print(f"other than direct, played again: {' '.join(left)}", flush=True)
            more = played(command, folder, servers, left, [])
            for agent, cases in more.items():
                results[agent].update(cases)
            left = sorted({case for cases in differing(more).values() for case in cases})
        for case in left:
            print(f"{case}: " + "; ".join(f"{agent}: {' '.join(results[agent][case])}" for agent in results))
        for front in (plain, secure):
            assert "Traceback" not in front.log(), front.log()
        print(f"{len(left)} cases are other through perijove than without it")
        return int(bool(left))


if __name__ == "__main__":
    sys.exit(main())
