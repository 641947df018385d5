"""Until when answers may be kept, as it is written; what comes of it is recorded."""

import pytest

from perijove.config.apache import load
from perijove.config.apache.arguments.expires import Span, span
from perijove.text.source import Source


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("A3600", Span(3600, False)),
        ("M-5", Span(-5, True)),
        ("A", Span(0, False)),
        ("access plus 1 month", Span(30 * 86400, False)),
        ("now", Span(0, False)),
        ("Access later", Span(0, False)),
        ("M 5 whatever follows", Span(5, True)),
        ("a p 1 y 2 w 3 d 4 h 5 min 6 s", Span(365 * 86400 + 14 * 86400 + 3 * 86400 + 4 * 3600 + 306, False)),
        ("modification 2 hours", Span(7200, True)),
        ("", "unrecognised <base> ''"),
        ("later", "unrecognised <base> 'later'"),
        ("access plus month", "numeric value expected <num> 'month'"),
        ("access plus 1", "missing <type>"),
        ("access plus 1 m", "unrecognised <type>'m'"),
    ],
)
def test_codes(code: str, found: Span | str) -> None:
    assert span(code) == found


@pytest.mark.parametrize("line", ["ExpiresDefault later", 'ExpiresByType text/css "access plus 1 aeon"'])
def test_a_code_that_is_none(line: str) -> None:
    loaded = load(Source("hub.conf", f"Listen 8080\nExpiresActive On\n{line}\nProxyPass / http://127.0.0.1:9/\n"))
    assert [
        one.message.partition("'")[0] + one.message.partition(": ")[2] for one in loaded.diagnostics if one.name == "bad-value"
    ]
