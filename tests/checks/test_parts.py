"""Configurations of other machines, and parts of them: what cannot be known of them is no fault. And what is told first."""

from collections.abc import Collection

from perijove.checks.opened import of_source
from perijove.checks.run import check
from perijove.checks.subject import Known
from perijove.text.diagnostic import Severity
from perijove.text.source import Source

HOST = """<VirtualHost *:80>
    ServerName hub.example.org
    ProxyPreserveHost On
    ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
    ProxyPassReverse / http://127.0.0.1:8000/
</VirtualHost>
"""


def told(text: str, name: str = "hub.conf", modules: Collection[str] | None = None) -> list[str]:
    known = Known(modules=None if modules is None else frozenset(modules))
    return [
        one.name for one in check(of_source(Source(name, text), known=known)).diagnostics if one.severity is not Severity.ADVICE
    ]


def test_a_file_that_loads_one_module_is_a_part() -> None:
    assert told(f"LoadModule mod_shib /usr/lib64/shibboleth/mod_shib_24.so\n{HOST}") == []


def test_what_is_given_and_what_a_part_loads_are_both_there() -> None:
    loads = "LoadModule proxy_module modules/mod_proxy.so\nLoadModule proxy_http_module modules/mod_proxy_http.so\n"
    edits = HOST.replace("ProxyPreserve", "RequestHeader set X-Forwarded-Proto http\n    ProxyPreserve")
    assert told(loads + edits, modules=["headers"]) == []
    assert told(loads + edits, modules=["rewrite"]) == ["module-not-loaded"]


def test_why_a_module_is_not_there() -> None:
    edits = HOST.replace("ProxyPreserve", "AuthLDAPURL ldap://ldap.example.org\n    ProxyPreserve")
    missing = check(of_source(Source("hub.conf", edits))).diagnostics
    given = check(of_source(Source("hub.conf", edits), known=Known(modules=frozenset(("proxy", "proxy_http"))))).diagnostics
    helps = [next(one.help for one in found if one.name == "module-not-loaded") for found in (missing, given)]
    assert helps[0].startswith(
        "it belongs to mod_authnz_ldap, which no file that was read loads, and which is not assumed; load it"
    )
    assert helps[1].startswith("it belongs to mod_authnz_ldap, which is not loaded; load it")


def test_a_whole_configuration_lacks_what_it_does_not_load() -> None:
    whole = "Listen 80\nLoadModule mpm_event_module modules/mod_mpm_event.so\nLoadModule authz_core_module modules/mod_authz_core.so\n"
    assert set(told(whole + HOST)) == {"module-not-loaded"}


def test_an_mpm_may_be_built_in() -> None:
    whole = "Listen 80\nLoadModule authz_core_module modules/mod_authz_core.so\n"
    proxy = "".join(f"LoadModule {name}_module modules/mod_{name}.so\n" for name in ("proxy", "proxy_http", "log_config"))
    assert told(whole + proxy + HOST) == []


def test_a_provider_of_another_module_is_not_unknown() -> None:
    section = "<Location /hub/admin>\n    Require {}\n</Location>\n"
    assert told(section.format("shib-attr group staff") + HOST) == []
    assert told(section.format("grantd") + HOST) == ["unknown-provider"]


def test_certificates_of_another_machine() -> None:
    text = 'listen = ":443"\nto = "http://127.0.0.1:8000"\n[tls]\ncert = "/no/such.pem"\nkey = "/no/such.key"\n'
    assert told(text, "hub.toml") == []


def test_what_stops_every_page_is_told_before_what_stops_some() -> None:
    found = told(
        "<VirtualHost *:80>\n    ServerName hub.example.org\n    ProxyPass / http://127.0.0.1:8000/jupyter\n</VirtualHost>\n"
    )
    assert found[:2] == ["prefix-changed", "slash-mismatch"]
    assert found[2:4] == ["hub-host-not-preserved", "websocket-route-missing"]


def test_what_apache_refuses_is_told_first() -> None:
    found = told("<VirtualHost *:80>\n    ProxyPass / http://127.0.0.1:8000/\n    ProxyPreserveHost Yes\n</VirtualHost>\n")
    assert found[0] not in ("hub-host-not-preserved", "websocket-route-missing")
