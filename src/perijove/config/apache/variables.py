"""Variables of requests: SetEnv, UnsetEnv, SetEnvIf, BrowserMatch, of all scopes together.

Sources: fixup_env_module (modules/metadata/mod_env.c), match_headers (mod_setenvif.c), ssl_hook_Fixup (modules/ssl). Must not know what looks at them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.config.apache.expression_names import OF_TLS
from perijove.gateway.conditions import All, Condition, HasNote, Not, NotEmpty, both
from perijove.gateway.rules import SetNote, UnsetNote
from perijove.gateway.templates import Fact

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def of_tls(flow: Flow, host: Host) -> None:
    """Add what mod_ssl sets of a connection that is TLS (ssl_hook_Fixup, ssl_engine_kernel.c)."""
    if host.said("sslengine") != "on":
        return
    flow.add(_TLS, SetNote(b"HTTPS", (b"on",)))
    flow.add(All((_TLS, NotEmpty((Fact.NAME_SHOWN,)))), SetNote(b"SSL_TLS_SNI", (Fact.NAME_SHOWN,)))
    for scope in host.merged:
        if scope.said.get("ssl-variables"):
            for name, text in OF_TLS.items():
                flow.add(both(host.when(scope), _TLS), SetNote(name.encode(), text), origin=scope.origin)


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
