"""Single values as people write them: addresses, URLs, durations, sizes, templates.

Each function raises ValueError with what to type instead; pydantic turns that into a fault with a place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from perijove.gateway.model import Address, LogFile, Stderr, Syslog, TcpAddress, UnixAddress
from perijove.gateway.rules import Template, Variable

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_OCTETS = {"": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 1000, "mb": 10**6, "gb": 10**9}
_VARIABLE = re.compile(r"\{([a-z-]*)\}")

# RFC 5424 §6.2.1; those that programs other than the system's own may use
_FACILITIES = {"user": 1, "daemon": 3, **{f"local{number}": 16 + number for number in range(8)}}
_SYSLOG_HINT = "write `syslog:`, `syslog:/path/of/its/socket` or `syslog://HOST:PORT`, each with `?facility=local0` if you like"


@dataclass(frozen=True, slots=True)
class Url:
    """Where a route leads."""

    scheme: str
    address: Address
    path: str


def duration(value: object) -> float:
    """Return seconds: `75`, `1.5`, `"75s"`, `"10m"`, `"1h"`, `"250ms"`; `0` or `"off"` is never."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError('write a number of seconds, or a text such as "75s", "10m" or "off"')
    if isinstance(value, str):
        if value == "off":
            return 0.0
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)", value)
        if not found:
            raise ValueError('write a number of seconds, or a text such as "75s", "10m" or "off"')
        value = float(found[1]) * _SECONDS[found[2]]
    if not 0 <= value <= 31_536_000:
        raise ValueError("write a time from 0 (never) to a year")
    return float(value)


def size(value: object) -> int:
    """Return octets: `65536`, `"64KiB"`, `"10MB"`."""
    hint = 'write a number of octets, or a text such as "64KiB" or "10MB"'
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(hint)
    if isinstance(value, str):
        found = re.fullmatch(r"([0-9]+)\s*([a-z]*)", value.lower())
        if not found or found[2] not in _OCTETS:
            raise ValueError(hint)
        value = int(found[1]) * _OCTETS[found[2]]
    if value < 0:
        raise ValueError(hint)
    return value


def rate(value: object) -> float:
    """Return how often in a second: `20`, `"20/s"`, `"600/m"`, `"1000/h"`; `0` or `"off"` is no bound."""
    hint = 'write a rate such as "20/s" or "600/m", or "off"'
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(hint)
    if isinstance(value, str):
        if value == "off":
            return 0.0
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*/\s*(s|m|h)", value)
        if not found:
            raise ValueError(hint)
        value = float(found[1]) / _SECONDS[found[2]]
    if value != 0 and not 1 / 3600 <= value <= 100_000:
        raise ValueError("write a rate from `1/h` to `100000/s`, or `off`")
    return float(value)


def listen_address(text: str) -> Address:
    """Return what `[HOST]:PORT`, a port alone, or `unix:PATH` stands for."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path:
            raise ValueError("write the socket's path: `unix:/run/perijove.sock`")
        return UnixAddress(path)
    host, colon, port = text.rpartition(":")
    if not colon and text.isascii() and text.isdigit():
        host, port = "", text
    if port.isascii() and port.isdigit() and int(port) > 65535:
        raise ValueError(f"`{port}` is not a port: they go up to 65535")
    if not (port.isascii() and port.isdigit()):
        raise ValueError(f"write `HOST:PORT`, `:PORT` (every address) or `unix:PATH`, for example `{text or ''}:8080`")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"an IPv6 address stands in brackets: `[{host}]:{port}`")
    if host == "*":
        host = ""
    return TcpAddress(host, int(port))


def upstream_url(text: str) -> Url:
    """Return what `http://HOST:PORT`, `https://…` or `unix:PATH` stands for."""
    if text.startswith("unix:"):
        return Url("http", listen_address(text), "")
    if "://" not in text:
        raise ValueError(f"the scheme is missing: write `http://{text}`")
    if any(c.isspace() or ord(c) < 33 for c in text):
        raise ValueError("a URL has no white space")
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if scheme in ("ws", "wss"):
        proper = "https" if scheme == "wss" else "http"
        raise ValueError(f"WebSockets need no route of their own: write `{proper}://{rest}`")
    if scheme.startswith("http+unix"):
        socket, _, path = rest.partition("/")
        return Url("http", UnixAddress(unquote(socket)), f"/{path}" if path else "")
    if scheme not in ("http", "https"):
        raise ValueError(f"`{scheme}` is not spoken: write `http://{rest}` or `https://{rest}`")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"this is not a URL: {error}") from None
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("write only scheme, host, port and path: `http://127.0.0.1:8000`")
    if not re.fullmatch(r"[0-9A-Za-z._-]+|[0-9A-Fa-f:.]+", parts.hostname):
        raise ValueError(f"`{parts.hostname}` is not a host name")
    return Url(scheme, TcpAddress(parts.hostname, port or (443 if scheme == "https" else 80)), parts.path)


def log_target(text: str) -> LogFile | Stderr | Syslog:
    """Return what a path, `-`, `syslog:`, `syslog:PATH` or `syslog://HOST:PORT` stands for."""
    if text == "-":
        return Stderr()
    if not text.startswith("syslog:"):
        if not text:
            raise ValueError("write the file's path, `-` for standard error, or `syslog:`")
        return LogFile(text)
    place, mark, query = text.removeprefix("syslog:").partition("?")
    key, _, name = query.partition("=")
    if mark and key != "facility":
        raise ValueError(_SYSLOG_HINT)
    facility = _FACILITIES.get(name) if mark else _FACILITIES["daemon"]
    if facility is None:
        raise ValueError(f"`{name}` is not a facility; these are: {', '.join(_FACILITIES)}")
    if not place.startswith("//"):
        if place and not place.startswith("/"):
            raise ValueError(_SYSLOG_HINT)
        return Syslog(UnixAddress(place or "/dev/log"), facility)
    try:
        parts = urlsplit(f"udp:{place}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{error}; {_SYSLOG_HINT}") from None
    if not host or parts.path or parts.username is not None or not re.fullmatch(r"[0-9A-Za-z._-]+|[0-9A-Fa-f:.]+", host):
        raise ValueError(_SYSLOG_HINT)
    return Syslog(TcpAddress(host, port or 514), facility)


def path_prefix(text: str) -> bytes:
    """Return a route's path, percent-encoded as it comes in a request."""
    if not text.startswith("/"):
        raise ValueError(f"a path begins with a slash: `/{text}`")
    if not re.fullmatch(r"[!-~]+", text) or re.search(r"[?#*]", text):
        raise ValueError("write the path as it stands in a URL: percent-encoded, without `?`, `#` or wildcards")
    if "//" in text or re.search(r"/\.{1,2}(/|$)", text):
        raise ValueError("a path has no empty or dot segments")
    return text.encode()


def field_name(text: str) -> bytes:
    """Return a field name."""
    if not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", text):
        raise ValueError(f"`{text}` is not a field name")
    lower = text.lower()
    if lower in ("connection", "transfer-encoding", "content-length", "upgrade", "keep-alive", "te", "trailer"):
        raise ValueError(f"`{text}` belongs to the connection, and is perijove's to write")
    return text.encode()


def template(text: str) -> Template:
    """Return a text with variables in braces: `"{scheme}://{host}{target}"`; `{{` is a brace."""
    if "\r" in text or "\n" in text or "\0" in text:
        raise ValueError("a field value has one line")
    parts: list[bytes | Variable] = []
    at = 0
    text = text.replace("{{", "\0")
    for found in _VARIABLE.finditer(text):
        try:
            variable = Variable(found[1])
        except ValueError:
            known = ", ".join(f"{{{one.value}}}" for one in Variable)
            raise ValueError(f"`{{{found[1]}}}` is not known; these are: {known}") from None
        parts.append(text[at : found.start()].replace("\0", "{").encode())
        parts.append(variable)
        at = found.end()
    parts.append(text[at:].replace("\0", "{").encode())
    return tuple(part for part in parts if part != b"")
