"""What a server calls itself in URLs of its own, and in variables.

Knows ServerName, UseCanonicalName and UseCanonicalPhysicalPort. Must not know who asks.
Sources: ap_get_server_name_for_url and ap_get_server_port (server/core.c).
"""

from __future__ import annotations

from dataclasses import dataclass

from perijove.config.apache.words import octets
from perijove.gateway.templates import Fact, Given, Look, Part, Template, Variable


@dataclass(frozen=True, slots=True)
class Names:
    """What the server calls itself: in URLs of its own, and in variables."""

    name: Template
    port: Template
    authority: Template
    document_root: bytes = b""
    origin: Template = ()  # scheme, `://` and authority
    scheme: Part = Variable.SCHEME


def own_names(
    name: str, port: int, canonical: bool, document_root: str = "", scheme: str = "", physical: bool = False
) -> Names:
    """Return what a server calls itself.

    As `ap_get_server_name_for_url` and `ap_get_server_port` (server/core.c) have it.

    Args:
        name: ServerName.
        port: the one beside it; 0 if there is none, whatever the server listens on.
        canonical: UseCanonicalName On: what the client calls it does not count.
        document_root: DocumentRoot.
        scheme: the one before ServerName; what is spoken if there is none.
        physical: UseCanonicalPhysicalPort On: the port that a request came to counts before `port` and the usual one.
    """
    spoken: Part = octets(scheme) or Variable.SCHEME
    own = octets(name)
    ports = {scheme: b"%d" % (port or usual) for scheme, usual in ((b"http", 80), (b"https", 443))}
    usual_ports = {b"http": b"80", b"https": b"443"}
    shown = {scheme: b"" if ports[scheme] == usual else b":" + ports[scheme] for scheme, usual in usual_ports.items()}
    # With UseCanonicalName On, the port beside ServerName counts before that.
    there: Template = (Variable.SERVER_PORT,)
    usual_there = Look(((b"http:80", b""), (b"https:443", b"")), (Variable.SCHEME, b":", *there), (b":", *there))
    if canonical and physical and not port:
        return Names(
            (own,), there, (own, usual_there), octets(document_root), joined([spoken, b"://", own, usual_there]), spoken
        )
    if canonical:
        the_port: Template = (Look(tuple(ports.items()), (Variable.SCHEME,)),)
        authority: Template = (own, Look(tuple(shown.items()), (Variable.SCHEME,)))
        return Names((own,), the_port, authority, octets(document_root), joined([spoken, b"://", *authority]), spoken)
    called = Look(((b"", own),), (Fact.CALLED,), (Fact.CALLED,))
    key: Template = (Variable.SCHEME, b":", Fact.CALLED_PORT)
    the_port = (Look(tuple((scheme + b":", value) for scheme, value in ports.items()), key, (Fact.CALLED_PORT,)),)
    beside: Part
    table = [(scheme + b":", value) for scheme, value in shown.items()]
    beside = Look((*table, (b"http:80", b""), (b"https:443", b"")), key, (b":", Fact.CALLED_PORT))
    if physical:
        the_port = (Given((Fact.CALLED_PORT,), the_port, there),)
        beside = Given((Fact.CALLED_PORT,), (beside,), (usual_there,))
    return Names((called,), the_port, (called, beside), octets(document_root), joined([spoken, b"://", called, beside]), spoken)


def joined(parts: list[Part]) -> Template:
    """Return parts with literals that follow each other as one."""
    out: list[Part] = []
    for one in parts:
        if isinstance(one, bytes) and out and isinstance(out[-1], bytes):
            out[-1] += one
        elif one != b"":
            out.append(one)
    return tuple(out)
