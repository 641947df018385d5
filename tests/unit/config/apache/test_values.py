import pytest

from perijove.config.apache.reading import read
from perijove.config.apache.table import table
from perijove.config.apache.values import PROVIDERS, VALUES
from perijove.text.source import Source


@pytest.mark.parametrize(
    ("line", "name", "word"),
    [
        ("Listen", "argument-count", ""),
        ("Listen 80 http # x", "trailing-comment", "#"),
        ("Header set X y z", "unknown-parameter", "z"),
        ("Header sett X y", "field-action", "sett"),
        ("Header always sett X y", "field-action", "sett"),
        ("RequestHeader set X y early # x", "trailing-comment", "#"),
        ("RewriteRule a b P", "bad-flags", "P"),
        ("RewriteRule a b # x", "trailing-comment", "#"),
        ("ProxyPass / http://a # x", "trailing-comment", "#"),
        ("ProxyPass / http://a foo", "bad-parameter", "foo"),
        ("Redirect foo /a /b", "bad-status", "foo"),
        ("ServerAlias a", "not-allowed-here", ""),
        ("Error stop", "error-directive", ""),
        ("SetEnvIf Host", "too-few-arguments", ""),
        ("Alias /a", "too-few-arguments", ""),
    ],
)
def test_the_word_that_is_meant(line: str, name: str, word: str) -> None:
    fault = next(one for one in read(Source("x", line), environment={}).diagnostics if one.severity.value == "error")
    assert fault.name == name
    assert fault.where is not None
    said = line[fault.where.column - 1 :][: fault.where.size]
    assert said == (word or line)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Require shib-attr x", ""),
        ("Require ldap-group x", "unknown-authorization"),
        ("Require", "unknown-authorization"),
        ("Require not", "unknown-authorization"),
        ("Require valid-user", ""),
    ],
)
def test_require(line: str, name: str) -> None:
    """In a file that loads no module, what nobody knows may be a module's that is not httpd's."""
    reading = read(Source("x", f"<Location />\n{line}\n</Location>"), environment={})
    assert [one.name for one in reading.diagnostics] == ([name] if name else []) + ["modules-assumed"]


def test_checks_are_of_directives() -> None:
    for name in VALUES:
        (first, *_) = table().commands[name.lower()]
        assert first.name == name
    assert set(PROVIDERS.values()) <= set(table().sources)
