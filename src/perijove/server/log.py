"""The access log: opening where it goes, which may need privileges, and writing there, which needs none.

Knows the gateway's words for a log, files and sockets. Must not know what a line says (`engine.record`), or who is handed what
was opened.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from perijove.engine.record import Combined, Json
from perijove.engine.sink import over
from perijove.engine.syslog import Syslog
from perijove.gateway import model
from perijove.server.stderr import opened

if TYPE_CHECKING:
    from perijove.engine.record import Record
    from perijove.engine.sink import Sink


class CannotLog(Exception):
    """The access log cannot be opened; the text says which and why."""


def open_target(to: model.LogFile | model.Stderr | model.Syslog) -> int:
    """Return a descriptor of an access log.

    Raises:
        CannotLog: there is none.
    """
    try:
        if isinstance(to, model.Stderr):
            return opened()
        if isinstance(to, model.LogFile):
            # A pipe that somebody made there, and nobody reads, shall be an error: not something to wait for.
            return os.open(to.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK, 0o640)
        return _connected(to.address).detach()
    except OSError as error:
        if isinstance(to, model.Syslog):
            raise CannotLog(f"access-log: no syslog at {to.address}: {error.strerror or error}") from None
        name = to.path if isinstance(to, model.LogFile) else "-"
        raise CannotLog(f"access-log `{name}` cannot be written: {error.strerror}") from None


def _connected(address: model.Address) -> socket.socket:
    if isinstance(address, model.UnixAddress):
        family, where = socket.AF_UNIX, address.path
    else:
        family, _, _, _, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)[0]  # type: ignore[assignment]
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect(where)
    except OSError:
        sock.close()
        raise
    return sock


def record(gateway: model.Gateway, descriptor: int, dropped: int) -> Record:
    """Return what writes a gateway's access log.

    Args:
        gateway: it has an access log.
        descriptor: as `open_target` returned it.
        dropped: lines that were lost before.
    """
    to = gateway.access_log
    if isinstance(to, model.Syslog):
        path = to.address.path if isinstance(to.address, model.UnixAddress) else ""
        sink: Sink = Syslog(socket.socket(fileno=descriptor), to.facility, path)
    else:
        sink = over(descriptor)
    return Json(sink, dropped) if gateway.access_log_format is model.LogFormat.JSON else Combined(sink, dropped)
