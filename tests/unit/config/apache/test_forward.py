"""Who may use a forward proxy, and who is told. What is forwarded is in the cases `fwd-*` of tests/oracle."""

from __future__ import annotations

import pytest

from perijove.config.apache import load
from perijove.text.source import Source

OPEN = "everybody may use this forward proxy: nothing says who may"


@pytest.mark.parametrize(
    ("more", "warned"),
    [
        ("", True),
        ('<Proxy "*">\nRequire all granted\n</Proxy>', True),
        ('<Proxy "*">\nRequire ip 10.0.0.0/8\n</Proxy>', False),
        ('<Proxy "*">\nOrder deny,allow\nDeny from all\nAllow from 10\n</Proxy>', False),
        ('<Location "/">\nRequire local\n</Location>', False),
        ('<Directory "/">\nRequire all denied\n</Directory>', True),  # of files: that keeps nobody out
        ("ProxyRequests Off", False),
    ],
)
def test_an_open_one_is_told_of(more: str, warned: bool) -> None:
    loaded = load(Source("f.conf", f"Listen 3128\nProxyRequests On\n{more}\n"))
    assert loaded.gateway is not None, loaded.diagnostics
    assert [one.message for one in loaded.diagnostics if one.name == "forward-proxy-open"] == [OPEN] * warned
