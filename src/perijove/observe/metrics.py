"""What is seen as Prometheus reads it.

Knows which number of `engine.slots` has which name. A new metric is a number there and a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from perijove.engine import const, slots
from perijove.observe import proxy_metrics
from perijove.observe.seen import NAMELESS_ROUTE, Row, Seen, Worker

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily

# Of each worker: name, text, number.
_COUNTED: Final = (
    ("perijove_connections", "Client connections that were accepted.", slots.CONNECTIONS),
    ("perijove_tunnels", "WebSockets that were opened.", slots.TUNNELS),
    ("perijove_log_dropped_lines", "Lines of the access log that could not be written.", slots.LOG_DROPPED),
)
_OPEN: Final = (
    ("perijove_open_connections", "Client connections.", slots.CONNECTIONS, slots.CONNECTIONS_ENDED),
    ("perijove_open_tunnels", "WebSockets.", slots.TUNNELS, slots.TUNNELS_ENDED),
)
_LIMITS: Final = (
    ("connections", slots.LIMITED_CONNECTIONS),
    ("connections-per-client", slots.LIMITED_ADDRESS),
    ("requests-per-client", slots.LIMITED_RATE),
    ("tunnels-per-user", slots.LIMITED_TUNNELS),
    ("body", slots.LIMITED_BODY),
)
# Of each worker and route.
_ROUTED: Final = (
    (
        "perijove_received_bytes",
        "Octets of content in requests, and from clients of WebSockets when those end.",
        slots.RECEIVED,
    ),
    ("perijove_sent_bytes", "Octets of content in responses, and to clients of WebSockets when those end.", slots.SENT),
)
# Of each worker and upstream.
_UPSTREAM: Final = (
    ("perijove_upstream_answers", "Requests that the upstream answered.", slots.ANSWERS),
    ("perijove_upstream_connections", "Connections to it that were opened.", slots.OPENED),
    ("perijove_upstream_reused", "Requests that went out on a pooled connection.", slots.REUSED),
    ("perijove_upstream_repeated", "Requests sent once more, after a connection had ended without an answer.", slots.REPEATED),
    ("perijove_upstream_reconnects", "Connections tried again since it had just been there.", slots.RECONNECTED),
)
KINDS: Final = {
    const.REFUSED: "refused",
    const.CONNECT_TIMEOUT: "connect timeout",
    const.UNKNOWN_NAME: "unknown name",
    const.UNTRUSTED: "untrusted",
    const.LOST: "lost",
    const.BAD_RESPONSE: "bad response",
    const.RESPONSE_TIMEOUT: "response timeout",
}


class _Collector(Collector):
    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def collect(self) -> Iterable[Family]:
        """Return the families."""
        yield from _whole(self._seen)
        yield from _workers(self._seen)
        yield from _routes(self._seen)
        yield from _upstreams(self._seen)


def _whole(seen: Seen) -> Iterator[Family]:
    info = GaugeMetricFamily("perijove_info", "Always 1; what runs is in the labels.", labels=["version", "engine"])
    info.add_metric([seen.version, seen.engine], 1)
    yield info
    loaded = GaugeMetricFamily("perijove_configuration_loaded_seconds", "When what is served was read; seconds since 1970.")
    loaded.add_metric([], seen.loaded_at)
    yield loaded
    reloads = CounterMetricFamily("perijove_reloads", "Reloads, by how they went.", labels=["result"])
    reloads.add_metric(["done"], seen.reloads)
    reloads.add_metric(["failed"], seen.reloads_failed)
    yield reloads
    last = GaugeMetricFamily("perijove_last_reload_successful", "Whether the last reload was done; 1 before the first one.")
    last.add_metric([], float(seen.last_reload is None or seen.last_reload.done))
    yield last
    if seen.redis is not None:
        redis = GaugeMetricFamily("perijove_redis_connected", "Whether the Redis that routes are shared in can be reached.")
        redis.add_metric([], float(seen.redis))
        yield redis
    ends = GaugeMetricFamily("perijove_certificate_not_after_seconds", "When it ends; seconds since 1970.", labels=["path"])
    for one in seen.certificates:
        ends.add_metric([one.path], one.not_after)
    yield ends


def _workers(seen: Seen) -> Iterator[Family]:
    workers = [(str(number), worker) for number, worker in enumerate(seen.workers)]
    up = GaugeMetricFamily("perijove_worker_up", "Whether the worker serves.", labels=["worker"])
    restarts = CounterMetricFamily("perijove_worker_restarts", "How often the worker was replaced.", labels=["worker"])
    seconds = HistogramMetricFamily("perijove_request_seconds", "How long requests took, to the end.", labels=["worker"])
    limited = CounterMetricFamily(
        "perijove_limited", "What a limit kept out; of `connections`, pauses in accepting.", labels=["worker", "limit"]
    )
    for number, worker in workers:
        up.add_metric([number], float(worker.serves))
        restarts.add_metric([number], worker.restarts)
        seconds.add_metric([number], *_histogram(worker.row))
        for name, at in _LIMITS:
            limited.add_metric([number, name], worker.row[at])
    yield from (up, restarts, seconds, limited)
    for name, text, at in _COUNTED:
        yield _counter(name, text, ["worker"], (([number], worker.row[at]) for number, worker in workers))
    for name, text, begun, ended in _OPEN:
        yield _gauge(name, text, ["worker"], (([number], worker.open(begun, ended)) for number, worker in workers))


def _routes(seen: Seen) -> Iterator[Family]:
    rows = [
        ([str(number), route], worker.row, at)
        for number, worker in enumerate(seen.workers)
        for route, at in {NAMELESS_ROUTE: slots.FIRST_ROUTE, **seen.routes}.items()
    ]
    requests = CounterMetricFamily(
        "perijove_requests", "Requests by the class of the answer; WebSockets are 1xx.", labels=["worker", "route", "class"]
    )
    for labels, row, at in rows:
        for digit in range(6):
            requests.add_metric([*labels, f"{digit}xx" if digit else "none"], row[at + slots.BY_CLASS + digit])
    yield requests
    for name, text, number in _ROUTED:
        yield _counter(name, text, ["worker", "route"], ((labels, row[at + number]) for labels, row, at in rows))


def _upstreams(seen: Seen) -> Iterator[Family]:
    rows: list[tuple[list[str], Worker, int]] = [
        ([str(number), name], worker, upstream.counted)
        for number, worker in enumerate(seen.workers)
        for name, upstream in seen.upstreams.items()
    ]
    errors = CounterMetricFamily("perijove_upstream_errors", "Requests it failed.", labels=["worker", "upstream", "kind"])
    for labels, worker, at in rows:
        for kind, name in KINDS.items():
            errors.add_metric([*labels, name], worker.row[at + slots.ERRORS + kind])
    yield errors
    for name, text, number in _UPSTREAM:
        yield _counter(name, text, ["worker", "upstream"], ((labels, one.row[at + number]) for labels, one, at in rows))
    yield _gauge(
        "perijove_upstream_open_connections",
        "Connections to it, those in the pool included.",
        ["worker", "upstream"],
        ((labels, worker.open(at + slots.OPENED, at + slots.OPENED_ENDED)) for labels, worker, at in rows),
    )


def _counter(name: str, text: str, labels: list[str], values: Iterable[tuple[list[str], int]]) -> Family:
    return _filled(CounterMetricFamily, name, text, labels, values)


def _gauge(name: str, text: str, labels: list[str], values: Iterable[tuple[list[str], int]]) -> Family:
    return _filled(GaugeMetricFamily, name, text, labels, values)


def _filled(
    kind: Callable[..., CounterMetricFamily | GaugeMetricFamily],
    name: str,
    text: str,
    labels: list[str],
    values: Iterable[tuple[list[str], int]],
) -> Family:
    family = kind(name, text, labels=labels)
    for given, value in values:
        family.add_metric(given, value)
    return family


def _histogram(row: Row) -> tuple[list[tuple[str, float]], float]:
    """Return the buckets, each with all below it, and the sum in seconds."""
    total = 0
    buckets: list[tuple[str, float]] = []
    for at, bound in enumerate((*map(str, slots.BOUNDS), "+Inf")):
        total += row[slots.BUCKETS + at]
        buckets.append((bound, total))
    return buckets, row[slots.SECONDS] / 1e6


def render(seen: Seen) -> bytes:
    """Return the page that Prometheus scrapes."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(seen))
    page = generate_latest(registry)
    return page if seen.asked is None else page + proxy_metrics.render(seen, seen.asked)
