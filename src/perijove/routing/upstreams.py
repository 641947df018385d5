"""Upstreams as the engine has them, as far as no socket and no file is of need for that.

Knows both gateway and engine. Whoever serves adds addresses and TLS.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.engine.upstream import Upstream
from perijove.routing.compile import timeouts

if TYPE_CHECKING:
    from perijove.engine.plan import Timeouts
    from perijove.gateway import model

_is_authority: Final = re.compile(rb"(?:[0-9A-Za-z_][0-9A-Za-z._-]*|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z").match


def upstream(one: model.Upstream) -> Upstream:
    """Return an upstream of the configuration."""
    made = Upstream(one.name, timeouts(one.timeouts))
    made.authority = one.authority
    made.max_idle = one.max_idle
    made.idle_timeout = one.idle_timeout
    made.absolute = one.absolute
    return made


def visited(scheme: bytes, authority: bytes, times: Timeouts, barred: bool = False) -> Upstream | None:
    """Return an upstream that a request names, its host and port; None if that is nonsense, or a scheme that is not spoken.

    `barred`: nothing may be sent there.
    """
    if scheme not in (b"http", b"ws", b"connect") or not _is_authority(authority):
        return None
    host, colon, port = authority.decode("ascii").rpartition(":")
    if not colon or not port.isdigit():
        host, port = authority.decode("ascii"), "80"
    if not 0 < int(port) < 65536:
        return None
    made = Upstream(f"{scheme.decode()}://{authority.decode()}", times)
    made.authority = authority
    made.host, made.port = host.strip("[]"), int(port)
    made.barred = barred
    return made
