"""Files that are given by mistake are told for what they are, and no file of Apache's or perijove's own is taken for one."""

from pathlib import Path

import pytest

from perijove.checks.foreign import foreign
from perijove.checks.opened import of_source
from perijove.checks.run import check
from perijove.text.source import Source

HERE = Path(__file__).parent
OTHERS = {
    "nginx's configuration": """
# the hub
map $http_upgrade $connection_upgrade { default upgrade; '' close; }
server {
    listen 443 ssl;
    location / { proxy_pass http://127.0.0.1:8000; }
}
""",
    "HAProxy's configuration": """
defaults
    mode http
frontend web
    bind *:80
    default_backend hub
backend hub
    server one 127.0.0.1:8000
""",
    "Caddy's configuration": "hub.example.org {\n    reverse_proxy 127.0.0.1:8000\n}\n",
    "YAML": "---\nhttp:\n  routers:\n    hub:\n      rule: Host(`hub.example.org`)\n",
    "JSON": '{"apps": {"http": {}}}',
    "JupyterHub's or a Jupyter server's own configuration": '# a hub\nc.JupyterHub.bind_url = "http://127.0.0.1:8000"\n',
    "a log": "[Sat Nov 28 05:10:24.123456 2026] [proxy:error] [pid 1] AH00957: http: attempt to connect failed\n",
    "a certificate or a key": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "a page of HTML": "<!DOCTYPE html>\n<html><body>ProxyPass / http://127.0.0.1:8000/</body></html>\n",
    "text in UTF-16": "<VirtualHost *:80>\n</VirtualHost>\n".encode("utf-16").decode("utf-8", "surrogateescape"),
    "no text": "\x7fELF\x02\x01\0\0\0",
}


@pytest.mark.parametrize("what", OTHERS)
@pytest.mark.parametrize("name", ["hub.conf", "hub", "hub.toml"])
def test_it_is_said_what_a_file_is(what: str, name: str) -> None:
    report = check(of_source(Source(name, OTHERS[what])))
    assert [one.name for one in report.diagnostics] == ["other-file"]
    assert report.diagnostics[0].message == f"this is {what}, not Apache's configuration nor perijove's"
    assert report.diagnostics[0].help


@pytest.mark.parametrize(("text", "more"), [("", ""), ("\n\n", ""), ("# nothing\n  # yet\n", " but comments")])
def test_a_file_with_nothing_in_it(text: str, more: str) -> None:
    report = check(of_source(Source("hub.conf", text)))
    assert [(one.name, one.message) for one in report.diagnostics] == [
        ("empty-file", f"there is nothing in this file{more}"),
    ]


def test_no_file_of_apaches_or_our_own_is_taken_for_another() -> None:
    paths = [*HERE.glob("*/*.conf"), *HERE.glob("*/*/*.conf"), *HERE.glob("*/*.toml"), *HERE.glob("*/*/*.toml")]
    paths += HERE.parent.rglob("*.conf")
    assert len(paths) > 400
    for path in paths:
        source = Source(path.name, path.read_bytes().decode("utf-8", "surrogateescape"))
        assert foreign(source) is None, path
