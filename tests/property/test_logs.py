"""Whatever is in a log, it is read to its end; every line counts once, and what is told can be shown.

Lines are those that real servers wrote, and one of each family, cut and mixed, and any octets.
"""

import io
import os
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.checks.test_logs import LINES

from perijove.checks.logs.reading import read
from perijove.checks.opened import of_source
from perijove.checks.run import check
from perijove.checks.show import machines, terminal
from perijove.text.source import Source

LOGS = Path(__file__).parents[1] / "checks" / "logs"
MANY = int(os.environ.get("CHECK_EXAMPLES", "150"))
SEEDS = sorted(
    {
        *(one.encode() for one in LINES.values()),
        *(LOGS / "apache.log").read_bytes().splitlines(),
        *(LOGS / "hub.log").read_bytes().splitlines(),
    }
)
PIECES = (
    b"/",
    b"//",
    b"://",
    b":",
    b"[::1]",
    b"%2f",
    b"\0",
    b"\xff\xfe",
    b"\r",
    b"\x1b[31m",
    b"(",
    b")",
    b" ",
    b"99999999999999999999",
    "é".encode(),
)
SUBJECT = of_source(Source("hub.conf", (LOGS / "broken.conf").read_text()))

line = st.one_of(
    st.sampled_from(SEEDS),
    st.tuples(st.sampled_from(SEEDS), st.integers(0, 250), st.integers(0, 12), st.sampled_from(PIECES)).map(
        lambda it: it[0][: it[1]] + it[3] + it[0][it[1] + it[2] :]
    ),
    st.binary(max_size=60),
)
logs = st.one_of(st.lists(line, max_size=12).map(b"\n".join), st.binary(max_size=300))


class Slow(io.BytesIO):
    """Gives what it has in pieces of a few octets."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(7, size or 7))


@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(logs)
def test_any_octets_as_a_log(octets: bytes) -> None:
    log = read("a.log", io.BytesIO(octets))
    assert log == read("a.log", Slow(octets))
    assert log.lines == octets.count(b"\n") + (not octets.endswith(b"\n") and bool(octets))
    assert log.explained + log.unknown <= log.lines
    report = check(SUBJECT, logs=[log])
    assert "\x1b" not in terminal.text(report)
    assert {one.name for one in report.diagnostics} >= {one.family.name for one in log.seen.values() if not one.family.confirms}
    for form in (machines.as_json, machines.as_sarif, machines.as_annotations):
        form([report]).encode("utf-8", "surrogateescape")
