"""The counters of all workers as Prometheus reads them.

Knows which number of `engine.slots` has which name. A new metric is a number there and a line here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from perijove import __version__
from perijove.engine import const, slots

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

_COUNTED: Final = (
    ("perijove_connections", "Client connections that were accepted.", slots.CONNECTIONS),
    ("perijove_tunnels", "WebSockets that were opened.", slots.TUNNELS),
    ("perijove_received_bytes", "Octets of content in requests.", slots.RECEIVED),
    ("perijove_sent_bytes", "Octets of content in responses.", slots.SENT),
    ("perijove_upstream_repeated", "Requests sent a second time, after a pooled connection had ended.", slots.REPEATED),
    ("perijove_upstream_reconnects", "Connections tried again since the upstream had just been there.", slots.RECONNECTED),
    ("perijove_log_dropped_lines", "Lines of the access log that could not be written.", slots.LOG_DROPPED),
)
_OPEN: Final = (
    ("perijove_open_connections", "Client connections.", slots.CONNECTIONS, slots.CONNECTIONS_ENDED),
    ("perijove_open_tunnels", "WebSockets.", slots.TUNNELS, slots.TUNNELS_ENDED),
)
_KINDS: Final = (
    ("refused", slots.UPSTREAM_ERRORS + const.REFUSED),
    ("connect timeout", slots.UPSTREAM_ERRORS + const.CONNECT_TIMEOUT),
    ("unknown name", slots.UPSTREAM_ERRORS + const.UNKNOWN_NAME),
    ("untrusted", slots.UPSTREAM_ERRORS + const.UNTRUSTED),
    ("lost", slots.UPSTREAM_ERRORS + const.LOST),
    ("response timeout", slots.RESPONSE_TIMEOUT),
    ("bad response", slots.BAD_RESPONSE),
)


@dataclass(frozen=True)
class Worker:
    """What is known of one worker slot."""

    row: Sequence[int]  # as engine.slots numbers them
    serves: bool
    restarts: int


class _Collector(Collector):
    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        """Return the families."""
        yield _info()
        yield from _each(self._workers)


def _info() -> GaugeMetricFamily:
    info = GaugeMetricFamily("perijove_info", "Always 1; the version is a label.", labels=["version"])
    info.add_metric([__version__], 1)
    return info


def _each(workers: Sequence[Worker]) -> Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
    numbered = [(str(number), worker) for number, worker in enumerate(workers)]
    up = GaugeMetricFamily("perijove_worker_up", "Whether the worker serves.", labels=["worker"])
    restarts = CounterMetricFamily("perijove_worker_restarts", "How often the worker was replaced.", labels=["worker"])
    exchanges = CounterMetricFamily("perijove_requests", "Requests by the class of the answer.", labels=["worker", "class"])
    errors = CounterMetricFamily("perijove_upstream_errors", "Upstreams that failed, by kind.", labels=["worker", "kind"])
    seconds = HistogramMetricFamily("perijove_request_seconds", "How long requests took, to the end.", labels=["worker"])
    for number, worker in numbered:
        row = worker.row
        up.add_metric([number], float(worker.serves))
        restarts.add_metric([number], worker.restarts)
        for digit in range(6):
            exchanges.add_metric([number, f"{digit}xx" if digit else "none"], row[slots.BY_CLASS + digit])
        for kind, at in _KINDS:
            errors.add_metric([number, kind], row[at])
        seconds.add_metric([number], *_histogram(row))
    yield from (up, restarts, exchanges, errors, seconds)
    for name, text, at in _COUNTED:
        counted = CounterMetricFamily(name, text, labels=["worker"])
        for number, worker in numbered:
            counted.add_metric([number], worker.row[at])
        yield counted
    for name, text, begun, ended in _OPEN:
        gauge = GaugeMetricFamily(name, text, labels=["worker"])
        for number, worker in numbered:
            gauge.add_metric([number], worker.row[begun] - worker.row[ended])
        yield gauge


def _histogram(row: Sequence[int]) -> tuple[list[tuple[str, float]], float]:
    """Return the buckets, each with all below it, and the sum in seconds."""
    total = 0
    buckets: list[tuple[str, float]] = []
    for at, bound in enumerate((*map(str, slots.BOUNDS), "+Inf")):
        total += row[slots.BUCKETS + at]
        buckets.append((bound, total))
    return buckets, row[slots.SECONDS] / 1e6


def render(workers: Sequence[Worker]) -> bytes:
    """Return the page that Prometheus scrapes."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(workers))
    return generate_latest(registry)
