"""All workers, who are told the same and serve the same.

Knows slots, the control messages, and what a snapshot is made of. Must not know why anything changes, nor when a worker is
replaced (`supervisor`).
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from perijove.gateway import model
from perijove.routing.compile import labels
from perijove.server import files
from perijove.server.control import Drain, Numbered, Reopened, Routed, Snapshot
from perijove.server.shared import Numbers
from perijove.server.slot import HUNG, Gone, Slot
from perijove.server.tls import self_signed
from perijove.server.worker import CannotServe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Sequence

    from perijove.server.destinations import Change
    from perijove.server.routes import Routes

_APPLIES: Final = 10.0  # seconds in which a worker must have acknowledged a change
_STARTS: Final = 30.0  # … and the first snapshot of its life


@dataclass(frozen=True)
class Served:
    """What workers serve."""

    gateway: model.Gateway
    files: files.Contents = field(default_factory=dict)  # what is in those that it names
    log: int | None = None  # the descriptor of the access log


class Workers:
    """The workers in these slots."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self.slots = slots
        self.numbers = Numbers()
        self.routes: Routes | None = None  # those that come and go, if there are any
        self._number = 0  # of the snapshot or change that was sent last
        self._made: bytes | None = None  # a certificate, where the configuration names none

    async def start(self, served: Served) -> None:
        """Start all, and have them serve.

        Raises:
            CannotServe: one refuses.
            Gone: one is no more, and none of the others refuses.
        """
        for slot in self.slots:
            await slot.start()
        await self._apply(served, _STARTS)

    async def apply(self, served: Served) -> None:
        """Have all serve something else.

        Raises:
            CannotServe: one refuses.
            Gone: one is no more, and none of the others refuses.
        """
        await self._apply(served, _APPLIES)

    async def _apply(self, served: Served, seconds: float) -> None:
        listeners = served.gateway.listeners
        if self._made is None and any(one.tls is not None and not one.tls.certificates for one in listeners):
            self._made = self_signed(served.gateway)
        self._number += 1
        self.numbers = self.numbers.grown(labels(served.gateway), served.gateway.upstreams)
        await _all(self._snapshot(slot, served, seconds) for slot in self.slots)

    async def begin(self, slot: Slot, served: Served) -> str | None:
        """Start a worker in a slot, and have it serve what the others do; return why it refuses, or None.

        Raises:
            Gone: it is no more.
        """
        await slot.start()
        return await self._snapshot(slot, served, _STARTS)

    async def _snapshot(self, slot: Slot, served: Served, seconds: float) -> str | None:
        """Tell one worker all that it is to serve; return why it refuses, or None.

        Raises:
            Gone: it is no more.
        """
        new = [address for address in slot.sockets if address not in slot.has]
        passed = [one.fileno() for address in new for one in slot.sockets[address]]
        counted = tuple((address, len(slot.sockets[address])) for address in new)
        log = served.log
        if log is not None:
            passed.append(log)
        routes = None if self.routes is None or slot.routed else self.routes.all()
        shown = _without_secrets(served.gateway)
        contents = {path: served.files[path] for path in files.named(shown) if path in served.files}
        message = Snapshot(self._number, shown, counted, contents, self._made, log is not None, self.numbers, routes)
        why = await slot.ask(message, passed, seconds)
        if why is None:
            slot.has = {one.address for one in served.gateway.listeners}
            slot.serves = slot.routed = True
        return why

    async def reopen(self, log: int) -> None:
        """Have all write another access log.

        Raises:
            CannotServe: one refuses.
        """
        self._number += 1
        await self._change(Reopened(self._number), [log])

    async def route(self, changes: tuple[Change, ...]) -> None:
        """Have all change their routes.

        Raises:
            CannotServe: one refuses.
        """
        self._number += 1
        await self._change(Routed(self._number, changes), [])

    async def _change(self, message: Numbered, descriptors: list[int]) -> None:
        """Tell all of a change. One that is gone learns of it from its next snapshot."""
        with contextlib.suppress(Gone):
            await _all(slot.ask(message, descriptors, _APPLIES) for slot in self.slots)

    async def finish(self, grace: float, hurry: asyncio.Task[int] | None = None) -> None:
        """Have all finish what is running within `grace` seconds, or at once when `hurry` is done, and end."""
        running = [slot for slot in self.slots if slot.process is not None]
        await _drain(running, grace)
        waiting = {asyncio.ensure_future(slot.process.wait()) for slot in running if slot.process is not None}
        if not waiting:
            return
        if hurry is not None:
            every = asyncio.ensure_future(asyncio.wait(waiting, timeout=grace + HUNG))
            await asyncio.wait({every, hurry}, return_when=asyncio.FIRST_COMPLETED)
            if hurry.done():
                await _drain(running, 0.0)
        _, left = await asyncio.wait(waiting, timeout=2.0)
        for slot in running if left else []:
            slot.kill()
        await asyncio.wait(waiting)


async def _drain(slots: list[Slot], grace: float) -> None:
    for slot in slots:
        with contextlib.suppress(OSError):
            await slot.tell(Drain(grace), [])


async def _all(asked: Iterable[Awaitable[str | None]]) -> None:
    """Wait for all answers.

    Raises:
        CannotServe: one refuses.
        Gone: one is no more, and none of the others refuses.
    """
    told = await asyncio.gather(*asked, return_exceptions=True)
    for one in told:
        if isinstance(one, str):
            raise CannotServe(one)
    for one in told:
        if isinstance(one, BaseException):
            raise one


def _without_secrets(gateway: model.Gateway) -> model.Gateway:
    """Return a gateway as workers may know it: who speaks to the world need not know what the API and Redis ask for."""
    routing = gateway.routing
    if routing is None:
        return gateway
    return replace(gateway, routing=replace(routing, api=replace(routing.api, token="", tls=None), kept=None))
