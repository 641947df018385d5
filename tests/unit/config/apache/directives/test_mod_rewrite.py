from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from tests.unit.config.apache.directives.rewriting import Case, came, cases, configured, recorded


def is_about_rewriting(case: Case) -> bool:
    """Tell whether all its directives are known here; tests/oracle plays the others."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            case.server(Path(folder))
        except ValueError:
            return False
    return True


CASES = [one for one in cases() if one.started and is_about_rewriting(one)]
REFUSED = [one for one in cases() if not one.started]
# What other parts decide.
ELSEWHERE = {
    "rw-expressions": {"GET /e?ax", "GET /e?x", "GET /e?a", "GET /n?c", "GET /n?b", "GET /m", "GET /m?q", "POST /m?q"},
    "rw-proxy-dynamic": {"GET /scheme/nope", "GET /port/{DEAD_PORT}/x"},  # upstreams that are not there
    "rw-proxypass-order": {"GET /nl/x", "GET /nl/r"},  # a section's ProxyPass is chosen before anything is rewritten
    "rw-maintenance-and-slash": {"GET /x"},  # a file that is there
    "rw-site-conditions": {"GET /addr", "GET /ex?x=abc", "POST /ex?x=abc"},  # addresses; expressions, which are not asked here
    "rw-variables": {"GET /21?q=1"},  # the address that a connection came to
    "rw-websocket-forms": {"GET /end/x"},  # fields that a handshake has besides
}


@pytest.mark.parametrize("case", CASES, ids=lambda one: one.name)
def test_what_httpd_does(case: Case, tmp_path: Path) -> None:
    server = case.server(tmp_path)
    assert not [one for one in server.faults if one.severity.value == "error"]
    wrong = []
    for request, result in zip(case.requests, case.results, strict=True):
        if result["request"] in ELSEWHERE.get(case.name, ()):
            continue
        if not result["upstream"] and result["client"]["status"] in (200, 405, 501):
            continue  # files are others' business
        answer = server.ask(request)
        if answer is None:
            continue
        theirs, ours = recorded(result, tmp_path), came(answer)
        if theirs != ours:
            wrong.append(f"{result['request']} {request.get('headers', '')}: httpd {theirs}, perijove {ours}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("case", REFUSED, ids=lambda one: one.name)
def test_what_httpd_refuses(case: Case, tmp_path: Path) -> None:
    faults = case.server(tmp_path).faults
    assert [one.message for one in faults] == [case.message.splitlines()[-1]]
    assert faults[0].help


def test_faults_are_told_where_they_stand() -> None:
    server = configured("RewriteEngine On\nRewriteRule ^/x /y [Q]\n")
    assert server.faults[0].where.line == 2
