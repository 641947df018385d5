import pytest

from perijove.config.apache.directive import Scope, Word, arity, commands, few, misplaced, unknown
from perijove.config.apache.modules import ASSUMED, STATIC
from perijove.config.apache.table import table
from perijove.text.source import Source, Span

MODULES = frozenset((*ASSUMED, *STATIC))


def say(line: str) -> str:
    name, *words = line.split(" ")
    (command, *_) = commands(name, MODULES)
    return arity(command, tuple("" if one == '""' else one for one in words), blank=not words)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ServerName a", ""),
        ("ServerName a b", "ServerName takes one argument, The hostname and port of the server"),
        ('ServerName ""', "ServerName takes one argument, The hostname and port of the server"),
        ("ErrorDocument 404", "ErrorDocument takes two arguments, Change responses for HTTP errors"),
        ("KeepAlive ON x y", ""),
        ("KeepAlive yes", "KeepAlive must be On or Off"),
        ("LogLevel", "LogLevel requires at least one argument, Level of verbosity in error logging"),
        ("RewriteRule", ""),
    ],
)
def test_arity(line: str, message: str) -> None:
    assert say(line) == message


def refused(name: str, *sections: str) -> str:
    scope = Scope()
    for one in sections:
        scope = scope.inside(one)
    return scope.refuses(commands(name, MODULES)[0])


@pytest.mark.parametrize(
    ("name", "sections", "message"),
    [
        ("Listen", (), ""),
        ("Listen", ("VirtualHost",), "Listen cannot occur within <VirtualHost> section"),
        ("Listen", ("VirtualHost", "Location"), "Listen not allowed in <Location> context"),
        ("Require", (), "Require not allowed here"),
        ("Require", ("VirtualHost", "LocationMatch"), ""),
        ("ProxyPass", ("Location",), ""),
        ("ProxyPass", ("Location", "If"), "ProxyPass cannot occur within <If> section"),
        ("ProxyPass", ("directorymatch",), "ProxyPass cannot occur within <directorymatch> section"),
        ("<Files", ("Location",), "<Files> cannot occur within <Location> section"),
        ("SSLProxyEngine", ("Proxy",), ""),
        ("SSLProxyEngine", ("Location",), "SSLProxyEngine not allowed in <Location> context"),
        ("<If", ("Location", "RequireAny"), "<If> cannot occur within <Limit> or <LimitExcept> section"),
        ("Timeout", ("Location", "Limit"), "Timeout not allowed in <Limit> context"),
    ],
)
def test_where(name: str, sections: tuple[str, ...], message: str) -> None:
    assert refused(name, *sections) == message


def test_unknown() -> None:
    fault = unknown("ProxyPas", assumed=False)
    assert fault.name == "unknown-directive"
    assert fault.help == "the nearest name is `ProxyPass`"
    assert unknown("<Loction", assumed=False).help == "the nearest name is `<Location>`"
    fault = unknown("AuthLDAPURL", assumed=False)
    assert (fault.name, fault.help.split(":")[0]) == (
        "module-not-loaded",
        "it belongs to mod_authnz_ldap, which is not loaded; load it",
    )
    assert "a2enmod authnz_ldap" in fault.help
    assert unknown("Xyzzy", assumed=False).help == "no directive of Apache is called so"


def test_help() -> None:
    span = Span(Source("x", ""), 1)
    (command,) = commands("ServerName", MODULES)
    assert few(command, "m", (Word("a", span), Word("#", span))).name == "trailing-comment"
    assert few(command, "m", (Word("a", span), Word("b", span))).name == "too-many-arguments"
    assert few(command, "m", ()).name == "too-few-arguments"
    assert few(command, "m", (Word("", span),)).name == "empty-argument"
    (flag,) = commands("KeepAlive", MODULES)
    assert few(flag, "m", ()).help == "write `KeepAlive On` or `KeepAlive Off`"
    assert misplaced(table().commands["listen"][0], "m").help == "it may stand outside of all sections"
    assert misplaced(table().commands["require"][0], "m").help == "it may stand in `<Directory>` or `<Location>`"
