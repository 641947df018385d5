"""What whoever started perijove is told, on standard error, or wherever all is said (`through`).

Knows words. Must not know how anything is run.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from perijove.gateway import model
from perijove.gateway.rules import Forward, ForwardDynamic, PathIs, PathPrefix, Redirect, ServeFile

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence


_elsewhere: list[Callable[[str], None]] = []  # one, or none


def through(say_it: Callable[[str], None]) -> None:
    """Have all that is said from now on said by somebody else."""
    _elsewhere[:] = [say_it]


def say(text: str) -> None:
    """Tell whoever started us."""
    if _elsewhere:
        _elsewhere[0](text)
        return
    sys.stderr.write(f"perijove: {text}\n")
    sys.stderr.flush()


def urls(gateway: model.Gateway, sockets: Mapping[model.Address, Sequence[socket.socket]]) -> list[str]:
    """Return what each listener is reached by, with the port that the system chose where 0 was asked for."""
    found: list[str] = []
    for listener in gateway.listeners:
        shown = str(listener.address)
        if isinstance(listener.address, model.TcpAddress) and listener.address in sockets:
            port = sockets[listener.address][0].getsockname()[1]
            scheme = "http" if listener.tls is None else "https"
            shown = f"{scheme}://{model.TcpAddress(listener.address.host or '*', port)}"
        found.append(shown)
    return found


def describe(gateway: model.Gateway, sockets: Mapping[model.Address, Sequence[socket.socket]]) -> list[str]:
    """Return lines that say what listens where and leads where."""
    lines: list[str] = []
    leads: list[str] = []
    for host in gateway.hosts:
        name = "" if host.names == ("*",) else ", ".join(host.names)
        for rule in host.stages.route:
            path = rule.when.prefix.decode() if isinstance(rule.when, PathPrefix) else "/"
            if isinstance(rule.when, PathIs):
                continue
            if isinstance(rule.do, Forward):
                upstream = gateway.upstreams[rule.do.upstream]
                to = str(upstream.address)
                to = to if to.startswith("unix:") else f"{upstream.scheme}://{to}"
                leads.append(f"{name}{path} → {to}")
            elif isinstance(rule.do, ForwardDynamic):
                leads.append(f"{name}{path} → routes")
            else:
                leads.append(f"{name}{path} → {'a redirect' if isinstance(rule.do, Redirect) else 'an answer of its own'}")
    for listener, shown in zip(gateway.listeners, urls(gateway, sockets), strict=True):
        if listener.redirect_to is not None:
            lines.append(f"listening on {shown}, redirecting to https")
        else:
            lines.append(f"listening on {shown}: {'; '.join(leads)}")
    lines += [f"serving files from {rule.do.directory}" for rule in gateway.before if isinstance(rule.do, ServeFile)]
    return lines
