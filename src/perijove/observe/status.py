"""What is seen as a person reads it, and as JSON.

Knows words and columns. `describe` makes what is sent over the control socket, `table` what a terminal shows of it: who asks
may be of another version than who answers.
"""

from __future__ import annotations

import time
from typing import Any

from perijove.engine import slots
from perijove.observe.metrics import KINDS
from perijove.observe.seen import NAMELESS_ROUTE, Seen, Upstream


def describe(seen: Seen) -> dict[str, Any]:
    """Return what `perijove status --json` prints. Times are seconds since 1970."""
    routes = {NAMELESS_ROUTE: slots.FIRST_ROUTE, **seen.routes}
    every = range(slots.BY_CLASS, slots.BY_CLASS + 6)
    wall = time.time() - seen.now
    return {
        "version": seen.version,
        "engine": seen.engine,
        "pid": seen.pid,
        "since": seen.begun,
        "configuration": {
            "file": seen.file,
            "loaded": seen.loaded_at,
            "reloads": seen.reloads,
            "reloads_failed": seen.reloads_failed,
            "last_reload": None
            if seen.last_reload is None
            else {"at": seen.last_reload.at, "done": seen.last_reload.done, "why": seen.last_reload.why},
        },
        "workers": [
            {
                "worker": number,
                "pid": one.pid,
                "serves": one.serves,
                "beat": round(one.age, 3),
                "restarts": one.restarts,
                "connections": one.open(slots.CONNECTIONS, slots.CONNECTIONS_ENDED),
                "tunnels": one.open(slots.TUNNELS, slots.TUNNELS_ENDED),
                "requests": sum(one.row[at + number] for at in routes.values() for number in every),
                "log_dropped": one.row[slots.LOG_DROPPED],
            }
            for number, one in enumerate(seen.workers)
        ],
        "listeners": [{"url": one.url, "redirects": one.redirects} for one in seen.listeners],
        "routes": [
            {
                "route": name,
                "requests": sum(seen.total(at + number) for number in every),
                "failed": seen.total(at + slots.BY_CLASS + 5),
                "received": seen.total(at + slots.RECEIVED),
                "sent": seen.total(at + slots.SENT),
                "last": _moment(seen.latest(at + slots.LAST_ACTIVITY), wall),
            }
            for name, at in routes.items()
        ],
        "upstreams": [_upstream(seen, name, one, wall) for name, one in seen.upstreams.items()],
        "certificates": [{"path": one.path, "names": list(one.names), "ends": one.not_after} for one in seen.certificates],
        "connections": seen.open(slots.CONNECTIONS, slots.CONNECTIONS_ENDED),
        "tunnels": seen.open(slots.TUNNELS, slots.TUNNELS_ENDED),
        "errors": [{"at": at, "error": text} for at, text in seen.errors],
    }


def _moment(milliseconds: int, wall: float) -> float | None:
    """Return a time of a row as seconds since 1970; None is never."""
    return round(milliseconds / 1e3 + wall, 3) if milliseconds else None


def _upstream(seen: Seen, name: str, one: Upstream, wall: float) -> dict[str, Any]:
    at = one.counted
    answered = seen.latest(at + slots.LAST_ANSWER)
    failed = seen.latest(at + slots.LAST_ERROR)
    kind = next(
        (KINDS.get(row[at + slots.LAST_KIND]) for row in _rows(seen) if failed and row[at + slots.LAST_ERROR] == failed), None
    )
    return {
        "upstream": name,
        "address": one.address,
        "health": "not asked yet" if not answered and not failed else "failing" if failed > answered else "answering",
        "answers": seen.total(at + slots.ANSWERS),
        "errors": {text: count for number, text in KINDS.items() if (count := seen.total(at + slots.ERRORS + number))},
        "connections": seen.open(at + slots.OPENED, at + slots.OPENED_ENDED),
        "last_answer": _moment(answered, wall),
        "last_error": _moment(failed, wall),
        "last_error_kind": kind,
    }


def _rows(seen: Seen) -> list[Any]:
    return [worker.row for worker in seen.workers]


# ------------------------------------------------------------------ for a terminal


def table(status: dict[str, Any], now: float) -> str:
    """Return it for a terminal.

    Args:
        status: as `describe` made it.
        now: seconds since 1970.
    """
    configuration = status["configuration"]
    lines = [
        f"perijove {status['version']}, {status['engine']} engine, pid {status['pid']}, up {_span(now - status['since'])}",
        f"configuration: {configuration['file']}, read {_span(now - configuration['loaded'])} ago, "
        f"{_some(configuration['reloads'], 'reload')}, {configuration['reloads_failed']} failed",
    ]
    last = configuration["last_reload"]
    if last is not None and not last["done"]:
        lines.append(f"  the last reload, {_span(now - last['at'])} ago, changed nothing:")
        lines += [f"    {line}" for line in last["why"].splitlines()]
    for one in status["listeners"]:
        lines.append(f"listening on {one['url']}{', redirecting to https' if one['redirects'] else ''}")
    lines += ["", f"{_some(status['connections'], 'connection')}, {_some(status['tunnels'], 'WebSocket')} open", ""]
    lines += _columns(
        ("worker", "pid", "state", "restarts", "connections", "WebSockets", "requests"),
        [
            (
                one["worker"],
                one["pid"] or "-",
                "serves" if one["serves"] else "does not serve",
                one["restarts"],
                one["connections"],
                one["tunnels"],
                one["requests"],
            )
            for one in status["workers"]
        ],
    )
    lines.append("")
    lines += _columns(
        ("route", "requests", "5xx", "received", "sent", "last"),
        [
            (
                one["route"],
                one["requests"],
                one["failed"],
                _octets(one["received"]),
                _octets(one["sent"]),
                _ago(one["last"], now),
            )
            for one in status["routes"]
        ],
    )
    lines.append("")
    lines += _columns(
        ("upstream", "health", "answers", "errors", "connections", "last answer", "last error"),
        [
            (
                one["upstream"],
                one["health"],
                one["answers"],
                ", ".join(f"{count} {kind}" for kind, count in one["errors"].items()) or "none",
                one["connections"],
                _ago(one["last_answer"], now),
                _ago(one["last_error"], now) + (f" ({one['last_error_kind']})" if one["last_error_kind"] else ""),
            )
            for one in status["upstreams"]
        ],
    )
    if status["certificates"]:
        lines.append("")
        lines += _columns(
            ("certificate", "names", "ends in"),
            [(one["path"], ", ".join(one["names"]), _span(one["ends"] - now)) for one in status["certificates"]],
        )
    dropped = sum(one["log_dropped"] for one in status["workers"])
    if dropped:
        lines += ["", f"{_some(dropped, 'line')} of the access log could not be written"]
    if status["errors"]:
        lines += ["", "last errors:"]
        lines += [f"  {_span(now - one['at'])} ago: {one['error']}" for one in status["errors"]]
    return "\n".join(lines) + "\n"


def _columns(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[str]:
    """Return lines with columns as wide as they need to be, numbers to the right."""
    texts = [head, *[tuple(str(cell) for cell in row) for row in rows]]
    widths = [max(len(row[at]) for row in texts) for at in range(len(head))]
    numbers = [bool(rows) and all(isinstance(row[at], int) for row in rows) for at in range(len(head))]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width) for cell, width, number in zip(row, widths, numbers, strict=True)
        ).rstrip()
        for row in texts
    ]


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _ago(then: float | None, now: float) -> str:
    return "never" if then is None else f"{_span(now - then)} ago"


def _span(seconds: float) -> str:
    """Return a span of time in its two largest units."""
    if seconds < 0:
        return f"-{_span(-seconds)}" if seconds < -1 else "0 s"
    whole = int(seconds)
    units = (("d", whole // 86400), ("h", whole // 3600 % 24), ("min", whole // 60 % 60), ("s", whole % 60))
    first = next((at for at, (_, count) in enumerate(units) if count), 3)
    return " ".join(f"{count} {unit}" for unit, count in units[first : first + 2] if count) or "0 s"


def _octets(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
