"""Tells of requests that fail: whom configurable-http-proxy's log tells of, too.

Knows exchanges that have failed, and how many lines are enough. Must not know how a line is written (`said`). A worker tells of
its own by itself: nobody waits for it, and nothing goes through the supervisor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.engine.const import DENIED, REFUSED, RESPONSE_TIMEOUT
from perijove.engine.mask import masked
from perijove.engine.reactor import Endpoint, Reactor
from perijove.engine.record import WORDS
from perijove.engine.upstream import Upstream
from perijove.server.said import ERROR, WARNING

if TYPE_CHECKING:
    from perijove.engine.exchange import Exchange
    from perijove.server.said import Voice

_FEW: Final = 20  # lines of one kind in a window; how many more there were is told when it ends
_WINDOW: Final = 10.0  # seconds
_LONGEST: Final = 512  # octets of a path


class Failures(Endpoint):
    """A line for each request that failed; where there are many, how many."""

    __slots__ = ("_counts", "_voice", "_whose")

    def __init__(self, reactor: Reactor, voice: Voice) -> None:
        super().__init__(reactor)
        self._voice = voice
        self._counts: dict[tuple[int, str], int] = {}  # by status and why, in this window
        self._whose: dict[tuple[int, str], set[str]] = {}  # whom those wanted that were not told

    def on_event(self, mask: int) -> None:
        """It has no descriptor."""

    def failed(self, exchange: Exchange, status: int) -> None:
        """Tell of an exchange that ends badly, as far as that is not its client's own doing.

        Args:
            exchange: it has `ended`, and its plan is that of its route.
            status: that the client is told, or has been told before the answer was cut.
        """
        ended = exchange.ended
        if REFUSED <= ended <= RESPONSE_TIMEOUT:
            level = ERROR
        elif ended == DENIED and exchange.method and (status == 404 or status >= 500):
            level = WARNING if status == 404 else ERROR
        else:
            return
        whom = _whom(exchange)
        why = WORDS[ended] if ended != DENIED else "no route" if status == 404 else "refused"
        kind = (status, why)
        if not self._counts:
            self.until(_WINDOW)
        count = self._counts[kind] = self._counts.get(kind, 0) + 1
        if count <= _FEW:
            what = f"{_shown(exchange.method)} {_shown(masked(exchange.target).split(b'?', 1)[0])}"
            cut = " (the answer had begun)" if exchange.response_started else ""
            self._voice.say(level, f"{status} {what} {why}{f' {whom}' if whom else ''}{cut}")
        elif len(whose := self._whose.setdefault(kind, set())) < _FEW:
            whose.add(whom)

    def on_timeout(self) -> None:
        """Tell how many there were that were not told of, and begin anew."""
        for (status, why), count in self._counts.items():
            if count > _FEW:
                whose = sorted(self._whose[status, why] - {""})
                more = f": {', '.join(whose[:3])}{', …' if len(whose) > 3 else ''}" if whose else ""
                self._voice.say(
                    WARNING if status == 404 else ERROR,
                    f"{status} {why}: {count - _FEW} more requests in {_WINDOW:.0f} s{more}",
                )
        self._counts.clear()
        self._whose.clear()


def _whom(exchange: Exchange) -> str:
    plan = exchange.plan
    upstream = None if plan is None else plan.upstream
    return upstream.name if isinstance(upstream, Upstream) else ""


def _shown(octets: bytes) -> str:
    """Return what a client chose as it may stand on a terminal."""
    text = octets[:_LONGEST].decode("ascii", "backslashreplace")
    return "".join(one if " " < one < "\x7f" else f"\\x{ord(one):02x}" for one in text) + "…" * (len(octets) > _LONGEST)
