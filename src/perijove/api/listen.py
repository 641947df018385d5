"""Has the API listen beside the workers of a supervisor.

Knows a supervisor and its gateway. Must not know what is asked or answered (`rest`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.api.rest import Api
from perijove.server.files import read
from perijove.server.sockets import listen
from perijove.server.tls import server_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.server.supervisor import Closing, Supervisor


async def serve(of: Supervisor) -> Sequence[Closing]:
    """Listen where the gateway says.

    Raises:
        CannotListen: that cannot be.
    """
    routing = of.gateway.routing
    assert routing is not None
    assert of.kept is not None
    tls = None if routing.api.tls is None else server_context(routing.api.tls, read(of.gateway))
    return [Api(listen(routing.api.address), of.kept, routing.api.token, tls, routing.by_host)]
