"""The configurations of the page that all of this began with: what an expert would say of each, and that it can be fixed."""

from pathlib import Path

import pytest

from perijove.checks.catalogue import checks
from perijove.checks.checklist import _CHECKLIST, marked
from perijove.checks.fix import fixed
from perijove.checks.logs.reference import families
from perijove.checks.opened import of_source
from perijove.checks.run import Report, check
from perijove.text.diagnostic import Severity
from perijove.text.source import Source

PAGE = Path(__file__).parent / "page"
SAID = {
    "1.conf": {"placeholder-left", "hub-host-not-preserved", "websocket-route-incomplete"},
    "1-filled-in.conf": {"websocket-route-incomplete"},
    "1-on-a-port.conf": {"origin-edit-mismatch", "websocket-route-incomplete"},
    "2.conf": {"trailing-comment", "hub-host-not-preserved", "hub-pages-not-mapped", "websocket-route-incomplete"},
    "3.conf": {"tls-upstream-without-sslproxyengine", "tls-on-one-side", "websocket-route-incomplete"},
    "4.conf": {"placeholder-left", "hub-host-not-preserved", "websocket-route-incomplete"},
}


def report(text: str, name: str) -> Report:
    return check(of_source(Source(name, text)))


def worse_than_advice(found: Report) -> set[str]:
    return {one.name for one in found.diagnostics if one.severity is not Severity.ADVICE}


@pytest.mark.parametrize("name", SAID)
def test_what_is_found(name: str) -> None:
    assert worse_than_advice(report((PAGE / name).read_text(), name)) == SAID[name]


@pytest.mark.parametrize("name", SAID)
def test_what_is_left_when_all_is_fixed(name: str) -> None:
    text = (PAGE / name).read_text()
    for _ in range(6):
        texts, done = fixed(report(text, name).diagnostics, unsafe=True)
        if not done:
            break
        text = texts[name]
    # Whether a certificate has the name 127.0.0.1, nobody can type.
    assert worse_than_advice(report(text, name)) - {"upstream-certificate-name"} == set()


def test_boxes() -> None:
    found = marked(report((PAGE / "2.conf").read_text(), "2.conf"))
    assert [one.mark for one in found].count(False) == 1
    assert all(one.because for one in found if one.mark is not True)


def test_boxes_name_checks_that_are_there() -> None:
    assert set().union(*(box.names for box in _CHECKLIST)) - set(checks()) - set(families()) == {"unknown-directive"}
