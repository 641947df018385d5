import pytest

from perijove.gateway.model import Address, TcpAddress, UnixAddress, Upstream


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (TcpAddress("127.0.0.1", 80), "127.0.0.1:80"),
        (TcpAddress("", 80), ":80"),
        (TcpAddress("::1", 80), "[::1]:80"),
        (UnixAddress("/run/x"), "unix:/run/x"),
    ],
)
def test_addresses_read_as_they_are_written(address: Address, text: str) -> None:
    assert str(address) == text


@pytest.mark.parametrize(
    ("scheme", "address", "authority"),
    [
        ("http", TcpAddress("hub", 80), b"hub"),
        ("http", TcpAddress("hub", 443), b"hub:443"),
        ("https", TcpAddress("hub", 443), b"hub"),
        ("https", TcpAddress("::1", 8443), b"[::1]:8443"),
        ("http", UnixAddress("/x"), b"localhost"),
    ],
)
def test_authority_leaves_out_the_default_port(scheme: str, address: Address, authority: bytes) -> None:
    assert Upstream(name="u", scheme=scheme, address=address).authority == authority
