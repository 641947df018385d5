"""Variables of requests: SetEnv, UnsetEnv, SetEnvIf, BrowserMatch, of all scopes together.

Sources: fixup_env_module (modules/metadata/mod_env.c), match_headers (mod_setenvif.c), ssl_hook_Fixup (modules/ssl). Must not know what looks at them.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from perijove.config.apache.expression_names import OF_TLS
from perijove.config.apache.parts import parts
from perijove.config.apache.patterns import named_groups
from perijove.gateway.conditions import All, Condition, HasNote, Matches, Not, NotEmpty, both
from perijove.gateway.rules import SetNote, UnsetNote
from perijove.gateway.templates import Capture, Fact, Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perijove.config.apache.flow import Flow
    from perijove.config.apache.host import Host
    from perijove.config.apache.scope import Scope

_TLS: Final = NotEmpty((Fact.TLS_PROTOCOL,))


def add(flow: Flow, host: Host, scopes: Sequence[Scope]) -> None:
    """Add what is set at once, in the order of scopes."""
    for scope in scopes:
        for one in scope.notes:
            if not one.late:
                when = both(host.when(scope), one.when)
                flow.add(when, UnsetNote(one.name) if one.value is None else SetNote(one.name, one.value), origin=one.origin)


def of_patterns(flow: Flow, host: Host) -> None:
    """Add the named groups of <DirectoryMatch>, <FilesMatch> and <ProxyMatch> (ap_directory_walk, ap_file_walk, proxy_walk)."""
    for section in (*host.directories, *host.proxies):
        groups = named_groups(section.path) if section.regex else ()
        when: list[Condition] = []
        found = host.when(section)
        while isinstance(found, All):
            when += found.of[:-1]
            found = found.of[-1]
        if groups and isinstance(found, Matches):
            whole = All((*when, replace(found, captures=True)))
            for number, name in groups:
                flow.add(whole, SetNote(name, (Capture(number),)), origin=section.origin)


def of_tls(flow: Flow, host: Host) -> None:
    """Add what mod_ssl sets of a connection that is TLS (ssl_hook_Fixup, ssl_engine_kernel.c)."""
    if host.said("sslengine") != "on":
        return
    edits = [edit for scope in host.merged for edit in (*scope.request, *scope.response)]
    read = {name.upper() for edit in edits for value in (edit.when, edit.edit) for name in _read(value)}
    if b"HTTPS" in read:
        flow.add(_TLS, SetNote(b"HTTPS", (b"on",)))
    for name, text in OF_TLS.items():
        if name.encode() not in read:
            continue
        if name == "SSL_TLS_SNI":
            flow.add(All((_TLS, NotEmpty(text))), SetNote(name.encode(), text))
        for scope in host.merged:
            if scope.said.get("ssl-variables"):
                flow.add(both(host.when(scope), _TLS), SetNote(name.encode(), text), origin=scope.origin)


_OF_BALANCERS: Final = tuple(
    b"BALANCER_" + name
    for name in (b"NAME", b"WORKER_NAME", b"WORKER_ROUTE", b"SESSION_STICKY", b"SESSION_ROUTE", b"ROUTE_CHANGED")
)


def asks_of_balancers(scopes: Sequence[Scope]) -> bool:
    """Tell whether anything said of responses asks for a variable that a balancer sets."""
    read = {
        name.upper() for scope in scopes for edit in scope.response for part in (edit.when, edit.edit) for name in _read(part)
    }
    return not read.isdisjoint(_OF_BALANCERS)


def of_responses(value: Any) -> Any:
    """Return a condition or an edit of a response with the names under which it finds what balancers set."""
    if isinstance(value, Note | HasNote):
        return replace(value, name=b"\0" + value.name) if value.name.upper() in _OF_BALANCERS else value
    if type(value) is tuple:
        return tuple(of_responses(one) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: of_responses(getattr(value, each.name)) for each in fields(value)})
    return value


def _read(value: object) -> Iterator[bytes]:
    """Yield the variables that a condition or an edit asks for."""
    return (one.name for one in parts(value) if isinstance(one, Note | HasNote))


def add_late(flow: Flow, host: Host) -> None:
    """Add what mod_env sets when access was checked: not where there is a variable already, so the last scope goes first."""
    gone: dict[bytes, list[Condition]] = {}  # UnsetEnv takes away what SetEnv before it sets, not what others have
    found = [(scope, one) for scope in host.merged for one in scope.notes if one.late]
    for scope, one in reversed(found):
        without = gone.setdefault(one.name.lower(), [])
        if one.value is None:
            without.append(host.when(scope))
            continue
        when = both(host.when(scope), All((Not(HasNote(one.name)), *(Not(there) for there in without))))
        flow.add(when, SetNote(one.name, one.value), origin=one.origin)
