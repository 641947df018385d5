"""Which listener and which virtual host a request is for, and why.

The table chooses the host; here are the words. The listener is chosen by the kernel, so here by what the URL says. Knows the gateway.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from perijove.explain.model import Choice, Place
from perijove.explain.request import parts
from perijove.gateway.model import TcpAddress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.gateway.model import Gateway, Listener, VirtualHost
    from perijove.text.source import Span


def listener(gateway: Gateway, url: str) -> tuple[Listener, Choice]:
    """Return the listener that a client with this URL would come to."""
    scheme, authority, port, _ = parts(url)
    host = authority.removesuffix(f":{port}").strip("[]")
    secure = scheme == "https"
    on_port = [one for one in gateway.listeners if isinstance(one.address, TcpAddress) and one.address.port == port]
    speaking = [one for one in gateway.listeners if (one.tls is not None) is secure]
    both = [one for one in on_port if one in speaking]
    if both:
        named = [one for one in both if isinstance(one.address, TcpAddress) and one.address.host == host]
        return _chosen((named or both)[0], f"it is on port {port} and speaks {scheme}")
    if on_port:
        other = "http" if secure else "https"
        return _chosen(on_port[0], f"it is on port {port}, but speaks {other}: by {scheme} nothing but an error comes back")
    if speaking:
        # One that only redirects is hardly what an unusual port leads to.
        first = next((one for one in speaking if one.redirect_to is None), speaking[0])
        return _chosen(
            first, f"none is on port {port}; it is the first that speaks {scheme}, if something in front leads there"
        )
    first = gateway.listeners[0]
    return _chosen(first, f"none speaks {scheme}; it is the first, if something in front speaks {scheme} and leads there")


def _chosen(one: Listener, why: str) -> tuple[Listener, Choice]:
    scheme = "http" if one.tls is None else "https"
    address = TcpAddress(one.address.host or "*", one.address.port) if isinstance(one.address, TcpAddress) else one.address
    return one, Choice(f"{scheme}://{address}" if isinstance(one.address, TcpAddress) else str(address), why)


def host(hosts: Sequence[VirtualHost], number: int, asked: str) -> Choice:
    """Return the words for a virtual host that was chosen.

    Args:
        hosts: the listener's.
        number: the one that was chosen.
        asked: what Host says.
    """
    one = hosts[number]
    plain = re.sub(r":[0-9]+\Z", "", asked).lower().rstrip(".")
    names = [name for name in one.names if name != "*"]
    name = one.server_name or next(iter(names), "") or next((pattern.source for pattern in one.patterns), "")
    shown = asked or "nothing"
    if plain in names:
        why = f"{plain} is one of its names" if plain != name else "Host is its name"
    elif (fits := next((known for known in names if known.startswith("*.") and plain.endswith(known[1:])), None)) or (
        fits := next((known.source for known in one.patterns if re.search(known.pattern, plain.encode())), None)
    ):
        why = f"Host is {shown}, which {fits} has in it"
    elif len({id(each.stages) for each in hosts}) == 1:
        why = "there is no other"
    elif "*" in one.names and not one.server_name:
        why = f"none has the name {shown}: this is for all others"
    else:
        why = f"none has the name {shown}: this is the first"
    return Choice(name or ("the main server" if one.stages.program else "every host"), why, place(one.origin))


def place(span: Span | None) -> Place | None:
    """Return a place as texts."""
    return None if span is None else Place(span.source.name, span.line, span.source.line(span.line).strip())
