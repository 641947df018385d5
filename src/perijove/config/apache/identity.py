"""What a server calls itself, and which URLs are its own.

Knows ServerName and the addresses of virtual hosts. Must not know who listens, nor what the name is used for.
Sources: set_server_name (server/core.c), ap_parse_vhost_addrs and ap_fini_vhost_config (server/vhost.c).
"""

from __future__ import annotations

import functools
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perijove.config.apache.scope import Kind, Scope, within
from perijove.gateway.conditions import All, Any, Compares, Comparison, Condition, Matches, Not, NotEmpty, Pattern
from perijove.gateway.templates import Fact, Look, Note, Variable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.gateway.templates import Part

SCHEME: Final = b"\0scheme"  # a note of ours
_EVERY: Final = frozenset(("*", "_default_", "0.0.0.0", "::", "255.255.255.255"))


@dataclass(frozen=True, slots=True)
class Identity:
    """A server's name, its port (0: the usual one of whatever is spoken), and the scheme of its URLs (empty: what is spoken)."""

    name: str
    port: int = 0
    scheme: str = ""


def identity(scope: Scope) -> Identity:
    """Return what a server or a virtual host calls itself."""
    written: str | None = scope.said.get("server-name")
    if written is not None:
        return parsed(written)
    server = scope.parent
    if scope.kind is not Kind.HOST or server is None:
        return Identity("localhost")
    above = identity(server)
    hosts = [_parted(text) for text in scope.said.get("addresses", ())]
    # A host without ServerName has the port of its first address, and whatever the resolver calls that.
    port = hosts[0][1] if hosts and hosts[0][1] else above.port
    if any(host in _EVERY for host, _ in hosts):
        return Identity(above.name, port)
    return Identity(resolved(hosts[0][0]) if hosts else "bogus_host_without_forward_dns", port)


def parsed(text: str) -> Identity:
    """Return what a ServerName says: `[scheme://]name[:port]`."""
    scheme, marked, rest = text.rpartition("://")
    name, colon, port = rest.rpartition(":")
    if colon and port.isdigit():
        return Identity(name, int(port), scheme.lower() if marked else "")
    return Identity(rest, 0, scheme.lower() if marked else "")


@functools.lru_cache(64)
def resolved(host: str) -> str:
    """Return the name of an address, as the resolver has it."""
    try:
        return socket.getnameinfo((socket.gethostbyname(host) if ":" not in host else host, 0), socket.NI_NAMEREQD)[0]
    except (OSError, UnicodeError):  # the latter of what is no name at all
        return "bogus_host_without_reverse_dns"


def scheme(scope: Scope) -> Part:
    """Return %{REQUEST_SCHEME}: what ServerName says, or what is spoken (ap_http_scheme)."""
    for one in within(scope):
        if one.kind is Kind.HOST:
            said: str = one.said.get("server-name", "")
            return parsed(said).scheme.encode() or Variable.SCHEME
    # What stands in the main server is for all hosts: `lower` notes the scheme of each that has one.
    return Look(((b"http", b"http"), (b"https", b"https")), (Note(SCHEME),), (Variable.SCHEME,))


def own_url(scope: Scope, spoken: Part) -> Condition | None:
    """Return whether the held text is a URL of the server; the path behind the slash is its first capture, None if none is.

    As reduce_uri (mod_rewrite.c) and ap_matches_request_host (server/vhost.c) have it: an address of <VirtualHost> counts with its
    port, names count with that of ServerName, and without one there are no such names.

    Args:
        scope: the server or the virtual host.
        spoken: the scheme of its URLs.
    """
    its = identity(scope)
    found: list[Condition] = []
    for scheme, usual in ((b"http", 80), (b"https", 443)):
        authorities = []
        for host, port in [_parted(text) for text in scope.said.get("addresses", ())]:
            authorities.append(_authority(host, port, usual))
        if its.port:
            for name in (its.name, *scope.said.get("server-alias", ())):
                authorities.append(_authority(name, its.port, usual))
        if authorities:
            pattern = rb"(?is)\A%b://(?:%b)(?:/(.*)|)\Z" % (scheme, b"|".join(authorities))
            own = Matches((Fact.HELD,), Pattern(pattern, 1), captures=True)
            found.append(All((Compares((spoken,), Comparison.SAME, (scheme,)), own)))
    return Any(tuple(found)) if found else None


def own_asked(scope: Scope, names: Sequence[str]) -> Condition | None:
    """Return whether the URL that a forward proxy is asked for is one of the server's; None if none is.

    As proxy_detect (mod_proxy.c) and ap_matches_request_vhost (server/vhost.c) have it: addresses and names as in `own_url`.

    Args:
        scope: the server or the virtual host.
        names: ServerName and ServerAlias.
    """
    port = identity(scope).port
    found = [_asked((host,), its) for host, its in [_parted(text) for text in scope.said.get("addresses", ())]]
    if port:
        found.append(_asked(names, port))
    if not found:
        return None
    return All((Compares((Fact.ASKED,), Comparison.SAME, (Variable.SCHEME,)), Any(tuple(found))))


def _asked(names: Sequence[str], port: int) -> Condition:
    """Return whether a URL that is asked for has one of these names (`*` is anything) and a port; 0 is any."""
    called = b"|".join(_name(one) for one in names)
    named = Matches((Fact.CALLED,), Pattern(rb"(?is)\A(?:%b)\Z" % called))
    if not port:
        return named
    said: Condition = Compares((Fact.CALLED_PORT,), Comparison.NUMBERS_SAME, (b"%d" % port,))
    if port in (80, 443):
        # The usual port of what is spoken may be left out (ap_default_port).
        usual = Compares((Variable.SCHEME,), Comparison.SAME, (b"http" if port == 80 else b"https",))
        said = Any((said, All((Not(NotEmpty((Fact.CALLED_PORT,))), usual))))
    return All((named, said))


def _name(host: str) -> bytes:
    return re.escape(host.encode("utf-8", "surrogateescape")).replace(rb"\*", rb"[^/:]*").replace(rb"\?", rb"[^/:]")


def _authority(host: str, port: int, usual: int) -> bytes:
    """Return a pattern for a host (`*` is anything, `?` one character) and a port, 0 for any; the usual one may be left out."""
    name = _name(host)
    if not port:
        return name + rb"(?::[^/]*)?"
    return name + (b"(?::%d)?" if port == usual else b":%d") % port


def _parted(text: str) -> tuple[str, int]:
    """Return host and port of an address of <VirtualHost>; 0 is every port."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return text.strip("[]"), 0
    return host.strip("[]"), int(port) if port.isdigit() else 0
