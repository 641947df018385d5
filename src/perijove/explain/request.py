"""A request: from a URL and what else is said of it to the octets that a client would send.

Knows URLs and heads. Must not know what becomes of them.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from perijove.explain.model import Line, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

ELSEWHERE: Final = "192.0.2.1"  # a client that is nobody's (RFC 5737)
_split: Final = re.compile(r"(?i)(https?|wss?)://([^/?#]+)([^#]*)(?:#.*)?\Z").match
_authority: Final = re.compile(r"([^/?#@\s]+):[0-9]{1,5}\Z").match  # what CONNECT asks for (RFC 9112 §3.2.3)
_port: Final = re.compile(r":([0-9]{1,5})\Z").search
_field: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*\Z").match
_token: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z").match
_HANDSHAKE: Final = (
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),  # of RFC 6455 §1.3
)


def request(
    url: str, method: str = "GET", fields: Sequence[str] = (), websocket: bool = False, source: str = ELSEWHERE
) -> Request:
    """Return what is asked about.

    Args:
        url: with scheme and host; ws:// and wss:// ask for a WebSocket. HOST:PORT if the method is CONNECT.
        method: of the request.
        fields: `Name: value`, further ones.
        websocket: it is a WebSocket's handshake.
        source: the client's address, or `unix:`.

    Raises:
        ValueError: one of them is wrong; the text says what to type instead.
    """
    found = _split(url)
    tunnel = method == "CONNECT" and _authority(url) is not None
    authority = url if tunnel else found[2] if found else ""
    if not authority or "@" in authority:
        raise ValueError(
            f"`{url}` is not a URL of a request: write it as a browser shows it, "
            "https://hub.example.org/hub/, or HOST:PORT with --method CONNECT"
        )
    port = _port(authority)
    if port and not 0 < int(port[1]) < 1 << 16:
        raise ValueError(f"`{url}` has no port that there is: write one from 1 to 65535")
    if not _token(method):
        raise ValueError(f"`{method}` is not a method: write GET or POST")
    lines: list[Line] = []
    for one in fields:
        said = _field(one)
        if not said:
            raise ValueError(f"`{one}` is not a field: write `Name: value`")
        lines.append((said[1], said[2]))
    if source != "unix:":
        try:
            ipaddress.ip_address(source)
        except ValueError:
            raise ValueError(f"`{source}` is not an address: write one like {ELSEWHERE}, or `unix:`") from None
    if tunnel:
        return Request(method, url, source, tuple(lines))
    assert found is not None
    if websocket or found[1].lower() in ("ws", "wss"):
        named = {name.lower() for name, _ in lines}
        lines += [line for line in _HANDSHAKE if line[0].lower() not in named]
    # What a browser would encode is encoded; all else stays as it was typed.
    rest = quote(found[3], safe="".join(chr(octet) for octet in range(0x21, 0x7F)))
    scheme = "https" if found[1].lower() in ("https", "wss") else "http"
    return Request(method, f"{scheme}://{found[2]}{rest if rest.startswith('/') else '/' + rest}", source, tuple(lines))


def parts(url: str) -> tuple[str, str, int, str]:
    """Return scheme, authority, port and target of a request's URL; of CONNECT's HOST:PORT, whose client speaks http."""
    found = _split(url)
    if found is None:
        return "http", url, int(url.rpartition(":")[2]), "/"
    scheme = found[1].lower()
    port = _port(found[2])
    return scheme, found[2], int(port[1]) if port else 443 if scheme == "https" else 80, found[3] or "/"


def head(one: Request, proxied: bool = False) -> bytes:
    """Return the head that the client sends; if `proxied`, to a forward proxy (RFC 9112 §3.2.2, §3.2.3)."""
    _, authority, port, target = parts(one.url)
    if one.method == "CONNECT":  # has this form only, whoever is asked
        target = authority if authority.endswith(f":{port}") else f"{authority}:{port}"
    elif proxied:
        target = one.url
    lines = list(one.fields)
    if one.version == "1.1" and not any(name.lower() == "host" for name, _ in lines):
        lines.insert(0, ("Host", authority))
    text = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"{one.method} {target} HTTP/{one.version}\r\n{text}\r\n".encode("utf-8", "surrogateescape")
