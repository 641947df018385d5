from __future__ import annotations

import pytest
from tests.unit.config.apache.expressions import scope

from perijove.config.apache import expression_names as names
from perijove.config.apache.expression_tree import ExpressionError
from perijove.gateway.templates import Fact, Note, Variable


def test_case_does_not_count() -> None:
    assert names.variable("request_scheme", 0, scope()) == (Variable.SCHEME,)


@pytest.mark.parametrize("name", ["LAST_MODIFIED", "SERVER_SOFTWARE", "CONN_LOG_ID"])
def test_what_apache_knows_and_we_do_not_is_told_apart(name: str) -> None:
    with pytest.raises(ExpressionError) as found:
        names.variable(name, 0, scope())
    assert found.value.name == "not-emulated-expression"


def test_what_nobody_knows_is_told() -> None:
    with pytest.raises(ExpressionError, match="Variable 'X' does not exist"):
        names.variable("X", 0, scope())
    with pytest.raises(ExpressionError, match="Function 'x' does not exist"):
        names.called("x", (), 0)


def test_tls_is_known_with_its_module() -> None:
    assert names.variable("SSL_CLIENT_S_DN", 0, scope("ssl")) == ()
    with pytest.raises(ExpressionError, match="does not exist"):
        names.variable("SSL_CLIENT_S_DN", 0, scope())
    with pytest.raises(ExpressionError, match="not emulated"):
        names.variable("SSL_SERVER_S_DN", 0, scope("ssl"))
    assert names.variable("SSL_TLS_SNI", 0, scope("ssl")) == (Fact.NAME_SHOWN,)


def test_the_environment_is_the_requests_and_then_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEWHERE", "here")
    assert names.called("env", (b"SOMEWHERE",), 0) == (Note(b"SOMEWHERE", b"here"),)
    assert names.called("reqenv", (b"SOMEWHERE",), 0) == (Note(b"SOMEWHERE"),)
    assert names.called("osenv", (b"SOMEWHERE",), 0) == (b"here",)


def test_names_are_not_made_of_the_request() -> None:
    with pytest.raises(ExpressionError, match="not emulated"):
        names.called("req", (Fact.PATH,), 0)
