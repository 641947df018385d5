"""How long a client may take for a head."""

import pytest

from perijove.config.apache import load
from perijove.gateway.model import Timeouts
from perijove.text.source import Source


def times(said: str) -> tuple[float, float]:
    loaded = load(Source("hub.conf", f"Listen 8080\n{said}\nProxyPass / http://127.0.0.1:9/\n"))
    assert loaded.gateway is not None, loaded.diagnostics
    return loaded.gateway.timeouts.header, loaded.gateway.timeouts.handshake


@pytest.mark.parametrize(
    ("said", "header", "handshake"),
    [
        ("", 20.0, None),
        ("RequestReadTimeout header=5", 5.0, None),
        ("RequestReadTimeout header=10-30,MinRate=500 body=20,MinRate=500", 10.0, None),
        ("RequestReadTimeout handshake=7 header=0", 0.0, 7.0),
        ("RequestReadTimeout body=30", 20.0, None),
        ("RequestReadTimeout header=5\nRequestReadTimeout header=6", 6.0, None),
    ],
)
def test_times(said: str, header: float, handshake: float | None) -> None:
    assert times(said) == (header, handshake or Timeouts().handshake)
