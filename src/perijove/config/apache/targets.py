"""URLs that directives name as places to send to, taken apart.

Knows how httpd reads them (ap_proxy_define_worker, apr_uri_parse), and which module serves a scheme, at which port. Must not know
which directive named one, nor what becomes of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from perijove.gateway.conditions import Pattern

SCHEMES: Final = {
    "http": ("proxy_http", 80),
    "https": ("proxy_http", 443),
    "ws": ("proxy_wstunnel", 80),
    "wss": ("proxy_wstunnel", 443),
    "h2c": ("proxy_http2", 80),
    "h2": ("proxy_http2", 443),
    "fcgi": ("proxy_fcgi", 8000),
    "ajp": ("proxy_ajp", 8009),
    "uwsgi": ("proxy_uwsgi", 3031),
    "scgi": ("proxy_scgi", 4000),
    "ftp": ("proxy_ftp", 21),
}
# URLs whose port is a number that no port has: nobody can go on with them (AH01083, apr_uri_parse).
BAD_PORT: Final = Pattern(
    rb"\A[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*:"
    rb"(?:0+|0*(?:[1-9][0-9]{5,}|[7-9][0-9]{4}|6[6-9][0-9]{3}|65[6-9][0-9]{2}|655[4-9][0-9]|6553[6-9]))(?=[/?#]|\Z)"
)
_url: Final = re.compile(r"(?i)([a-z][a-z0-9+.-]*)://([^/?#]*)(.*)\Z", re.DOTALL).match
_unix: Final = re.compile(r"(?i)unix:([^|]+)\|(.*)\Z", re.DOTALL).match


@dataclass(frozen=True, slots=True)
class Target:
    """Where a directive leads."""

    scheme: str  # lower case
    authority: str  # as it was written; of a balancer its name
    path: str  # with what follows it
    socket: str = ""  # a Unix socket's path
    url: str = ""  # all of it, as it was written


def target_of(text: str) -> Target | None:
    """Take a URL apart; None if it is none."""
    socket = ""
    whole = text
    found = _unix(text)
    if found:
        socket, text = found[1], found[2]
        if text.endswith(":"):
            text += "//localhost"
    parts = _url(text)
    if not parts:
        return None
    # Whoever stands before the host is not asked for anything (ap_proxy_define_worker).
    return Target(parts[1].lower(), parts[2].rpartition("@")[2].removesuffix(":"), parts[3], socket, whole)


def beginning(target: Target) -> str:
    """Return a URL as it was written, without its path and its socket (ap_proxy_de_socketfy)."""
    url = target.url.rpartition("|")[2] if target.socket else target.url
    return url.removesuffix(target.path) if target.path else url


def bad_port(target: Target, regex: bool = False) -> str:
    """Return what is wrong with a URL's authority, if anything; one with a pattern ends where `$1` stands."""
    if target.socket or target.scheme == "balancer":
        return ""
    host, colon, port = target.authority.rpartition(":")
    if target.authority.startswith("[") and "]" not in target.authority:
        return "Unable to parse URL: the bracket is not closed"
    if colon and not target.authority.endswith("]"):
        if not host:
            return "URL must be absolute!"
        if "$" in target.authority and regex:
            return ""  # filled in for each request
        if ":" in host and not (host.startswith("[") and host.endswith("]")):
            return "Unable to parse URL: there are two ports"
        if port and not port.isdigit():
            return f"Unable to parse URL: the port `{port}` is none"
    return "" if target.authority else "URL must be absolute!"


def split(authority: str, default: int) -> tuple[str, int]:
    """Return host and port of an authority."""
    host, colon, port = authority.rpartition(":")
    if colon and port.isdigit() and not authority.endswith("]"):
        return host.strip("[]"), int(port)
    return authority.strip("[]"), default


def usual_port(scheme: str) -> int:
    """Return the port of a scheme that is served, or else 80."""
    return SCHEMES.get(scheme, ("", 80))[1]
