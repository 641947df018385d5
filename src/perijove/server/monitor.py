"""What a supervisor shows of itself, and what may be asked of it: the metrics listener and the control socket.

Knows the supervisor and `observe`. Nothing of it is on the data path: what workers count is read in their shared memory.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import perijove
from perijove import engine
from perijove.gateway import model
from perijove.observe import http, metrics, status
from perijove.observe.seen import Certificate, Listener, Reload, Seen, Upstream, Worker
from perijove.server import console
from perijove.server.replicated import Replicated
from perijove.server.report import say, urls
from perijove.server.sockets import listen

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from perijove.server.supervisor import Supervisor

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"


def seen(of: Supervisor) -> Seen:
    """Return what can be seen of a supervisor now."""
    gateway, numbers, last = of.gateway, of.workers.numbers, of.last_reload
    return Seen(
        version=perijove.__version__,
        engine=engine.KIND,
        pid=os.getpid(),
        now=time.monotonic(),
        begun=of.begun,
        file=", ".join(of.loaded.files) or "options",
        loaded_at=of.loaded_at,
        reloads=of.reloads,
        reloads_failed=of.reloads_failed,
        last_reload=None if last is None else Reload(last.at, last.reloaded, "\n".join(last.why)),
        workers=[
            Worker(
                slot.shared.counters(),
                slot.well(),
                slot.restarts,
                None if slot.process is None else slot.process.pid,
                slot.shared.age(),
            )
            for slot in of.slots
        ],
        listeners=[
            Listener(url, one.redirect_to is not None)
            for one, url in zip(gateway.listeners, urls(gateway, of.slots[0].sockets), strict=False)
        ],
        routes=numbers.routes,
        upstreams={
            name: Upstream(at, _address(gateway.upstreams[name]))
            for name, at in numbers.upstreams.items()
            if name in gateway.upstreams
        },
        certificates=[Certificate(path, one.names, one.not_after) for path, one in of.expiry.certificates.items()],
        errors=list(of.errors),
        redis=of.kept.connected if isinstance(of.kept, Replicated) else None,
        asked=None if of.kept is None else of.asked,
    )


def _address(upstream: model.Upstream) -> str:
    address = str(upstream.address)
    return address if isinstance(upstream.address, model.UnixAddress) else f"{upstream.scheme}://{address}"


async def show(of: Supervisor) -> list[asyncio.Server]:
    """Listen for monitoring, where the configuration says so.

    Raises:
        CannotListen: that cannot be.
    """
    address = of.gateway.metrics
    if address is None:
        return []

    def health(needed: Callable[[list[bool]], bool]) -> http.Page:
        well = [slot.well() for slot in of.slots]
        shown = f"{sum(well)} of {len(well)} workers serve\n".encode()
        return 200 if needed(well) and not of.ending.is_set() else 503, _TEXT, shown

    async def counted() -> http.Page:
        return 200, metrics.CONTENT_TYPE, metrics.render(seen(of))

    async def lives() -> http.Page:
        return health(any)

    async def ready() -> http.Page:
        return health(all)

    servers = await http.start(listen(address), {"GET /metrics": counted, "GET /healthz": lives, "GET /readyz": ready})
    shown = address if isinstance(address, model.UnixAddress) or address.host else f"*{address}"
    say(f"metrics on http://{shown}/metrics" if isinstance(address, model.TcpAddress) else f"metrics on {shown}")
    return servers


async def obey(of: Supervisor) -> tuple[list[asyncio.Server], str | None]:
    """Listen on the control socket; return its path. A socket that cannot be made is told of, and is no reason not to serve."""

    async def state() -> http.Page:
        return 200, _JSON, json.dumps(status.describe(seen(of))).encode()

    async def reload() -> http.Page:
        outcome = await of.reload()
        told = {
            "reloaded": outcome.reloaded,
            "why": outcome.why,
            "diagnostics": [one.as_json() for one in outcome.diagnostics],
        }
        return 200 if outcome.reloaded else 409, _JSON, json.dumps(told).encode()

    async def reopen() -> http.Page:
        why = await of.reopen()
        return 200 if why is None else 409, _JSON, json.dumps({"reopened": why is None, "why": why}).encode()

    try:
        sock, path = console.listen(of.gateway.control)
    except OSError as error:
        why = error.strerror or error
        say(f"warning: no control socket ({why}): `perijove status` and `perijove reload` will not find this one")
        return [], None
    pages = {"GET /status": state, "POST /reload": reload, "POST /reopen": reopen}
    return await http.start([sock], pages), path
