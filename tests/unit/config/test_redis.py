"""Options that say which Redis is shared."""

import pytest

from perijove.config.options import BadOption
from perijove.config.redis import Redis, shared
from perijove.gateway.model import TcpAddress, TlsClient, UnixAddress


def test_nothing():
    assert shared(Redis()) is None


@pytest.mark.parametrize(
    ("url", "address", "database", "user", "password"),
    [
        ("redis://", TcpAddress("localhost", 6379), 0, "", ""),
        ("redis://r.example", TcpAddress("r.example", 6379), 0, "", ""),
        ("redis://:p%40ss@r.example:7000/3", TcpAddress("r.example", 7000), 3, "", "p@ss"),
        ("redis://hub:secret@[::1]/", TcpAddress("::1", 6379), 0, "hub", "secret"),
        ("unix:///run/redis.sock", UnixAddress("/run/redis.sock"), 0, "", ""),
    ],
)
def test_urls(url, address, database, user, password):
    made = shared(Redis(url=url))
    assert (made.address, made.database, made.user, made.password) == (address, database, user, password)
    assert made.tls is None
    assert not password or (password not in repr(made) and password not in str(made))


def test_tls():
    made = shared(Redis(url="rediss://r.example", ca="ca.pem", cert="c.pem", key="k.pem"))
    assert made.tls == TlsClient(ca="ca.pem", cert="c.pem", key="k.pem")
    assert str(made) == "rediss://r.example:6379/0"


def test_sentinels():
    made = shared(Redis(sentinels=("a:1", "[::1]:2", "c"), service="hub", sentinel_password="secret"))
    assert made.sentinels == (TcpAddress("a", 1), TcpAddress("::1", 2), TcpAddress("c", 26379))
    assert str(made) == "redis, `hub` of the sentinels at a:1, [::1]:2, c:26379"
    assert "secret" not in repr(made)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"url": "http://x"}, "redis://"),
        ({"url": "redis://secret@x:port"}, "URL of Redis is none"),
        ({"url": "redis://x/name"}, "URL of Redis is none"),
        ({"url": "redis://x/0?ssl=true"}, "URL of Redis is none"),
        ({"url": "redis://x", "ca": "f"}, "rediss://"),
        ({"url": "rediss://x", "key": "f"}, "--redis-cert"),
        ({"url": "redis://x", "service": "hub"}, "go together"),
        ({"sentinels": ("x:1",)}, "go together"),
        ({"sentinels": ("x:y",), "service": "hub"}, "HOST:PORT"),
        ({"url": "redis://x", "prefix": ""}, "--redis-prefix"),
        ({"prefix": "hub"}, "--redis URL"),
        ({"ca": "f"}, "--redis URL"),
    ],
)
def test_what_cannot_be_meant(options, why):
    with pytest.raises(BadOption, match=why) as told:
        shared(Redis(**options))
    assert "secret" not in str(told.value)
