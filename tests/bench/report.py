"""From what was measured to a table: ratios to one proxy in the same round, their medians and quartiles."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.peers import TITLES
from tests.bench.workloads import WORKLOADS, Measured

Rounds = Mapping[str, Mapping[str, list[Measured]]]  # workload, proxy; a measurement that failed is empty


@dataclass(frozen=True)
class Spread:
    """A median, and the quartiles around it."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """Return that of some values, of which there is at least one."""
        if len(values) < 2:
            return cls(values[0], values[0], values[0])
        low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(middle, low, high)

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.low:.2f}–{self.high:.2f})"


def capacity(own: list[Measured], others: list[Measured]) -> Spread | None:
    """Return how much more work than another a proxy does in the same CPU time; above 1 is more."""
    values = [other["cpu"] / one["cpu"] for one, other in zip(own, others, strict=True) if one.get("cpu") and other.get("cpu")]
    return Spread.of(values) if values else None


def throughput(own: list[Measured], others: list[Measured]) -> Spread | None:
    """Return how much more work than another a proxy does in the same time."""
    values = [
        one["rate"] / other["rate"] for one, other in zip(own, others, strict=True) if one.get("rate") and other.get("rate")
    ]
    return Spread.of(values) if values else None


def cost(measured: list[Measured], octets: bool) -> str:
    """Return CPU time for a unit of work: the median, and the least."""
    values = [one["cpu"] for one in measured if one.get("cpu")]
    if not values:
        return "–"
    scale, unit = (1e9, "s/GB") if octets else (1e6, "µs")
    return f"{statistics.median(values) * scale:.2f} {unit}; {min(values) * scale:.2f}"


def table(rounds: Rounds, base: str) -> str:
    """Return a table in Markdown for each workload."""
    parts = []
    for name, proxies in rounds.items():
        workload = WORKLOADS[name]
        if workload.once:
            lines = ["| proxy | KiB for a tunnel |", "|---|---|"]
            for proxy, measured in proxies.items():
                held = f"{measured[-1]['held'] / 1024:.1f}" if measured[-1] else "failed"
                lines.append(f"| {TITLES[proxy]} | {held} |")
        else:
            lines = [
                f"| proxy | CPU capacity, {TITLES[base]} = 1 | throughput | CPU for a {workload.unit}: median; least | p99, µs |",
                "|---|---|---|---|---|",
            ]
            for proxy, measured in proxies.items():
                if not any(measured):
                    lines.append(f"| {TITLES[proxy]} | failed | | | |")
                    continue
                late = [one["p99"] for one in measured if "p99" in one]
                slowest = f"{statistics.median(late):.0f}" if late else "–"
                own, others = measured, proxies.get(base, [])
                ratios = f"{capacity(own, others) or '–'} | {throughput(own, others) or '–'}"
                lines.append(f"| {TITLES[proxy]} | {ratios} | {cost(own, workload.unit == 'GB')} | {slowest} |")
        parts.append("\n".join([f"### {workload.title}", "", *lines]))
    return "\n\n".join(parts) + "\n"
