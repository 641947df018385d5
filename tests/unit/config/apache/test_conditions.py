import pytest

from perijove.config.apache.conditions import ConditionError, holds, loaded
from perijove.config.apache.defines import Variables


def asked(name: str, args: str) -> bool:
    return holds(
        name, args, modules={"core", "proxy", "mpm_event", "mod_shib", "wsgi"}, variables=Variables({}, {"A"}), root="/"
    )


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("<IfModule", "mod_proxy.c>", True),
        ("<IfModule", "!mod_proxy.c>", False),
        ("<IfModule", '"proxy_module" x> y', True),
        ("<IfModule", "proxy>", False),
        ("<IfModule", "event.c>", True),
        ("<IfDefine", "A>", True),
        ("<IfDefine", "a>", False),
        ("<IfDefine", "! a>", True),
        ("<IfFile", "dev/null>", True),
        ("<IfFile", "/nix>", False),
        ("<IfDirective", "proxypass>", True),
        ("<IfDirective", "Header>", False),
        ("<IfSection", "location>", True),
        ("<IfSection", "<Location>", False),
        ("<IfVersion", ">= 2.4>", True),
        ("<IfVersion", "< 2.4.71>", False),
        ("<IfVersion", "<= 2.4.71 >", True),
        ("<IfVersion", "2.4.71>", True),
        ("<IfVersion", "!~ ^2\\.5>", True),
        ("<IfVersion", "= /^2.4/>", True),
    ],
)
def test_holds(name: str, args: str, expected: bool) -> None:
    assert asked(name, args) is expected


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("<IfModule", "mod_proxy.c", "<IfModule> directive missing closing '>'"),
        ("<IfDefine", "!>", "<IfDefine> directive requires additional arguments"),
        ("<IfVersion", "> x>", "Version appears to be invalid."),
        ("<IfVersion", "=~ 2>", "unrecognized operator '=~'"),
        ("<IfVersion", "~ (>", "Unable to compile regular expression"),
        ("<IfVersion", "= /2>", "Missing delimiting / of regular expression."),
    ],
)
def test_cannot_be_decided(name: str, args: str, message: str) -> None:
    with pytest.raises(ConditionError) as raised:
        asked(name, args)
    assert str(raised.value).startswith(message)


def test_modules_of_others() -> None:
    modules = {"mod_shib", "wsgi"}
    assert loaded("mod_shib.c", modules)
    assert loaded("mod_wsgi.c", modules)
    assert loaded("wsgi_module", modules)
    assert not loaded("wsgi", modules)
