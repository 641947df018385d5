import pytest

from perijove.explain.request import head, parts, request


def test_a_page() -> None:
    asked = request("https://hub.example.org:8443/a b?c=ü#d", fields=["X-A:  1 "])
    assert asked.url == "https://hub.example.org:8443/a%20b?c=%C3%BC"
    assert parts(asked.url) == ("https", "hub.example.org:8443", 8443, "/a%20b?c=%C3%BC")
    assert head(asked) == b"GET /a%20b?c=%C3%BC HTTP/1.1\r\nHost: hub.example.org:8443\r\nX-A: 1\r\n\r\n"


def test_a_websocket_asks_for_one_and_keeps_what_was_given() -> None:
    asked = request("wss://hub.example.org/x", fields=["Sec-WebSocket-Version: 8"])
    assert asked.url == "https://hub.example.org/x"
    assert dict(asked.fields)["Upgrade"] == "websocket"
    assert [value for name, value in asked.fields if name == "Sec-WebSocket-Version"] == ["8"]


def test_a_forward_proxy_is_asked_for_the_whole_url() -> None:
    assert head(request("http://elsewhere.example/x"), proxied=True).startswith(b"GET http://elsewhere.example/x HTTP/1.1\r\n")


@pytest.mark.parametrize("url", ["elsewhere.example:443", "https://elsewhere.example/", "https://elsewhere.example:443/x"])
@pytest.mark.parametrize("proxied", [True, False])
def test_connect_has_one_form(url: str, proxied: bool) -> None:
    asked = request(url, "CONNECT")
    assert head(asked, proxied).startswith(b"CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: elsewhere.example")


def test_a_tunnel_to_a_literal_address() -> None:
    assert parts(request("[2001:db8::1]:443", "CONNECT").url) == ("http", "[2001:db8::1]:443", 443, "/")


@pytest.mark.parametrize(
    ("url", "method", "field", "source", "said"),
    [
        ("hub.example.org/hub", "GET", "a: b", "::1", "as a browser shows it"),
        ("hub.example.org:443", "GET", "a: b", "::1", "--method CONNECT"),
        ("hub.example.org:x", "CONNECT", "a: b", "::1", "is not a URL"),
        ("hub.example.org:70000", "CONNECT", "a: b", "::1", "65535"),
        ("http://hub.example.org:0/", "GET", "a: b", "::1", "65535"),
        ("http://me@hub.example.org/", "GET", "a: b", "::1", "is not a URL"),
        ("http://hub.example.org/", "G T", "a: b", "::1", "is not a method"),
        ("http://hub.example.org/", "GET", "a", "::1", "is not a field"),
        ("http://hub.example.org/", "GET", "a: b", "somewhere", "is not an address"),
    ],
)
def test_what_is_no_request(url: str, method: str, field: str, source: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        request(url, method, [field], source=source)
