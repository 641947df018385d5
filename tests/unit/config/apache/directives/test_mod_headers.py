"""What RequestHeader sees of mod_ssl, which sets HTTPS before mod_headers looks (asked of Apache 2.4.71)."""

import pytest

from perijove.checks.opened import of_source
from perijove.text.source import Source

CONF = """
<VirtualHost *:{port}>
    ServerName hub.example.org
    {tls}
    RequestHeader set X-If yes env=HTTPS
    RequestHeader set X-Not yes env=!HTTPS
    RequestHeader set X-Early yes env=HTTPS early
    RequestHeader set X-Value "%{{HTTPS}}e"
    ProxyPass / http://127.0.0.1:8000/
</VirtualHost>
"""


@pytest.mark.parametrize(
    ("scheme", "port", "tls", "expected"),
    [
        ("https", 443, "SSLEngine on\n    SSLCertificateFile /etc/ssl/hub.pem", {"X-If": "yes", "X-Value": "on"}),
        ("http", 80, "", {"X-Not": "yes", "X-Value": "(null)"}),
    ],
)
def test_https(scheme: str, port: int, tls: str, expected: dict[str, str]) -> None:
    subject = of_source(Source("hub.conf", CONF.format(port=port, tls=tls)))
    found = subject.ask(f"{scheme}://hub.example.org/")
    assert found is not None
    assert found.sent is not None
    names = ("X-If", "X-Not", "X-Early", "X-Value")
    assert {name: value for name, value in found.sent.fields if name in names} == expected
