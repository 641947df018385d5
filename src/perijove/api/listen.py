"""Has the API listen beside the workers of a supervisor.

Knows a supervisor and its gateway. Must not know what is asked or answered (`rest`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.api.rest import Api
from perijove.server.sockets import listen
from perijove.server.tls import server_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from perijove.gateway.model import TlsServer
    from perijove.server.files import Contents
    from perijove.server.loaded import Renewing
    from perijove.server.supervisor import Supervisor


class _Listening:
    """The API, and the certificate that it shows."""

    def __init__(self, api: Api, tls: TlsServer | None) -> None:
        self._api = api
        self._tls = tls

    def renew(self, contents: Contents) -> None:
        """Show what the files hold now."""
        self._api.secure(_context(self._tls, contents))

    def close(self) -> None:
        """Listen no more."""
        self._api.close()


def _context(tls: TlsServer | None, contents: Contents) -> ssl.SSLContext | None:
    return None if tls is None else server_context(tls, contents)


async def serve(of: Supervisor) -> Sequence[Renewing]:
    """Listen where the gateway says.

    Raises:
        CannotListen: that cannot be.
    """
    routing = of.gateway.routing
    assert routing is not None
    assert of.kept is not None
    api = routing.api
    made = Api(listen(api.address), of.kept, of.asked, api.token, _context(api.tls, of.served.files), routing.by_host)
    return [_Listening(made, api.tls)]
