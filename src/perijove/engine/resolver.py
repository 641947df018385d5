"""Names of upstreams, looked up in a thread of their own and again from time to time.

Knows getaddrinfo and a wake-up. Must not touch an upstream outside the loop's thread.
"""

from __future__ import annotations

import queue
import socket
import threading
from typing import TYPE_CHECKING, Final

from perijove.engine.reactor import Endpoint, Reactor, Wakeup

if TYPE_CHECKING:
    from perijove.engine.upstream import Address, Upstream

_AGAIN: Final = 30.0  # seconds; getaddrinfo does not tell how long an answer holds
_AFTER_FAILURE: Final = 2.0


def look_up(host: str, port: int) -> list[Address]:
    """Return the addresses of a name in the system's order; empty if there are none. Blocks."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the latter of what cannot be a name, as with an empty label
        return []
    return [(family, address) for family, _, _, _, address in found]


class Resolver(Endpoint):
    """Keeps the addresses of upstreams."""

    __slots__ = ("_answers", "_questions", "_upstreams", "_wakeup")

    def __init__(self, reactor: Reactor) -> None:
        super().__init__(reactor)
        self._questions: queue.SimpleQueue[Upstream | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Upstream, list[Address]]] = queue.SimpleQueue()
        self._upstreams: list[Upstream] = []
        self._wakeup = Wakeup(reactor, self._answered)
        threading.Thread(target=self._look_up, name="resolver", daemon=True).start()

    def watch(self, upstreams: list[Upstream]) -> None:
        """Look these up now and from time to time, and no others."""
        self._upstreams = [upstream for upstream in upstreams if upstream.host]
        self._ask()

    def add(self, upstream: Upstream) -> None:
        """Look this one up now, and from time to time as well."""
        self._upstreams.append(upstream)
        self._questions.put(upstream)

    def remove(self, upstream: Upstream) -> None:
        """Look it up no more."""
        if upstream in self._upstreams:
            self._upstreams.remove(upstream)

    def _ask(self) -> None:
        for upstream in self._upstreams:
            self._questions.put(upstream)
        if self._upstreams:
            self.until(_AGAIN)

    def _look_up(self) -> None:
        while True:
            upstream = self._questions.get()
            if upstream is None:
                return
            self._answers.put((upstream, look_up(upstream.host, upstream.port)))
            self._wakeup.wake()

    def _answered(self, data: bytes) -> None:
        while not self._answers.empty():
            upstream, addresses = self._answers.get()
            upstream.resolved(addresses)
            if not addresses:
                self.until(_AFTER_FAILURE)

    def on_event(self, mask: int) -> None:
        """It has no descriptor of its own."""

    def on_timeout(self) -> None:
        """Look all names up again."""
        self._ask()

    def close(self) -> None:
        """End the thread."""
        self._questions.put(None)
        self._wakeup.close()
        super().close()
