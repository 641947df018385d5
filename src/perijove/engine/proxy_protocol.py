"""The PROXY protocol's header, with which a TCP balancer tells whose connection it passes on (HAProxy's specification).

Knows octets, of version 1 (a line of text) and 2 (binary). Must not know sockets, nor who may send one.
"""

from __future__ import annotations

import re
import socket
from typing import Final

from perijove.engine.const import BROKEN, MORE

MOST: Final = 4096  # octets of a header, TLVs included

_TEXT: Final = b"PROXY "
_TEXT_MOST: Final = 107  # octets of a line with its end: the specification's longest
_BINARY: Final = b"\r\n\r\n\0\r\nQUIT\n"
_PORT: Final = re.compile(rb"0|[1-9][0-9]{0,4}")
_FAMILIES: Final = {b"TCP4": socket.AF_INET, b"TCP6": socket.AF_INET6}
_ADDRESS_BLOCK: Final = {1: 12, 2: 36, 3: 216}  # octets, by address family: IPv4, IPv6, Unix
_MAPPED: Final = bytes(10) + b"\xff\xff"

Parsed = tuple[int, bytes, int]

_more: Final[Parsed] = (MORE, b"", 0)
_broken: Final[Parsed] = (BROKEN, b"", 0)


def parse(data: bytes) -> Parsed:
    """Read a header from the first octets of a connection.

    Returns:
        The header's size, the client's address and its port. The address is empty if the connection is the balancer's own or
        if it does not know more: then the peer's counts. It is `unix:` of a client of a Unix socket.
        Instead of the size MORE, when all octets belong to a header that is not complete, or BROKEN.
    """
    if data.startswith(_BINARY):
        return _binary(data)
    if data.startswith(_TEXT):
        return _text(data)
    return _more if _BINARY.startswith(data) or _TEXT.startswith(data) else _broken


def _text(data: bytes) -> Parsed:
    end = data.find(b"\r\n", 0, _TEXT_MOST)
    if end < 0:
        return _more if len(data) < _TEXT_MOST else _broken
    words = data[len(_TEXT) : end].split(b" ")
    if words[0] == b"UNKNOWN":
        return end + 2, b"", 0
    if len(words) != 5 or words[0] not in _FAMILIES:
        return _broken
    family = _FAMILIES[words[0]]
    address, here = _address(family, words[1]), _address(family, words[2])
    port, port_here = _port(words[3]), _port(words[4])
    if not address or not here or port < 0 or port_here < 0:
        return _broken
    return end + 2, address, port


def _address(family: int, text: bytes) -> bytes:
    """Return an address as others compare it, or nothing if it is none. Zeros in front are refused by inet_pton."""
    try:
        return _shown(family, socket.inet_pton(family, text.decode("ascii")))
    except (OSError, ValueError):
        return b""


def _port(text: bytes) -> int:
    port = int(text) if _PORT.fullmatch(text) else -1
    return port if port <= 65535 else -1


def _binary(data: bytes) -> Parsed:
    if len(data) < 16:
        return _more
    version, command = divmod(data[12], 16)
    family, protocol = divmod(data[13], 16)
    size = 16 + int.from_bytes(data[14:16], "big")
    if version != 2 or command > 1 or size > MOST:
        return _broken
    known = command == 1 and family != 0 and protocol != 0
    if command == 1 and (family > 3 or protocol > 2):
        return _broken
    if known and size < 16 + _ADDRESS_BLOCK[family]:
        return _broken
    if len(data) < size:
        return _more
    if not known or protocol == 2:  # datagrams are not what came: as if the family were unknown
        return size, b"", 0
    if family == 3:
        return size, b"unix:", 0
    if family == 1:
        return size, _shown(socket.AF_INET, data[16:20]), int.from_bytes(data[24:26], "big")
    return size, _shown(socket.AF_INET6, data[16:32]), int.from_bytes(data[48:50], "big")


def _shown(family: int, packed: bytes) -> bytes:
    if packed.startswith(_MAPPED):
        family, packed = socket.AF_INET, packed[12:]
    return socket.inet_ntop(family, packed).encode()
