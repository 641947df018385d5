"""What is seen of JupyterHub's proxy under the names that dashboards of configurable-http-proxy know (its lib/metrics.js).

Knows which number of `engine.slots` has which of these names. They are written here and not by prometheus_client, which would
add `_total` to each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.engine import slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from perijove.observe.seen import Asked, Seen

_WEBSOCKET = 101


def render(seen: Seen, asked: Asked) -> bytes:
    """Return the lines of the page that Prometheus scrapes."""
    statuses = {status: seen.total(slots.FIRST_STATUS + status) for status in range(slots.STATUSES)}
    upgraded = statuses[_WEBSOCKET]
    refused = seen.total(slots.UPGRADES_REFUSED)
    websockets = seen.total(slots.TUNNELS) + refused
    web = max(sum(statuses.values()) - upgraded - refused, 0)
    answers = {status: count for status, count in statuses.items() if count and status not in (0, _WEBSOCKET)}
    lines = [
        *_counter("api_route_get", "Count of API route get requests", asked.tables),
        *_counter("api_route_add", "Count of API route add requests", asked.added),
        *_counter("api_route_delete", "Count of API route delete requests", asked.removed),
        *_untimed("find_target_for_req", "Count of look-ups of targets", web + websockets),
        *_untimed("last_activity_updating", "Count of updates of last activity", seen.total(slots.TOUCHED)),
        *_counter("requests_ws", "Count of websocket requests", websockets),
        *_counter("requests_web", "Count of web requests", web),
        *_by_status("requests_proxy", "Count of proxy requests", answers),
        *_by_status("requests_api", "Count of API requests", asked.statuses),
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _begun(name: str, text: str, kind: str) -> Iterable[str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def _counter(name: str, text: str, value: int) -> Iterable[str]:
    return *_begun(name, text, "counter"), f"{name} {value}"


def _by_status(name: str, text: str, counts: Mapping[int, int]) -> Iterable[str]:
    return *_begun(name, text, "counter"), *(f'{name}{{status="{status}"}} {counts[status]}' for status in sorted(counts))


def _untimed(name: str, text: str, count: int) -> Iterable[str]:
    """Return a summary of what is counted only: to look at the clock twice would cost more than what it measured."""
    return *_begun(name, f"{text}; they are not timed: the sum stays 0", "summary"), f"{name}_sum 0", f"{name}_count {count}"
