import pytest

from perijove.config.apache.modules import ASSUMED, STATIC, STRANGERS, enabling, stranger
from perijove.config.apache.table import table


def test_modules_are_known() -> None:
    for name in (*ASSUMED, *STATIC):
        assert name in table().sources, name
    assert not set(ASSUMED) & set(STATIC)
    assert len(set(ASSUMED)) == len(ASSUMED)


@pytest.mark.parametrize(
    ("name", "module"),
    [("ShibRequestSetting", "mod_shib"), ("OIDCClientID", "auth_openidc"), ("wsgidaemonprocess", "wsgi"), ("ProxyPass", None)],
)
def test_strangers(name: str, module: str | None) -> None:
    found = stranger(name)
    assert (found.module if found else None) == module


def test_httpd_has_no_directive_of_a_stranger() -> None:
    """`SecRuleEngine` is a stranger's, and nothing of httpd's begins with `Sec`; else it would be let pass unread."""
    for name in table().commands:
        found = stranger(name.lstrip("<"))
        assert found is None, (name, found)


def test_prefixes_are_small_letters() -> None:
    for one in STRANGERS:
        assert all(prefix == prefix.lower() for prefix in one.prefixes)


def test_what_to_type() -> None:
    assert enabling("headers") == (
        "load it: `a2enmod headers`, or `LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so`"
    )
    assert enabling("core") == "it is built in"
