"""A line of the access log, and whether a URL in it has something to hide. Pure form; `line.pyx` is its twin.

Knows octets. Must not know connections, or which parameters are secret.
"""

from __future__ import annotations

import re
from typing import Final

ALL: Final = 1 << 30  # octets of a value: it is not made shorter
_unsafe: Final = re.compile(rb'["\\\x00-\x1f\x7f-\xff]').sub
_SAFE: Final = bytes(octet for octet in range(0x20, 0x7F) if octet not in b'"\\')
_parameters: Final = re.compile(rb"[?&;#]([A-Za-z0-9_-]+)(?==)").findall


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\x%02x" % found[0][0]


def shortened(value: bytes, most: int) -> bytes:
    """Return a value, or its first `most` octets and three dots."""
    return value if len(value) <= most else value[:most] + b"..."


def combined(
    address: bytes,
    stamp: bytes,
    method: bytes,
    target: bytes,
    minor: int,
    status: int,
    sent: int,
    referer: bytes,
    agent: bytes,
    most: int,
) -> bytes:
    """Return a line in Apache's "combined" format, LF included.

    Args:
        address: of the client.
        stamp: the time, as it stands in brackets.
        method: empty if the request was not understood.
        target: without what is secret.
        minor: the request's version behind `HTTP/1.`.
        status: of the answer.
        sent: octets of its content.
        referer: without what is secret; empty: there was none.
        agent: the same.
        most: octets of each value that the client chose; quotation marks, backslashes and what is not printed are escaped.
    """
    if most != ALL:
        method, target, agent = shortened(method, most), shortened(target, most), shortened(agent, most)
        referer = shortened(referer, most)
    request = b"%b %b HTTP/1.%d" % (method, target, minor) if method else b"-"
    if (request + referer + agent).translate(None, _SAFE):
        request, referer, agent = _unsafe(_escaped, request), _unsafe(_escaped, referer), _unsafe(_escaped, agent)
    return b'%b - - [%b] "%b" %d %d "%b" "%b"\n' % (address, stamp, request, status, sent, referer or b"-", agent or b"-")


def may_hide(url: bytes, names: frozenset[bytes]) -> bool:
    """Tell whether something may be secret in a URL: a parameter of such a name, an encoded octet, a path of authorizations.

    Args:
        url: or a request's target.
        names: of parameters, in lower case: letters, digits, hyphens and underscores.
    """
    if b"%" in url or b"/authorizations/" in url:
        return True
    return b"=" in url and any(name.lower() in names for name in _parameters(url))
