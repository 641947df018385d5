import pytest

from perijove.config.apache import load
from perijove.config.apache.reading import read
from perijove.config.apache.table import table
from perijove.config.apache.values import PROVIDERS, VALUES
from perijove.text.diagnostic import Severity
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


LOADS = "".join(f"LoadModule {one}_module x\n" for one in ("mpm_event", "authz_core", "authz_user"))


@pytest.mark.parametrize(
    ("line", "help_"),
    [
        ("ProxyPass / http://a/ timeout=0", "write `timeout=600`: seconds, 1 or more, without a unit"),
        ("ProxyPass / http://a/ keepalive=yes", "write `keepalive=On`: or `Off`"),
        (
            "ProxyPass / http://a/ lbmethod=byrequests",
            "it belongs to a balancer: write it in `<Proxy balancer://NAME>`, by ProxySet",
        ),
        ("ProxyPass / http://a/ hcmethod=GET", "load it: `a2enmod proxy_hcheck`, or"),
        (
            "ProxyPass / balancer://a/ lbmethod=random",
            "there are `bybusyness`, `byrequests`, `bytraffic`, `heartbeat`, each by a module",
        ),
        ("<Location />\nOrder allow, deny\n</Location>", "leave out the space behind the comma: `order allow,deny`"),
        ("<Location />\nAllow all\n</Location>", "write `allow from all`"),
        ("<Location />\nRequire ip 10.0.0.1, 10.0.0.2\n</Location>", "put spaces between addresses, and no commas"),
        (f"{LOADS}<Location />\nRequire valid user\n</Location>", "write `Require valid-user`, with a hyphen"),
        ("ServerName a b", "a host has one ServerName: further names go into `ServerAlias`"),
        ("<If \"%{HTTP_HSOT} == 'x'\">\n</If>", "the nearest name is `HTTP_HOST`"),
        ("<If \"%{HTTP_HOST} = = 'x'\">\n</If>", "compare by `==`, one time"),
        ('<If "%{HTTP_HOST == 3">\n</If>', "a variable is `%{NAME}` or `%{HTTP:FIELD}`, without spaces"),
        ("SSLCertificateFile nowhere.pem", "what does not begin with a slash is below ServerRoot, which is /"),
    ],
)
def test_what_to_type_instead(line: str, help_: str) -> None:
    loaded = load(Source("x", f"ServerRoot /\n{line}"))
    found = next(one for one in loaded.diagnostics if one.severity is Severity.ERROR)
    assert found.help.startswith(help_)
