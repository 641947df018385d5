"""configurable-http-proxy's options, and what they mean."""

import ipaddress

import pytest

from perijove.config.chp import PRIVATE, BadOption, Options, Tls, gateway
from perijove.gateway.model import TcpAddress, UnixAddress
from perijove.gateway.rules import EditField, ForwardDynamic, MapUrl, Redirect

PAIR = Tls(cert="c.pem", key="k.pem")


def test_defaults():
    made = gateway(Options())
    assert [one.address for one in made.listeners] == [TcpAddress("", 8000)]
    assert made.routing.api.address == TcpAddress("localhost", 8001)
    assert [type(one.do) for one in made.hosts[0].stages.route] == [ForwardDynamic]
    assert made.trust == tuple(map(ipaddress.ip_network, PRIVATE))
    assert made.routing.keeps_prefix
    assert made.routing.preserve_host


def test_addresses():
    made = gateway(Options(ip="*", port=1, api_ip="*", metrics_port=9))
    assert (made.listeners[0].address, made.routing.api.address) == (TcpAddress("", 1), TcpAddress("", 2))
    assert made.metrics == TcpAddress("", 9)
    made = gateway(Options(socket="/s", api_socket="/a", metrics_socket="/m"))
    assert (made.listeners[0].address, made.routing.api.address, made.metrics) == tuple(map(UnixAddress, ("/s", "/a", "/m")))


def test_tls():
    asked = Tls(cert="c.pem", key="k.pem", ca="a.pem", request_cert=True, reject_unauthorized=True)
    made = gateway(Options(tls=asked, api_tls=PAIR, client_tls=Tls(cert="o.pem", key="p.pem", ca="b.pem")))
    public, api, towards = made.listeners[0].tls, made.routing.api.tls, made.routing.tls
    assert public.needs_client
    assert public.client_ca == "a.pem"
    assert not api.asks_client
    assert gateway(Options(tls=Tls(cert="c.pem", request_cert=True))).listeners[0].tls.needs_client
    assert (towards.cert, towards.key, towards.ca, towards.verify) == ("o.pem", "p.pem", "b.pem", True)
    assert not gateway(Options(insecure=True)).routing.tls.verify


@pytest.mark.parametrize(
    "options",
    [
        Options(error_target="http://h", error_path="/p"),
        Options(redirect_port=80),
        Options(tls=Tls(key="k.pem")),
        Options(client_tls=Tls(key="k.pem")),
        Options(trust=("x",)),
    ],
)
def test_nothing_can_be_made_of(options):
    with pytest.raises(BadOption):
        gateway(options)


@pytest.mark.parametrize(("to", "port"), [(None, b":8443"), (443, b""), (9443, b":9443")])
def test_redirect(to, port):
    made = gateway(Options(port=8443, tls=PAIR, redirect_port=8080, redirect_to=to))
    other = made.listeners[1]
    assert other.address == TcpAddress("", 8080)
    rule = other.hosts[0].stages.route[0]
    assert isinstance(rule.do, Redirect)
    assert rule.do.status == 301
    assert rule.do.location[2] == port
    assert other.hosts[1].names == ("",)  # who names no host cannot be told where to go
    assert other.hosts[1].stages.route[0].do.status == 400


def test_fields():
    stages = gateway(Options(custom_headers=(("X-A", "b"),), auto_rewrite=True, protocol_rewrite="https")).hosts[0].stages
    assert [(one.do.name, one.do.value) for one in stages.request if isinstance(one.do, EditField)] == [(b"X-A", (b"b",))]
    assert [one.do.public[0] for one in stages.response if isinstance(one.do, MapUrl)] == [b"https://", b"https://"]
    assert [one.do.secure for one in gateway(Options()).hosts[0].stages.response] == [True]


def test_trust_nobody():
    assert gateway(Options(trust=("none",))).trust == ()


def test_times():
    made = gateway(Options(timeout=1.5, proxy_timeout=2.0, keep_alive_timeout=3.0, grace=4.0)).timeouts
    assert (made.body, made.header, made.response, made.stream, made.keepalive, made.grace) == (1.5, 1.5, 1.5, 1.5, 3.0, 4.0)
    made = gateway(Options(proxy_timeout=2.0)).timeouts
    assert (made.response, made.stream) == (2.0, 2.0)
    assert (made.body, made.header) != (2.0, 2.0)


def test_the_token_is_not_shown():
    assert "secret" not in repr(gateway(Options(token="secret")))
