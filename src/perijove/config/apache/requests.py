"""Fields of what is sent upstream: RequestHeader, and those that mod_proxy makes.

Sources: ap_headers_early and ap_headers_fixup (modules/metadata/mod_headers.c), ap_proxy_create_hdrbrgd (modules/proxy/proxy_util.c).
Must not know where requests go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.config.apache.hops import expectations, max_forwards
from perijove.config.apache.remotes import IS_FORWARD
from perijove.config.apache.words import octets
from perijove.gateway.conditions import All, Condition, HasNote, Not, NotEmpty, Setting, SettingIs, both
from perijove.gateway.rules import EditField, Operation, Rule, Template, Then
from perijove.gateway.templates import Fact, RequestField, Variable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.config.apache.flow import Flow
    from perijove.config.apache.host import Host


def early(flow: Flow, host: Host) -> None:
    """Add edits that are made at once, with what is said outside sections (ap_headers_early)."""
    for level in host.levels.scopes:
        for one in level.request:
            if one.early:
                flow.add(one.when, one.edit, origin=one.origin)


def edits(host: Host) -> list[Rule]:
    """Return what RequestHeader says (ap_headers_fixup)."""
    return [
        Rule(both(host.when(scope), one.when), one.edit, Then.NEXT, one.origin)
        for scope in host.merged
        for one in scope.request
        if not one.early
    ]


def rules(host: Host, via: Sequence[Rule], expects: bool) -> tuple[Rule, ...]:
    """Return all edits in order. `expects`: something speaks of Expect; else it is sent on as it comes."""
    found = [*edits(host), *(expectations() if expects else ()), *max_forwards(host.said("max-forwards", ""))]
    if host.forwards:  # who has told us is not told of (ap_proxy_create_hdrbrgd)
        told = All((NotEmpty((Fact.USER,)), Not(HasNote(b"proxy-chain-auth"))))
        found.append(Rule(told, EditField(Operation.REMOVE, b"Proxy-Authorization", ()), Then.NEXT))
    found += via
    forwarded: list[tuple[bytes, Template]] = [
        (b"X-Forwarded-For", (Variable.CLIENT_IP,)),
        (b"X-Forwarded-Host", (RequestField(b"host"),)),
        (b"X-Forwarded-Server", (octets(host.identity.name),)),
    ]
    for field, value in forwarded:
        when: Condition = SettingIs(Setting.FORWARDED_FIELDS, True)
        if host.forwards:
            when = All((when, Not(IS_FORWARD)))
        if field == b"X-Forwarded-Host":
            when = All((when, NotEmpty(value)))
        found.append(Rule(when, EditField(Operation.APPEND, field, value), Then.NEXT))
    return tuple(found)
