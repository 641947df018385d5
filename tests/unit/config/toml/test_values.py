"""Single values: what they mean, and what is said of those that mean nothing."""

from collections.abc import Callable

import pytest

from perijove.config.toml import values
from perijove.gateway.model import Address, LogFile, Stderr, Syslog, TcpAddress, UnixAddress
from perijove.gateway.rules import Template, Variable


@pytest.mark.parametrize(
    ("written", "seconds"), [(5, 5), (1.5, 1.5), ("90s", 90), ("2m", 120), ("1h", 3600), ("250ms", 0.25), ("off", 0)]
)
def test_duration(written: object, seconds: float) -> None:
    assert values.duration(written) == seconds


@pytest.mark.parametrize(("written", "octets"), [(5, 5), ("64KiB", 65536), ("10MB", 10_000_000), ("1 gib", 1 << 30), ("7", 7)])
def test_size(written: object, octets: int) -> None:
    assert values.size(written) == octets


@pytest.mark.parametrize(
    ("written", "rate"), [("20/s", 20.0), ("600/m", 10.0), ("1.5 / s", 1.5), ("3600/h", 1.0), (5, 5.0), ("off", 0.0), (0, 0.0)]
)
def test_rate(written: object, rate: float) -> None:
    assert values.rate(written) == rate
    assert values.rate(rate) == rate


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("127.0.0.1:80", TcpAddress("127.0.0.1", 80)),
        (":80", TcpAddress("", 80)),
        ("*:80", TcpAddress("", 80)),
        ("80", TcpAddress("", 80)),
        ("[::1]:80", TcpAddress("::1", 80)),
        ("localhost:0", TcpAddress("localhost", 0)),
        ("unix:/run/p.sock", UnixAddress("/run/p.sock")),
    ],
)
def test_listen_address(written: str, address: Address) -> None:
    assert values.listen_address(written) == address


@pytest.mark.parametrize(
    ("written", "scheme", "address", "path"),
    [
        ("http://hub:8000", "http", TcpAddress("hub", 8000), ""),
        ("HTTPS://hub/", "https", TcpAddress("hub", 443), "/"),
        ("http://[::1]:8000/a/b", "http", TcpAddress("::1", 8000), "/a/b"),
        ("unix:/run/hub.sock", "http", UnixAddress("/run/hub.sock"), ""),
        ("http+unix://%2Frun%2Fhub.sock", "http", UnixAddress("/run/hub.sock"), ""),
    ],
)
def test_upstream_url(written: str, scheme: str, address: Address, path: str) -> None:
    assert values.upstream_url(written) == values.Url(scheme, address, path)


@pytest.mark.parametrize(
    ("written", "template"),
    [
        ("plain", (b"plain",)),
        ("{scheme}://{host}{target}", (Variable.SCHEME, b"://", Variable.HOST, Variable.TARGET)),
        ("a{{b}", (b"a{b}",)),
        ("", ()),
    ],
)
def test_template(written: str, template: Template) -> None:
    assert values.template(written) == template


@pytest.mark.parametrize(
    ("parse", "written", "hint"),
    [
        (values.duration, "5 minutes", "10m"),
        (values.duration, -1, "0 (never)"),
        (values.duration, True, "number of seconds"),
        (values.size, "5 lines", "64KiB"),
        (values.size, -1, "octets"),
        (values.rate, "20", "20/s"),
        (values.rate, "20/d", "600/m"),
        (values.rate, True, "off"),
        (values.rate, -1, "1/h"),
        (values.rate, float("nan"), "1/h"),
        (values.rate, "1000000/s", "100000/s"),
        (values.listen_address, "localhost", "localhost:8080"),
        (values.listen_address, "::1:80", "[::1]:80"),
        (values.listen_address, ":99999", "99999"),
        (values.listen_address, "h:http", "HOST:PORT"),
        (values.listen_address, "unix:", "unix:/run/perijove.sock"),
        (values.log_target, "", "standard error"),
        (values.log_target, "syslog:log", "syslog:/path"),
        (values.log_target, "syslog://", "syslog://HOST:PORT"),
        (values.log_target, "syslog://h:x", "syslog://HOST:PORT"),
        (values.log_target, "syslog://h/path", "syslog://HOST:PORT"),
        (values.log_target, "syslog:?severity=info", "?facility=local0"),
        (values.log_target, "syslog:?facility=mine", "local7"),
        (values.upstream_url, "127.0.0.1:8000", "http://127.0.0.1:8000"),
        (values.upstream_url, "ws://h:1", "http://h:1"),
        (values.upstream_url, "wss://h:1", "https://h:1"),
        (values.upstream_url, "ftp://h", "http://h"),
        (values.upstream_url, "http://u:p@h", "scheme, host, port"),
        (values.upstream_url, "http://h/?q", "scheme, host, port"),
        (values.upstream_url, "http://h:x", "not a URL"),
        (values.upstream_url, "http://h b", "white space"),
        (values.upstream_url, "http://h_é", "not a host name"),
        (values.path_prefix, "jupyter/", "/jupyter/"),
        (values.path_prefix, "/a?b", "without `?`"),
        (values.path_prefix, "/a/../b", "dot segments"),
        (values.path_prefix, "/a b", "percent-encoded"),
        (values.field_name, "a b", "not a field name"),
        (values.field_name, "Connection", "perijove's to write"),
        (values.template, "{nope}", "{client-ip}"),
        (values.template, "a\nb", "one line"),
    ],
)
def test_faults_say_what_to_type(parse: Callable[[object], object], written: object, hint: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(written)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("-", Stderr()),
        ("/var/log/a.log", LogFile("/var/log/a.log")),
        ("syslog", LogFile("syslog")),
        ("syslog:", Syslog(UnixAddress("/dev/log"), 3)),
        ("syslog:?facility=local0", Syslog(UnixAddress("/dev/log"), 16)),
        ("syslog:/run/log?facility=user", Syslog(UnixAddress("/run/log"), 1)),
        ("syslog://logs.example", Syslog(TcpAddress("logs.example", 514), 3)),
        ("syslog://[::1]:5514?facility=local7", Syslog(TcpAddress("::1", 5514), 23)),
    ],
)
def test_log_target(written: str, meant: object) -> None:
    assert values.log_target(written) == meant
