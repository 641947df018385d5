"""What a client puts into a URL stays in it: no line of it becomes a field of a redirection, however it is encoded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.security.proxies import Running
from tests.security.stage import converse
from tests.server.parts import Front, Origin, eventually

from perijove.demo.processes import Process, free_port, is_free

TARGETS = (
    b"/r/%0d%0aSet-Cookie:%20stolen=1", b"/r/%0aSet-Cookie:stolen=1", b"/r/%0dSet-Cookie:stolen=1", b"/r/%0D%0A%0D%0A<script>", b"/r/x?%0d%0aSet-Cookie:stolen=1",
    b"/r/%E5%98%8A%E5%98%8DSet-Cookie:stolen=1", b"/r/%c4%8d%c4%8aSet-Cookie:stolen=1", b"/r/%00%0d%0aa:b", b"/r/a%250d%250ab:c",
)  # fmt: skip
APACHE = """Listen 127.0.0.1:{port}
<VirtualHost *:{port}>
ServerName hub.example
RewriteEngine On
RewriteRule "^/r/(.*)" "https://hub.example/$1" [R=302,{flags}]
Redirect "/s/" "https://hub.example/"
</VirtualHost>
"""


def lines(port: int, target: bytes) -> None:
    got = converse(port, [b"GET " + target + b" HTTP/1.1\r\nHost: hub.example\r\n\r\n"], [b"GET"], 1)
    assert not got.fault, got.fault
    (answer,) = got.answers
    assert not got.rest
    assert not answer.all(b"set-cookie"), got.data
    assert answer.status in (301, 302, 307, 308, 400, 403, 404, 500), got.data


def test_of_toml(fronts: Callable[..., Front], origin: Origin) -> None:
    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\n[[route]]\npath = "/r/"\nredirect = {{ to = "https://hub.example{{target}}" }}\n[[route]]\nto = "{origin.url}"\n'
    )
    for target in TARGETS:
        lines(front.port, target)


@pytest.mark.parametrize("flags", ["L", "NE", "B"])
def test_of_apache(flags: str, tmp_path: Path) -> None:
    port = free_port()
    file = tmp_path / "a.conf"
    file.write_text(APACHE.format(port=port, flags=flags))
    running = Running(
        "apache", port, Process("perijove", [sys.executable, "-m", "perijove", "serve", str(file)], tmp_path / "log")
    )
    try:
        assert eventually(lambda: not is_free(port), 15), running.log()
        for target in TARGETS:
            lines(port, target)
            lines(port, target.replace(b"/r/", b"/s/"))
    finally:
        running.stop()
