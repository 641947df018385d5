"""The PROXY protocol's header: what is read from it, cut at every point, and what is refused."""

import pytest

from perijove.engine import proxy_protocol
from perijove.engine.const import BROKEN, MORE

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V4 = bytes([192, 0, 2, 7, 10, 0, 0, 1]) + (50000).to_bytes(2, "big") + (443).to_bytes(2, "big")
V6 = bytes.fromhex("20010db8" + "00" * 11 + "07") + bytes(15) + b"\1" + (50000).to_bytes(2, "big") + (443).to_bytes(2, "big")
MAPPED = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 7]) + V6[16:]
UNIX = b"/run/client".ljust(108, b"\0") + b"/run/balancer".ljust(108, b"\0")
TLV = b"\x04\x00\x03abc"
LONGEST = b"PROXY UNKNOWN " + b" ".join([b"ffff:" * 7 + b"ffff"] * 2) + b" 65535 65535\r\n"


def binary(block: bytes, family: int = 0x11, command: int = 0x21, size: int | None = None) -> bytes:
    return SIGNATURE + bytes([command, family]) + (len(block) if size is None else size).to_bytes(2, "big") + block


GOOD = [
    (b"PROXY TCP4 192.0.2.7 10.0.0.1 50000 443\r\n", b"192.0.2.7", 50000),
    (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", b"255.255.255.255", 65535),
    (b"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", b"0.0.0.0", 0),
    (b"PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 50000 443\r\n", b"2001:db8::7", 50000),
    (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 50000 443\r\n", b"192.0.2.7", 50000),
    (b"PROXY UNKNOWN\r\n", b"", 0),
    (b"PROXY UNKNOWN any thing, \r even \n this\r\n", b"", 0),
    (LONGEST, b"", 0),
    (binary(V4), b"192.0.2.7", 50000),
    (binary(V4 + TLV), b"192.0.2.7", 50000),
    (binary(V4 + bytes(4080 - len(V4))), b"192.0.2.7", 50000),
    (binary(V6, 0x21), b"2001:db8::7", 50000),
    (binary(V6 + TLV, 0x21), b"2001:db8::7", 50000),
    (binary(MAPPED, 0x21), b"192.0.2.7", 50000),
    (binary(UNIX, 0x31), b"unix:", 0),
    (binary(UNIX + TLV, 0x31), b"unix:", 0),
    (binary(V4, 0x12), b"", 0),
    (binary(V6, 0x22), b"", 0),
    (binary(UNIX, 0x32), b"", 0),
    (binary(b"", 0x00), b"", 0),
    (binary(b"what", 0x00), b"", 0),
    (binary(b"", 0x01), b"", 0),
    (binary(b"", 0x10), b"", 0),
    (binary(b"", 0x00, 0x20), b"", 0),
    (binary(V4, 0x11, 0x20), b"", 0),
    (binary(b"", 0x11, 0x20), b"", 0),
    (binary(b"any", 0xFF, 0x20), b"", 0),
]


@pytest.mark.parametrize(("header", "address", "port"), GOOD)
@pytest.mark.parametrize("rest", [b"", b"\n", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n", b"PROXY UNKNOWN\r\n"])
def test_headers(header: bytes, address: bytes, port: int, rest: bytes) -> None:
    assert proxy_protocol.parse(header + rest) == (len(header), address, port)


@pytest.mark.parametrize("header", [header for header, _, _ in GOOD])
def test_all_that_a_header_lacks_is_awaited(header: bytes) -> None:
    for cut in range(len(header)):
        assert proxy_protocol.parse(header[:cut])[0] == MORE, cut


def line(words: bytes) -> bytes:
    return b"PROXY " + words + b"\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02",
        b"\r\nGET / HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n",
        b"proxy UNKNOWN\r\n",
        b" PROXY UNKNOWN\r\n",
        b"PROXY\tUNKNOWN\r\n",
        b"PROXY\r\n",
        line(b""),
        line(b" UNKNOWN"),
        line(b"UNKNOWNS"),
        line(b"unknown"),
        line(b"TCP4"),
        line(b"TCP5 192.0.2.7 10.0.0.1 1 2"),
        line(b"UDP4 192.0.2.7 10.0.0.1 1 2"),
        line(b"TCP4 192.0.2.7 10.0.0.1 1"),
        line(b"TCP4 192.0.2.7 10.0.0.1 1 2 3"),
        line(b"TCP4 192.0.2.7 10.0.0.1 1 2 "),
        line(b"TCP4  192.0.2.7 10.0.0.1 1 2"),
        line(b"TCP4 192.0.2.7 10.0.0.1 1 2\n"),
        line(b"TCP4 192.0.2.7\t10.0.0.1 1 2"),
        line(b"TCP4 192.0.2 10.0.0.1 1 2"),
        line(b"TCP4 192.0.2.256 10.0.0.1 1 2"),
        line(b"TCP4 192.0.2.07 10.0.0.1 1 2"),
        line(b"TCP4 192.0.2.7 10.0.0.01 1 2"),
        line(b"TCP4 0xc0.0.2.7 10.0.0.1 1 2"),
        line(b"TCP4 3221225991 10.0.0.1 1 2"),
        line(b"TCP4 192.0.2.7\0 10.0.0.1 1 2"),
        line(b"TCP4 192.0.2.\xb2 10.0.0.1 1 2"),
        line(b"TCP4 hub.example 10.0.0.1 1 2"),
        line(b"TCP4 2001:db8::7 ::1 1 2"),
        line(b"TCP6 192.0.2.7 10.0.0.1 1 2"),
        line(b"TCP6 2001:db8::7 10.0.0.1 1 2"),
        line(b"TCP6 2001::db8::7 ::1 1 2"),
        line(b"TCP6 2001:db8:7 ::1 1 2"),
        line(b"TCP6 [2001:db8::7] ::1 1 2"),
        line(b"TCP6 fe80::7%eth0 ::1 1 2"),
        line(b"TCP6 2001:db8::10000 ::1 1 2"),
        line(b"TCP4 192.0.2.7 10.0.0.1 65536 2"),
        line(b"TCP4 192.0.2.7 10.0.0.1 1 65536"),
        line(b"TCP4 192.0.2.7 10.0.0.1 01 2"),
        line(b"TCP4 192.0.2.7 10.0.0.1 1 00"),
        line(b"TCP4 192.0.2.7 10.0.0.1 +1 2"),
        line(b"TCP4 192.0.2.7 10.0.0.1 -1 2"),
        line(b"TCP4 192.0.2.7 10.0.0.1 1_0 2"),
        line(b"TCP4 192.0.2.7 10.0.0.1 \xb2 2"),
        line(b"TCP4 192.0.2.7 10.0.0.1  2"),
        LONGEST[:-2] + b"5\r\n",
        b"PROXY " + b"x" * 101,
        binary(V4, command=0x11),
        binary(V4, command=0x31),
        binary(V4, command=0x22),
        binary(V4, command=0x2F),
        binary(V4, 0x13),
        binary(V4, 0x41),
        binary(V4, 0xF1),
        binary(V4, 0x03),
        binary(V4[:-1]),
        binary(b""),
        binary(V4, 0x12, size=11),
        binary(V4, 0x21),
        binary(V6[:-1], 0x21),
        binary(UNIX[:-1], 0x31),
        binary(V4, size=4081),
        binary(V4, size=65535),
        binary(b"", 0, 0x20, size=65535),
        SIGNATURE[:-1] + b"\r" + binary(V4)[12:],
    ],
)
def test_what_is_no_header(data: bytes) -> None:
    assert proxy_protocol.parse(data)[0] == BROKEN


def test_what_cannot_become_a_header_is_not_awaited() -> None:
    assert proxy_protocol.parse(b"G")[0] == BROKEN
    assert proxy_protocol.parse(b"\r\n\r\n\0\r\nQ!")[0] == BROKEN
    assert proxy_protocol.parse(b"PROPFIND")[0] == BROKEN
    assert proxy_protocol.parse(binary(V4, command=0x11)[:16])[0] == BROKEN
    assert proxy_protocol.parse(binary(V4, size=4081)[:16])[0] == BROKEN


def test_a_line_is_awaited_up_to_its_bound() -> None:
    assert proxy_protocol.parse(b"PROXY " + b"x" * 100)[0] == MORE
    assert proxy_protocol.parse(LONGEST[:-1])[0] == MORE
