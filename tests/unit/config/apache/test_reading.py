import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perijove.config.apache.directive import Directive, Section
from perijove.config.apache.document import parse
from perijove.config.apache.modules import ASSUMED, STATIC
from perijove.config.apache.reading import Reading, read
from perijove.text.diagnostic import Severity, has_errors
from perijove.text.source import Source

from .configtest import FOLDER, Case, cases

ANSWERS = json.loads((FOLDER / "configtest.json").read_text())
# Where Apache adds what its loader says.
WORDS_OF_THE_LOADER = {"module other file"}


def of(text: str, *defines: str) -> Reading:
    return read(Source("hub.conf", text), defines, environment={}, root="/")


def shown(items: tuple[Directive | Section, ...]) -> list[object]:
    found: list[object] = []
    for one in items:
        words = [word.text for word in one.words]
        found.append([one.name, words, shown(one.children)] if isinstance(one, Section) else [one.name, words])
    return found


def test_every_case_has_an_answer() -> None:
    """`python scripts/record_configtest.py` asks a real Apache."""
    assert [one.name for one in cases()] == list(ANSWERS)
    assert len(ANSWERS) > 400


@pytest.mark.parametrize("case", cases(), ids=lambda one: one.name)
def test_as_configtest_says(case: Case, tmp_path: Path) -> None:
    """The verdict of each, and the words of the first fault: the one at which Apache stops."""
    path = case.write(tmp_path)
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    reading = read(Source(str(path), text), case.defines, environment={}, root="/etc/apache2")
    errors = [one for one in reading.diagnostics if one.severity is Severity.ERROR]
    answer = ANSWERS[case.name]
    assert (not errors) == answer["ok"], (answer, errors)
    if not errors:
        return
    message = answer["message"]
    if "was not closed" in message:
        # Apache puts the place before each of its lines, the innermost section first.
        message = re.sub(r"^\S*:\d+: (?=<)", "", message.split("\n")[0])
    said = errors[0].message.replace(str(tmp_path), "{DIR}")
    assert message.startswith(said) if case.name in WORDS_OF_THE_LOADER else message == said
    assert errors[0].where is not None


def test_items() -> None:
    reading = of(
        "Define hub http://127.0.0.1:8000\n"
        "<virtualhost *:443 [::1]:443>\n"
        "  servername hub.example.org\n"
        '  <LOCATION "/jupyter/">\n'
        "    proxypass ${hub}/jupyter/ \\\n"
        "        upgrade=websocket\n"
        "  </location>\n"
        "  RewriteRule ^/a\\ b(.*) ws://x/$1 [P,L]\n"
        "</VIRTUALHOST>\n"
    )
    assert shown(reading.items) == [
        [
            "VirtualHost",
            ["*:443", "[::1]:443"],
            [
                ["ServerName", ["hub.example.org"]],
                ["Location", ["/jupyter/"], [["ProxyPass", ["http://127.0.0.1:8000/jupyter/", "upgrade=websocket"]]]],
                ["RewriteRule", ["^/a\\ b(.*)", "ws://x/$1", "[P,L]"]],
            ],
        ]
    ]
    assert reading.defines == {"hub": "http://127.0.0.1:8000"}
    assert reading.assumed
    assert [one.name for one in reading.diagnostics] == ["modules-assumed"]
    assert reading.modules == {*ASSUMED, *STATIC}
    assert reading.files == ("hub.conf",)
    host = reading.items[0]
    assert isinstance(host, Section)
    assert host.rest.text == "*:443 [::1]:443"
    location = host.children[1]
    assert isinstance(location, Section)
    target = location.children[0]
    assert (target.span.line, target.span.column) == (5, 5)
    assert [(one.span.line, one.span.column, one.span.size) for one in target.words] == [(5, 15, 15), (6, 9, 17)]


def test_all_faults_at_once() -> None:
    reading = of("Listen\n<Location />\nListen 80\nFoo\n</Location>\nServerName a b\n<Location /b>\nBar")
    assert [(one.name, one.where.line) for one in reading.diagnostics if one.where] == [
        ("section-not-closed", 7),
        ("argument-count", 1),
        ("not-allowed-here", 3),
        ("unknown-directive", 4),
        ("too-many-arguments", 6),
        ("unknown-directive", 8),
        ("modules-assumed", 1),
    ]


def test_nothing_is_said_of_an_empty_file() -> None:
    assert of("# nothing\n") == Reading(
        (), of("").modules, {}, ("hub.conf",), (parse(Source("hub.conf", "# nothing\n")),), (), True, "/"
    )


def test_modules_of_others() -> None:
    """Their directives are let pass: `unemulated` says what is missing."""
    assert not has_errors(of("OIDCProviderMetadataURL https://x\n").diagnostics)
    load = "LoadModule mpm_event_module mod_mpm_event.so\n"
    assert has_errors(of(f"{load}OIDCProviderMetadataURL https://x\n").diagnostics)
    reading = of(f"{load}LoadModule auth_openidc_module mod_auth_openidc.so\nOIDCProviderMetadataURL https://x\n")
    assert not has_errors(reading.diagnostics)
    assert shown(reading.items) == [["OIDCProviderMetadataURL", ["https://x"]]]
    assert "auth_openidc" in reading.modules


def test_debians_layout(tmp_path: Path) -> None:
    """What apachectl does before: ServerRoot is the folder of apache2.conf, and its envvars are in force."""
    (tmp_path / "sites-enabled").mkdir()
    (tmp_path / "envvars").write_text("export APACHE_LOG_DIR=/var/log/hub\n")
    (tmp_path / "apache2.conf").write_text("IncludeOptional sites-enabled/*.conf\n")
    site = tmp_path / "sites-enabled" / "hub.conf"
    site.write_text("ErrorLog ${APACHE_LOG_DIR}/error.log\n")
    for path in (tmp_path / "apache2.conf", site):
        reading = read(Source(str(path), path.read_text()))
        assert shown(reading.items) == [["ErrorLog", ["/var/log/hub/error.log"]]]
    assert reading.files == (str(site),)


def test_options_define() -> None:
    text = "<IfDefine TLS>\nListen 443\n</IfDefine>"
    assert shown(of(text, "TLS").items) == [["Listen", ["443"]]]
    assert not of(text).items


LINES = (
    "ProxyPass / http://a/ upgrade=websocket", "<Location /a>", "</Location>", "<IfModule mod_proxy.c>", "</IfModule>",
    "<IfModule !mod_proxy.c>", "Define a b", "${a} ${b}", "<Macro m $x>", "</Macro>", "Use m 1", "UndefMacro m", "<If", "</",
    "<", ">", "\\", '"', "RewriteRule \"a", "Header", "Require", "Include nix", "<IfVersion >", "LoadModule a b", "<Else>",
    "Redirect", "Listen", "Alias /", "<RequireAny>", "</RequireAny>", "SetEnvIf", "# x \\", "", "\0", "ServerRoot /",
    "LoadModule macro_module x", "Error", "Options", "<Proxy", "<>", "ProxyPassReverse", "<VirtualHost *:80>", "</VirtualHost>",
)  # fmt: skip


@given(st.lists(st.sampled_from(LINES), max_size=14), st.sampled_from(["\n", "\r\n", " "]))
@settings(deadline=None, max_examples=300)
def test_any_lines_are_read(lines: list[str], end: str) -> None:
    for one in of(end.join(lines)).diagnostics:
        assert one.where is not None
        assert one.message


@given(st.text())
@settings(deadline=None)
def test_any_text_is_read(text: str) -> None:
    of(text)


def test_a_large_file_is_read_at_once() -> None:
    """Ten thousand lines took 0.6 s on the machine where this was written; no part may cost more for each line before it."""
    host = "<VirtualHost *:{0}>\nServerName hub{0}\n# x\n<Location /{0}/>\nProxyPass http://127.0.0.1:{0}/\n</Location>\n</VirtualHost>\n"

    def seconds(hosts: int) -> float:
        text = "".join(host.format(number) for number in range(hosts))
        begin = time.process_time()
        reading = of(text)
        assert len(reading.items) == hosts
        return time.process_time() - begin

    seconds(10)
    assert min(seconds(1430) for _ in range(3)) < 2
