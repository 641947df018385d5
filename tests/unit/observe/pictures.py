"""What the tests of this folder look at."""

from __future__ import annotations

from perijove.engine import const, slots
from perijove.observe.seen import Certificate, Listener, Reload, Seen, Upstream, Worker

ROUTE = slots.FIRST_ROUTE + slots.ROUTE
UPSTREAM = slots.FIRST_UPSTREAM + slots.UPSTREAM


def row(**numbers: int) -> list[int]:
    """A row in which `route_X` and `upstream_X` are those of the first route and upstream."""
    made = [0] * slots.COUNT
    for name, value in numbers.items():
        group, _, rest = name.partition("_")
        base = {"route": ROUTE, "upstream": UPSTREAM}.get(group)
        made[getattr(slots, name.upper()) if base is None else base + getattr(slots, rest.upper())] = value
    return made


def seen(*rows: list[int], reload: Reload | None = None, now: float = 1000.0) -> Seen:
    return Seen(
        version="1.2",
        engine="compiled",
        pid=7,
        now=now,
        begun=1.7e9,
        file="hub.toml",
        loaded_at=1.7e9 + 60,
        reloads=2,
        reloads_failed=1,
        last_reload=reload,
        workers=[Worker(one, number != 1, number, 100 + number, 0.25) for number, one in enumerate(rows or (row(),))],
        listeners=[Listener("https://*:443"), Listener("http://*:80", True)],
        routes={"/hub/": ROUTE},
        upstreams={"hub": Upstream(UPSTREAM, "http://127.0.0.1:8000")},
        certificates=[Certificate("chain.pem", ["a.example", "b.example"], 1.7e9 + 90000)],
        errors=[(1.7e9 + 30, "worker 1 (pid 9) ended")],
        redis=True,
    )


def failing() -> list[int]:
    made = row(
        connections=5, connections_ended=2, tunnels=4, tunnels_ended=3, log_dropped=2, limited_rate=6,
        route_received=100, route_sent=3000, route_last_activity=999_000,
        upstream_answers=9, upstream_opened=3, upstream_opened_ended=1, upstream_reused=8,
        upstream_last_answer=990_000, upstream_last_error=995_000, upstream_last_kind=const.LOST,
    )  # fmt: skip
    made[ROUTE + slots.BY_CLASS + 2] = 7
    made[ROUTE + slots.BY_CLASS + 5] = 2
    made[slots.FIRST_ROUTE + slots.BY_CLASS] = 1
    made[UPSTREAM + slots.ERRORS + const.LOST] = 2
    made[slots.BUCKETS] = 3
    made[slots.BUCKETS + 2] = 4
    made[slots.SECONDS] = 1_500_000
    return made
