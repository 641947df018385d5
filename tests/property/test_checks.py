"""Whatever is in a file, there are diagnostics and never a traceback; and what is fixed can be read again.

Texts are the cases of the checks, cut, doubled and mixed, and any octets.
"""

import os
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perijove.checks.fix import fixed
from perijove.checks.opened import of_source
from perijove.checks.run import check
from perijove.checks.show import machines, terminal
from perijove.text.diagnostic import render
from perijove.text.source import Source

CASES = Path(__file__).parents[1] / "checks"
FILES = [
    path.read_text() for path in sorted([*CASES.glob("*/*/*.conf"), *CASES.glob("corpus/*.conf"), *CASES.glob("page/*.conf")])
]
LINES = sorted({line for text in FILES for line in text.splitlines() if line.strip()})
MANY = int(os.environ.get("CHECK_EXAMPLES", "150"))
# Pieces that lines are mutated with: where words, sections, patterns and variables begin and end.
PIECES = (
    "/",
    "//",
    "#",
    '"',
    "'",
    "\\",
    "{",
    "}",
    "$1",
    "%1",
    "%{",
    "${X}",
    "[",
    "]",
    "(",
    ")",
    "*",
    "?",
    "<",
    ">",
    "://",
    "\t",
    "\0",
    "é",
    "!",
)

line = st.one_of(
    st.sampled_from(LINES),
    st.tuples(st.sampled_from(LINES), st.integers(0, 80), st.integers(0, 12), st.sampled_from(PIECES)).map(
        lambda it: it[0][: it[1]] + it[3] + it[0][it[1] + it[2] :]
    ),
    st.text(max_size=40),
)
# A whole file with a line of another in place of some of its own.
grafted = st.tuples(st.sampled_from(FILES), st.integers(0, 60), st.integers(0, 4), line).map(
    lambda it: "\n".join([*it[0].split("\n")[: it[1]], it[3], *it[0].split("\n")[it[1] + it[2] :]])
)
texts = st.one_of(
    grafted,
    st.lists(line, max_size=25).map("\n".join),
    st.lists(line, max_size=25).map("\r\n".join),
    st.binary(max_size=300).map(lambda octets: octets.decode("utf-8", "surrogateescape")),
)


def judged(text: str, name: str) -> None:
    report = check(of_source(Source(name, text), apache=name.endswith(".conf")))
    for one in report.diagnostics:
        render(one)
        assert one.where is None or one.where.line >= 1
    terminal.text(report)
    for form in (machines.as_json, machines.as_sarif, machines.as_annotations):
        form([report])
    new, _ = fixed(report.diagnostics, unsafe=True)
    for changed in new.values():
        check(of_source(Source(name, changed), apache=name.endswith(".conf")))


@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts)
def test_any_text_as_apaches(text: str) -> None:
    judged(text, "hub.conf")


@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts)
def test_any_text_of_no_name(text: str) -> None:
    judged(text, "<stdin>")


@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(line, max_size=20).map(
        lambda lines: "<VirtualHost *:80>\nServerName hub.example.org\n" + "\n".join(lines) + "\n</VirtualHost>\n"
    )
)
def test_any_virtual_host(text: str) -> None:
    judged(text, "hub.conf")
