"""The control socket: where it is, and asking over it.

It is a Unix socket that only its owner and root may open, and speaks HTTP: `curl --unix-socket PATH http://perijove/status`
does what `perijove status` does. Knows paths and a client. Must not know what is answered.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import stat
from pathlib import Path
from typing import Any, Final

_SECONDS: Final = 60.0
_SUFFIX: Final = ".sock"


class NotFound(Exception):
    """Whom to ask is not to be found, or does not answer; the text says what to do."""


def _folder() -> Path:
    """Return where a perijove of this user puts its socket.

    systemd names a folder that is the unit's own (RuntimeDirectory=); else it is where the user's run-time files are.

    Raises:
        OSError: there is no such place.
    """
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    failed = OSError(0, "there is no place for it")
    for one in [Path(given)] if given else _folders():
        try:
            one.mkdir(mode=0o700, parents=True, exist_ok=True)
            if one.stat().st_uid == os.geteuid():
                return one
            failed = PermissionError(0, f"the folder `{one}` belongs to somebody else")
        except OSError as error:
            failed = error
    raise failed


def _folders() -> list[Path]:
    """Return where sockets may be."""
    found = [Path("/run/perijove")] if os.geteuid() == 0 else []
    run_time = os.environ.get("XDG_RUNTIME_DIR")
    if run_time:
        found.append(Path(run_time, "perijove"))
    found += [Path(f"/tmp/perijove-{os.geteuid()}"), Path("/run/perijove")]
    return list(dict.fromkeys(found))


def listen(path: str | None) -> tuple[socket.socket, str]:
    """Return a listening socket and its path; without a path it is made where commands look.

    Raises:
        OSError: it cannot be made.
    """
    if path is None:
        made = _folder()
        _sweep(made)
        path = str(made / f"{os.getpid()}{_SUFFIX}")
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(os.stat(path).st_mode) and not _alive(path):
            os.unlink(path)  # left behind by a process that was killed
    listening = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listening.bind(path)
        listening.listen(64)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening, path


def _sweep(where: Path) -> None:
    """Remove the sockets of those that were killed."""
    for one in where.glob(f"*{_SUFFIX}"):
        if not _alive(str(one)):
            with contextlib.suppress(OSError):
                one.unlink()


def _alive(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def find(pid: int | None) -> str:
    """Return the control socket of the perijove that runs, or of the one with this pid.

    Raises:
        NotFound: there is none, or more than one.
    """
    there = [one for where in _folders() for one in sorted(where.glob(f"*{_SUFFIX}")) if _alive(str(one))]
    if pid is not None:
        there = [one for one in there if one.stem == str(pid)]
    if len(there) == 1:
        return str(there[0])
    if not there:
        which = "no perijove of yours runs" if pid is None else f"no perijove with pid {pid} is yours"
        raise NotFound(f"{which} (looked in {', '.join(map(str, _folders()))}); name its socket: --control PATH")
    pids = ", ".join(one.stem for one in there)
    raise NotFound(f"more than one perijove runs, with pids {pids}: say which with --pid")


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("perijove", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the Unix socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(path: str, method: str, page: str) -> dict[str, Any]:
    """Ask a perijove something; return what it says.

    Raises:
        NotFound: nobody answers there.
    """
    connection = _Connection(path)
    try:
        connection.request(method, page)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotFound(f"nobody answers at `{path}`: {error}") from None
    finally:
        connection.close()
    return answer
