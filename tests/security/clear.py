"""What is asked, beyond the grammar, of messages by which a proxy is judged: that no two readers could take one for different ones.

Knows what real recipients guess at. Must not know perijove.
"""

from __future__ import annotations

from tests import reader
from tests.reader import Broken, Fields, Message, Short

# What a recipient that merges trailers into the header could be told: framing, routing, who asks (RFC 9110 §6.5.1).
_NOT_IN_TRAILERS = frozenset(
    b"content-length transfer-encoding host connection upgrade te trailer authorization cookie set-cookie content-type "
    b"content-encoding x-forwarded-for x-forwarded-proto x-forwarded-host x-real-ip forwarded x-remote-user".split()
)
_FRAMING_LOOKALIKES = frozenset((b"content_length", b"transfer_encoding"))


class Unclear(Broken):
    """A message that can be taken for another one."""


def head(data: bytes) -> tuple[bytes, Fields, int] | None:
    """Return first line, fields, and where the head ends; None if it has not come whole. Raises Broken."""
    try:
        return reader.head(data)
    except Short:
        return None


def request(data: bytes) -> Message | None:
    """Return the request at the front of `data`, or None if it has not come whole. Raises Broken."""
    try:
        message = reader.request(data)
    except Short as short:
        if short.message is not None:
            _asked(short.message)
        return None
    _asked(message)
    return message


def response(data: bytes, method: bytes, ended: str) -> Message | None:
    """Return the response at the front of `data`, or None if it has not come whole.

    Args:
        data: what came.
        method: that it answers.
        ended: how the connection stands: "open", "fin" or "rst". What ends with the connection does not end by a reset.

    Raises: Broken.
    """
    try:
        message = reader.response(data, method, ended == "fin")
    except Short as short:
        if short.message is not None:
            _alike(short.message)
        return None
    _alike(message)
    if data[12:13] != b" ":  # RFC 9112 §4: also where no reason follows
        raise Unclear(f"status line {data[:80]!r}")
    if message.status == 204 and (message.get(b"content-length").strip(b"0") or message.get(b"transfer-encoding")):
        raise Unclear("a length for 204")
    return message


def _asked(message: Message) -> None:
    method, target = message.first
    if message.all(b"host") == [b""]:
        raise Unclear("an empty Host")
    if not (
        target.startswith(b"/")
        or (target == b"*" and method == b"OPTIONS")
        or target.lower().startswith((b"http://", b"https://"))
    ):
        raise Unclear(f"target {target[:80]!r}")
    if b"#" in target:
        raise Unclear(f"target {target[:80]!r}")
    _alike(message)


def _alike(message: Message) -> None:
    if not _FRAMING_LOOKALIKES.isdisjoint(name for name, _ in message.fields):
        raise Unclear("a name that looks like one of framing")
    for name, _ in message.trailers:
        if name.replace(b"_", b"-") in _NOT_IN_TRAILERS:
            raise Unclear(f"trailer {name!r}")
