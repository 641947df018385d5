"""Files that a configuration names beside itself: certificates, keys, authorities.

They are read where there is the privilege to, and handed as octets to whoever uses them. Knows paths and how to see that a file
has changed. Must not know what is in one (`tls`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perijove.gateway.model import Gateway, Routing, TlsServer

Contents = Mapping[str, bytes]  # by path


class Unreadable(Exception):
    """A file cannot be read; the text says which and why."""


def _servers(gateway: Gateway) -> list[TlsServer]:
    found = [one.tls for one in gateway.listeners]
    if gateway.routing is not None:
        found.append(gateway.routing.api.tls)
    return [one for one in found if one is not None]


def pairs(gateway: Gateway) -> list[tuple[str, str]]:
    """Return the paths of certificates that are served and of their keys, each pair once, in order."""
    return list(dict.fromkeys((one.cert, one.key) for tls in _servers(gateway) for one in tls.certificates))


def named(gateway: Gateway) -> list[str]:
    """Return the paths of all files that are needed to serve."""
    found = pages(gateway.routing) if gateway.routing is not None else []
    return list(dict.fromkeys([*credentials(gateway), *found]))


def credentials(gateway: Gateway) -> list[str]:
    """Return the paths of certificates, keys, authorities and parameters, of both sides."""
    paths = [path for pair in pairs(gateway) for path in pair]
    servers = _servers(gateway)
    clients = [one.tls for one in gateway.upstreams.values()]
    if gateway.routing is not None:
        clients.append(gateway.routing.tls)
    paths += [path for one in servers for path in (one.client_ca, one.dh) if path is not None]
    paths += [path for one in clients if one is not None for path in (one.ca, one.cert, one.key) if path is not None]
    return list(dict.fromkeys(paths))


def watched(gateway: Gateway) -> list[str]:
    """Return the paths of what is needed to serve and may change meanwhile: the files, and the folder that more may come to."""
    folder = None if gateway.routing is None else gateway.routing.error_pages
    return named(gateway) if folder is None else [*named(gateway), folder]


def pages(routing: Routing) -> list[str]:
    """Return the paths of pages of errors."""
    folder = routing.error_pages
    if folder is None:
        return []
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.endswith(".html")]


def read(gateway: Gateway) -> Contents:
    """Return the contents of all files that are needed to serve.

    Raises:
        Unreadable: one cannot be had.
    """
    found: dict[str, bytes] = {}
    for path in named(gateway):
        try:
            with open(path, "rb") as file:
                found[path] = file.read()
        except OSError as error:
            raise Unreadable(f"`{path}` cannot be read: {error.strerror}") from None
    return found


def endless(paths: Iterable[str]) -> str | None:
    """Return the first that is a pipe or a device by now: who reads it again may wait for ever, or never come to its end."""
    for path in paths:
        try:
            mode = os.stat(path).st_mode
        except OSError:
            continue  # whoever opens it says what is wrong
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) and path != os.devnull:
            return path
    return None


class Watch:
    """Tells whether files have changed, by what stat(2) says of them: also of those that a symbolic link leads to."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = tuple(paths)
        self._seen = self._signatures()
        self._moving = False

    def look(self) -> None:
        """See them as they are: what changes from now on has changed. To be called before they are read."""
        self._seen = self._signatures()
        self._moving = False

    def again(self, paths: Iterable[str]) -> None:
        """Watch these from now on. Those that were watched before are as they were seen last."""
        known = dict(zip(self._paths, self._seen, strict=True))
        self._paths = tuple(paths)
        self._seen = tuple(known.get(path) or _signature(path) for path in self._paths)
        self._moving = False

    def _signatures(self) -> tuple[object, ...]:
        return tuple(_signature(path) for path in self._paths)

    def changed(self) -> bool:
        """Tell whether they have changed since the last answer, and have stood still since the question before."""
        now = self._signatures()
        if now != self._seen:
            self._seen = now
            self._moving = True
            return False
        moved = self._moving
        self._moving = False
        return moved


def _signature(path: str) -> object:
    try:
        found = os.stat(path)
    except OSError as error:
        return error.errno
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev
