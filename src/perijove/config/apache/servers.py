"""Who listens, and which virtual host a request is for.

Source: server/vhost.c (ap_fini_vhost_config, check_hostalias).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from perijove.config.apache.addresses import resolved
from perijove.config.apache.directives.mod_ssl import VERSIONS
from perijove.config.apache.identity import identity
from perijove.gateway.conditions import Pattern
from perijove.gateway.model import CertificatePair, Listener, TcpAddress, TlsServer, VirtualHost
from perijove.text.diagnostic import Diagnostic, Severity
from perijove.text.source import Source, Span

if TYPE_CHECKING:
    from perijove.config.apache.scope import Scope


def listeners_of(server: Scope, hosts: list[Scope], made: dict[int, VirtualHost]) -> tuple[Listener, ...]:
    """Return a listener for each Listen, with the virtual hosts that its requests may be for, the default one last."""
    _tell_of_unknown(hosts)
    found: list[Listener] = []
    seen: set[TcpAddress] = set()
    for host, port, _, span in server.said.get("listen", ()):
        address = TcpAddress(host, port)
        if address in seen:
            server.error("double-listener", f"Listen {address}: Cannot define multiple Listeners on the same IP:port", span)
            continue
        seen.add(address)
        scopes = _for(address, hosts) or [server]
        tls = _tls(server, scopes)
        # A URL's host counts if its scheme is the one that the first host speaks, by its own account (ap_parse_uri, ap_http_scheme).
        spoken = identity(scopes[0]).scheme or ("http" if tls is None else "https")
        named = tuple(_named(server, scopes, made))
        found.append(Listener(address=address, tls=tls, hosts=named, spoken=spoken.encode()))
    if not found and server.origin is None and not server.said.get("listen"):
        server.error("no-listener", "no listening sockets available, shutting down", Span(Source("", ""), 1, 1),
                     "write `Listen 80`, or say --listen ADDR")  # fmt: skip
    return tuple(found)


def assume_ports(server: Scope, hosts: list[Scope], source: Source) -> None:
    """Listen where virtual hosts are, on every address: Debian has Listen in a file of its own, which is not read here."""
    if server.said.get("listen"):
        return
    ports: dict[int, Span] = {}
    for scope in hosts:
        for text in scope.said["addresses"]:
            port = text.rpartition(":")[2]
            if port.isdigit() and scope.origin is not None:
                ports.setdefault(int(port), scope.origin)
    where = Span(source, 1)
    ports = ports or {80: where}
    server.said["listen"] = [("", port, "", span) for port, span in ports.items()]
    said = " and ".join(str(port) for port in ports)
    server.tell(Diagnostic(
        name="listen-assumed",
        severity=Severity.ADVICE,
        message=f"no Listen was read: the ports of the virtual hosts are listened on: {said}",
        where=where,
        help="write `Listen 127.0.0.1:8080` to have another",
    ))  # fmt: skip


def _for(address: TcpAddress, hosts: list[Scope]) -> list[Scope]:
    """Return the hosts of an address, in order.

    Those that name it come before those for every address, and those that name its port before those for every port: they are
    not looked at together (find_ipaddr, find_default_server).
    """
    found: tuple[list[Scope], ...] = ([], [], [], [])
    for scope in hosts:
        for text in scope.said["addresses"]:
            host, colon, port = text.rpartition(":")
            if not colon or text.endswith("]"):
                host, port = text, "*"
            if port not in ("*", str(address.port)):
                continue
            if host in ("*", "_default_", "0.0.0.0", "[::]"):
                found[2 + (port == "*")].append(scope)
                break
            if host.strip("[]") == address.host or not address.host or _resolves(host, address.host):
                found[port == "*"].append(scope)
                break
    return next((one for one in found if one), [])


def _tell_of_unknown(hosts: list[Scope]) -> None:
    """Warn of names that no address is known of: httpd serves nothing there, and goes on (AH00547, get_addresses)."""
    for scope in hosts:
        for text in scope.said["addresses"]:
            host, colon, port = text.rpartition(":")
            if not colon or not (port.isdigit() or port == "*"):
                host = text
            if scope.origin is not None and host not in ("*", "_default_") and not _is_address(host) and not resolved(host):
                scope.warn(
                    "unknown-host",
                    f"Could not resolve host name {host} -- ignoring!",
                    scope.origin,
                    "write an address, or `*`, and the name as ServerName",
                )


def _is_address(name: str) -> bool:
    return re.fullmatch(r"[0-9.]+|\[?[0-9A-Fa-f:.]+\]?", name) is not None


def _resolves(name: str, address: str) -> bool:
    return not _is_address(name) and address in resolved(name)


def _tls(server: Scope, scopes: list[Scope]) -> TlsServer | None:
    pairs: list[CertificatePair] = []
    secured: Scope | None = None
    for scope in scopes:
        if (scope.said.get("sslengine") or server.said.get("sslengine")) != "on":
            continue
        secured = secured or scope
        certs = scope.said.get("sslcertificatefile") or server.said.get("sslcertificatefile") or []
        keys = scope.said.get("sslcertificatekeyfile") or server.said.get("sslcertificatekeyfile") or []
        if not certs and scope.origin is not None:
            name = scope.said.get("server-name") or server.said.get("server-name") or "a virtual host"
            scope.warn("no-certificate", f"Failed to configure at least one certificate and key for {name}: it does not start",
                       scope.origin, "SSLEngine is on: name the files by SSLCertificateFile and SSLCertificateKeyFile")  # fmt: skip
        for kind in ("tls12", "tls13"):
            named = scope.said.get(f"ciphers-{kind}") or server.said.get(f"ciphers-{kind}")
            if named and not _is_cipher(kind, named[0]):
                scope.warn("no-cipher", f"Unable to configure permitted SSL ciphers: OpenSSL knows none of `{named[0]}`", named[1],
                           "take SSLCipherSuite out: what OpenSSL has by itself is good")  # fmt: skip
        chain = scope.said.get("sslcertificatechainfile") or []
        for number, (cert, _) in enumerate(certs):
            key = keys[number][0] if number < len(keys) else cert
            pairs.append(CertificatePair(cert=cert, key=key, chain=chain[-1][0] if chain else None))
    return None if secured is None else _spoken(server, secured, tuple(dict.fromkeys(pairs)))


def _spoken(server: Scope, first: Scope, pairs: tuple[CertificatePair, ...]) -> TlsServer:
    """Return how TLS is spoken on an address: as its first host with TLS says, before a client's words tell which host it means."""

    def said(name: str, otherwise: Any) -> Any:
        return first.said.get(name, server.said.get(name, otherwise))

    versions = said("sslprotocol", VERSIONS)
    if not versions and first.origin is not None:
        first.warn("no-protocol", "No SSL protocols available [hint: SSLProtocol]", first.origin,
                   "write `SSLProtocol -all +TLSv1.2 +TLSv1.3`: what is older is not spoken")  # fmt: skip
    named, _ = said("ciphers-tls12", ("", None))
    # PROFILE= is of Red Hat's OpenSSL, which may not be this one.
    known = named and not named.startswith("PROFILE=") and _is_cipher("tls12", named)
    return TlsServer(
        certificates=pairs,
        ciphers=named if known else None,
        own_order=said("sslhonorcipherorder", False),
        newest="tlsv1.3" in versions,
        oldest="tlsv1.2" in versions,
        tickets=said("sslsessiontickets", True),
    )


def _named(server: Scope, scopes: list[Scope], made: dict[int, VirtualHost]) -> list[VirtualHost]:
    """Return hosts with the names that lead to each, and the first once more for all others.

    httpd looks at hosts in order, ServerName and ServerAlias alike: an exact name does not beat a wildcard that comes before it.
    """
    found: list[VirtualHost] = []
    taken: set[str] = set()
    taken_globs: list[re.Pattern[str]] = []
    for scope in scopes:
        exact: list[str] = []
        globs: list[str] = []
        name = scope.said.get("server-name")
        written = [_host(name)] if name else []
        for text in (*written, *scope.said.get("server-alias", ())):
            lower = text.lower().rstrip(".")
            (globs if any(mark in lower for mark in "*?") else exact).append(lower)
        names = [one for one in exact if one not in taken and not any(glob.match(one) for glob in taken_globs)]
        patterns = tuple(Pattern(_glob(one).encode(), 0, False, one) for one in globs)
        taken.update(exact)
        taken_globs += [re.compile(_glob(one)) for one in globs]
        found.append(replace(made[id(scope)], names=tuple(names), patterns=patterns))
    found.append(replace(made[id(scopes[0])], names=("*",), patterns=()))
    return found


def _glob(text: str) -> str:
    """ap_strcasecmp_match: `*` is anything, `?` one character."""
    return r"\A" + "".join(".*" if mark == "*" else "." if mark == "?" else re.escape(mark) for mark in text) + r"\Z"


def _host(name: str) -> str:
    """Return the host of a ServerName, which may have a scheme and a port."""
    name = name.partition("://")[2] or name
    host, colon, port = name.rpartition(":")
    return host if colon and port.isdigit() else name


_TLS13: Final = frozenset(
    (
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_128_CCM_SHA256",
        "TLS_AES_128_CCM_8_SHA256",
    )
)


@cache
def _is_cipher(kind: str, names: str) -> bool:
    """Tell whether OpenSSL knows one of these (ssl_init_ctx_cipher_suite, ssl_engine_init.c)."""
    import ssl

    if names.startswith("PROFILE="):  # that of Red Hat does, which may not be this machine's
        return True
    if kind == "tls13":
        return not _TLS13.isdisjoint(names.split(":"))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(names)
    except ssl.SSLError:
        return False
    return True
