"""A picture of what was measured: bars of CPU capacity, one row for each proxy and workload, as SVG."""

from __future__ import annotations

from html import escape
from typing import Final

from tests.bench.peers import TITLES
from tests.bench.report import Rounds, capacity
from tests.bench.workloads import WORKLOADS

_LEFT: Final = 250  # where bars begin
_UNIT: Final = 120  # how long a bar of 1 is
_LONGEST: Final = 3.5
_ROW: Final = 18
_OURS: Final = "#1f6feb"
_OTHERS: Final = "#9aa4b1"


def picture(rounds: Rounds, base: str) -> str:
    """Return the picture; a whisker goes from quartile to quartile."""
    rows: list[str] = []
    y = 30
    width = _LEFT + _UNIT * _LONGEST + 70
    for name, proxies in rounds.items():
        if WORKLOADS[name].once:
            continue
        rows.append(f'<text x="8" y="{y + 12}" class="title">{escape(WORKLOADS[name].title)}</text>')
        y += _ROW + 2
        for proxy, measured in proxies.items():
            spread = capacity(measured, proxies.get(base, []))
            if spread is None:
                continue
            colour = _OURS if proxy.startswith("perijove") else _OTHERS
            long, low, high = (min(value, _LONGEST) * _UNIT for value in (spread.middle, spread.low, spread.high))
            rows.append(f'<text x="{_LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(TITLES[proxy])}</text>')
            rows.append(f'<rect x="{_LEFT}" y="{y + 2}" width="{long:.1f}" height="{_ROW - 5}" fill="{colour}"/>')
            rows.append(f'<path d="M{_LEFT + low:.1f} {y + 8.5}H{_LEFT + high:.1f}" class="spread"/>')
            rows.append(f'<text x="{_LEFT + max(long, high) + 6:.1f}" y="{y + 12}">{spread.middle:.2f}</text>')
            y += _ROW
        y += 8
    one = _LEFT + _UNIT
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {y}" font-family="sans-serif" font-size="12">
<style>
text {{ fill: #57606a }}
.title {{ font-weight: bold }}
.spread {{ stroke: #24292f; stroke-width: 1.5 }}
.one {{ stroke: #57606a; stroke-dasharray: 3 3 }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #adbac7 }} .spread {{ stroke: #cdd9e5 }} }}
</style>
<text x="{one}" y="16" text-anchor="middle">{escape(TITLES[base])} = 1</text>
<path d="M{one} 22V{y}" class="one"/>
{chr(10).join(rows)}
</svg>
"""
