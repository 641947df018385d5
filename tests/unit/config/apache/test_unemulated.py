import pytest

from perijove.config.apache.reading import Reading, read
from perijove.config.apache.table import table
from perijove.config.apache.unemulated import ACCEPTED, DIRECTIVES, EMULATED, MODULES, difference, ignored, judge
from perijove.config.apache.words import fold
from perijove.text.diagnostic import Diagnostic, Severity
from perijove.text.source import Source


def given(text: str) -> Reading:
    load = "LoadModule mpm_event_module x\nLoadModule foo_module x\n"
    names = (
        "authn_core authz_core authz_user auth_basic authn_file proxy ssl headers proxy_html authnz_ldap auth_digest autoindex"
    )
    load += "".join(f"LoadModule {one}_module x\n" for one in names.split())
    reading = read(Source("x", load + text), environment={})
    assert not [one for one in reading.diagnostics if one.severity is Severity.ERROR], reading.diagnostics
    return reading


def judged(text: str, *unenforced: str) -> list[Diagnostic]:
    return judge(given(text).items, unenforced)


def test_every_directive_is_in_one_set() -> None:
    known = set(table().commands)
    assert known >= EMULATED
    assert known >= ACCEPTED
    assert not EMULATED & ACCEPTED
    assert not {fold(one) for one in DIRECTIVES} & (EMULATED | ACCEPTED)
    assert {fold(one) for one in DIRECTIVES} <= known
    assert set(MODULES) <= set(table().sources)
    for name in known:
        what = difference(name)
        assert what is None or what.what


@pytest.mark.parametrize(
    "text",
    [
        "ProxyPass / http://a/",
        "ErrorLog x\nCustomLog x common",
        "<Directory />\nAuthType foo\nRequire ldap-group x\n</Directory>",
        "<Location />\nAuthType Basic\nAuthBasicProvider file\nRequire valid-user\n</Location>",
        "SSLVerifyClient none",
        "<Directory />\nSSLOptions +StdEnvVars\n</Directory>",
        "IndexOptions FancyIndexing",
        "<Location />\nRequire all granted\n</Location>",
    ],
)
def test_nothing_to_say(text: str) -> None:
    assert judged(text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ShibCompatValidUser On", "mod_shib"),
        ("<Location />\nOIDCScope x\n</Location>", "auth_openidc"),
        ("<Location />\nMellonEnable auth\n</Location>", "auth_mellon"),
    ],
)
def test_a_door_is_an_error_unless_it_is_named(text: str, name: str) -> None:
    (found,) = judged(text)
    assert (found.name, found.severity) == ("not-enforced", Severity.ERROR)
    assert found.help.endswith(f"`--allow-unenforced {name}`")
    (found,) = judged(text, name.strip('"').upper())
    assert (found.name, found.severity, found.help) == ("not-enforced", Severity.WARNING, "")
    assert judged(text, "other")[0].severity is Severity.ERROR


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("<Location />\nAuthType shibboleth\n</Location>", '"AuthType shibboleth"'),
        ("<Location />\nAuthType Digest\n</Location>", '"AuthType digest"'),
        ("<Location />\nAuthBasicProvider ldap\n</Location>", '"AuthBasicProvider ldap"'),
        ("<Location />\nRequire shib-session\n</Location>", '"Require shib-session"'),
        ("<Location />\n<RequireAll>\nRequire ldap-group x\n</RequireAll>\n</Location>", '"Require ldap-group"'),
        (
            "<Location />\n<RequireAll>\nRequire all granted\nRequire not ldap-group x\n</RequireAll>\n</Location>",
            '"Require ldap-group"',
        ),
        ("<VirtualHost *:1>\nSSLVerifyClient require\n</VirtualHost>", "SSLVerifyClient"),
    ],
)
def test_what_is_kept_shut_is_told_of_and_can_be_ignored(text: str, name: str) -> None:
    """That nobody is let in is tested in test_access.py."""
    (found,) = judged(text)
    assert (found.name, found.severity) == ("not-emulated", Severity.WARNING)
    assert found.help.endswith(f"`--allow-unenforced {name}`: it is ignored then")
    (found,) = judged(text, name.strip('"').upper())
    assert (found.name, found.severity, found.help) == ("not-enforced", Severity.WARNING, "")
    assert found.message.endswith("strangers are not kept out")
    items = given(text).items
    assert ignored(items, [name.strip('"')]) != items == ignored(items, ["other"])


def test_a_difference_is_told_once() -> None:
    found = judged("ProxyHTMLEnable On\nProxyHTMLLinks a href\n<Location />\nProxyHTMLLinks b href\n</Location>")
    assert [(one.name, one.severity) for one in found] == [("not-emulated", Severity.WARNING)] * 2
    assert found[0].message == (
        "`ProxyHTMLEnable` is not emulated: links in pages are not rewritten: let the upstream know its own prefix (`base_url`)"
    )


def test_what_nobody_knows_is_a_door() -> None:
    assert difference("Xyzzy") is not None
    found = difference("Xyzzy")
    assert found is not None
    assert found.opens_a_door


@pytest.mark.parametrize("section", ["<Directory />", "<DirectoryMatch .>", "<Files x>", "<FilesMatch x>"])
def test_files_are_served_so_what_guards_them_is_missed(section: str) -> None:
    end = section[1:].split()[0]
    (one,) = judged(f"{section}\nSSLVerifyClient require\n</{end}>")
    assert one.severity is Severity.WARNING
    assert one.message.startswith("`SSLVerifyClient`")
    assert one.message.endswith("over TLS nobody is let in")
    (one,) = judged(f"{section}\nMellonEnable auth\n</{end}>")
    assert one.severity is Severity.ERROR


def test_what_is_called_emulated_means_something() -> None:
    """What the reference calls emulated is either given a meaning, or carried out while the file is read."""
    from perijove.config.apache import scopes  # noqa: F401 (registers)
    from perijove.config.apache.directives import REGISTRY

    reading_carries_out = {"defaultruntimedir", "define", "undefine", "error", "include", "includeoptional", "loadfile",
                           "loadmodule", "undefmacro", "use", "macroignorebadnesting", "macroignoreemptyargs"}  # fmt: skip
    assert {name for name in EMULATED if not name.startswith("<")} - set(REGISTRY) == reading_carries_out
