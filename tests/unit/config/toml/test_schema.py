"""What is said of a file that is wrong: all at once, each at its place."""

import re

import pytest

from perijove.config.toml import load
from perijove.config.toml.schema import Config, dump, validate
from perijove.text.diagnostic import render
from perijove.text.source import Source

EVERYTHING_WRONG = """\
listen = ["8080x"]
redirect-htp = ":80"
trust = "10.0.0.0/33"
proxy-protocol = ["unix", "Unix"]

[tls]
cert = "chain.pem"

[[route]]
path = "jupyter/"
to = "127.0.0.1:8000"

[[route]]
path = "/b"

[timeouts]
header = "soon"

[limits]
fields = 3
"""


def test_all_faults_at_once_in_the_order_of_the_file() -> None:
    loaded = load(Source("hub.toml", EVERYTHING_WRONG))
    assert loaded.gateway is None
    assert [(one.where.line, one.name) if one.where else None for one in loaded.diagnostics] == [
        (1, "bad-value"),
        (2, "unknown-key"),
        (3, "bad-value"),
        (4, "bad-value"),
        (6, "bad-value"),
        (10, "bad-value"),
        (11, "bad-value"),
        (13, "bad-value"),
        (17, "bad-value"),
        (20, "bad-value"),
    ]


def test_an_unknown_key_is_shown_with_the_nearest() -> None:
    loaded = load(Source("hub.toml", 'to = "http://h"\nredirect-htp = ":80"\n'))
    assert render(loaded.diagnostics[0]) == (
        "error: `redirect-htp` is not a key [unknown-key]\n"
        "  --> hub.toml:2:1\n"
        "   |\n"
        ' 2 | redirect-htp = ":80"\n'
        "   | ^^^^^^^^^^^^\n"
        "  = help: write `redirect-http`"
    )


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ('to = "http://h"\n[tls]\nself-signed = true\ncert = "x"\n', "write `cert` and `key`, or `self-signed", 2),
        ('[[route]]\nto = "http://h"\nrespond = {}\n', "keep one of `to` and `respond`", 1),
        ("[[route]]\nto = 5\n", "write a text, in quotes", 2),
        ('[[host]]\nnames = "a"\n', "`host.route` is missing", 1),
        ('[[host]]\nnames = []\n[[host.route]]\nto = "http://h"\n', "`host.names`", 2),
        ('[[route]]\nto = "http://h"\nrequest-fields = {set = {"a b" = "c"}}\n', "not a field name", 3),
        ('[[route]]\nto = "http://h"\nrequest-fields = {set = {A = "{nope}"}}\n', "is not known", 3),
        ('[[route]]\nrespond = {body = "{nope}"}\n', "is not known", 2),
    ],
)
def test_faults(text: str, message: str, line: int) -> None:
    loaded = load(Source("hub.toml", text))
    assert loaded.gateway is None
    (fault,) = loaded.diagnostics
    assert message in fault.message
    assert fault.where is not None
    assert fault.where.line == line


def test_nested_without_end() -> None:
    (fault,) = load(Source("hub.toml", "a = " + "{a = " * 3000 + "1" + "}" * 3000)).diagnostics
    assert (fault.name, fault.where) == ("toml-syntax", None)


@pytest.mark.parametrize(("text", "line"), [("listen = :80\n", 1), ("a = 1\n[tls\n", 2), ('to = "x', 1), ("a = 1\na = 2\n", 2)])
def test_not_toml(text: str, line: int) -> None:
    (fault,) = load(Source("hub.toml", text)).diagnostics
    assert fault.name == "toml-syntax"
    assert fault.where is not None
    assert fault.where.line == line


def test_every_key_is_documented() -> None:
    from perijove.config.toml.reference import _TABLES

    for _, model in _TABLES:
        assert model.__doc__
        for name, field in model.model_fields.items():
            assert field.description, (model, name)
            assert re.search(r"[.`]$", field.description), (model, name)


def test_dump_reads_back() -> None:
    config, faults = validate(Source("x", ""), {"to": "http://h", "timeouts": {"header": "5s"}})
    assert isinstance(config, Config)
    assert not faults
    again, faults = validate(Source("x", ""), dump(config))
    assert again == config
