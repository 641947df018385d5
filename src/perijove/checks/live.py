"""What Apache itself says on the machine where it runs: its version, its modules, the files that it reads, and whether it would start.

It is asked by the command that is there for that, which starts nothing and changes nothing. Knows these commands' words. Must not
know checks.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from perijove.checks.logs.reading import Log, read
from perijove.text.diagnostic import Diagnostic, Severity
from perijove.text.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perijove.text.source import Source

# Debian's reads /etc/apache2/envvars first: without it, apache2 knows none of its own variables.
_COMMANDS: Final = ("apache2ctl", "apachectl", "httpd", "apache2")
_FOLDERS: Final = ("/usr/local/sbin", "/usr/sbin", "/usr/local/apache2/bin", "/opt/homebrew/bin")  # often not in PATH
_SECONDS: Final = 20.0

_version: Final = re.compile(r"Server version: \S*?/(\d+(?:\.\d+)+)").search
_root: Final = re.compile(r'-D HTTPD_ROOT="([^"]*)"').search
_file: Final = re.compile(r'-D SERVER_CONFIG_FILE="([^"]*)"').search
_module: Final = re.compile(r"^ (\w+)_module \((?:static|shared)\)", re.MULTILINE).findall
_include: Final = re.compile(r"^ *\((?:\*|\d+)\) (.+)$", re.MULTILINE).findall
_host: Final = re.compile(r"\((/.*):\d+\)$", re.MULTILINE).findall


@dataclass(frozen=True, slots=True)
class Live:
    """What was said. What could not be had is empty; `said` is what Apache has against its configuration."""

    command: str
    version: tuple[int, ...]
    modules: frozenset[str]
    main: str  # the file that it begins with
    files: frozenset[str]  # that it reads, without links
    said: Log | None

    def unread(self, source: Source) -> Iterator[Diagnostic]:
        """Tell of a file that it does not read. If none is known, it may well be one."""
        if self.files and os.path.realpath(source.name) not in self.files:
            yield Diagnostic(
                name="file-not-read",
                severity=Severity.WARNING,
                message="the Apache on this machine does not read this file: what is in it has no effect",
                where=Span(source, 1),
                help="`a2ensite NAME` on Debian, or Include it in a file that is read: `apachectl -t -D DUMP_INCLUDES` lists them",
            )


def ask() -> Live | str:
    """Ask Apache, or say why that cannot be."""
    command = next((found for name in _COMMANDS if (found := _which(name))), None)
    if command is None:
        return f"there is no Apache here: none of {', '.join(_COMMANDS)} was found"
    about = _run(command, "-V")
    version = _version(about) or _version(_run(command, "-v"))
    if version is None:
        return f"`{command} -v` does not say which Apache it is: {_first(about)}"
    loaded = _run(command, "-M")
    hosts = _run(command, "-S")
    included = _run(command, "-t", "-D", "DUMP_INCLUDES")
    root, file = _root(about), _file(about)
    files = [*_include(included), *_host(hosts)]
    main = next(iter(_include(included)), "") or (str(Path(root[1], file[1])) if root and file else "")
    tested = _run(command, "-t").replace("Syntax OK\n", "")
    log = read(f"{Path(command).name} -t", io.BytesIO(tested.encode("utf-8", "surrogateescape")))
    return Live(
        command,
        tuple(map(int, version[1].split("."))),
        frozenset(_module(loaded)),
        main,
        frozenset(os.path.realpath(one) for one in files),
        log if log.explained else None,
    )


def _which(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(_FOLDERS))


def _run(command: str, *arguments: str) -> str:
    """Return what a command says; why it says nothing, if it does not."""
    try:
        done = subprocess.run(
            [command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {_SECONDS:.0f} seconds"
    except OSError as error:
        return error.strerror or str(error)
    return (done.stdout + done.stderr).decode("utf-8", "surrogateescape")


def _first(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "nothing")
