"""What sections do to a request when it is known where it goes, and may change that: mod_rewrite's rules, and Redirect.

Source: the fixups of mod_rewrite.c and mod_alias.c, which come behind access control. Knows also what comes of a request that is found
to lead nowhere only when it is to be sent: sections have had their say by then. Must not know where requests go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.config.apache import aliases, variables
from perijove.config.apache.directives.rewrite_phases import rules_of_section
from perijove.config.apache.flow import Flow, Label
from perijove.gateway.conditions import Condition, HasNote
from perijove.gateway.rules import Refuse, SetNote, Then

if TYPE_CHECKING:
    from perijove.config.apache.directives.rewrite_phases import Site
    from perijove.config.apache.host import Host
    from perijove.text.source import Span


def add(flow: Flow, host: Host, site: Site) -> None:
    """Add the rules of sections, and their redirects."""
    after = Label()
    rules_of_section(host.scope, flow, after, site)
    flow.place(after)
    aliases.fixup(flow, host)


def instead(flow: Flow, host: Host) -> None:
    """Add what sections do to a request that is found to lead nowhere only when it is to be sent."""
    variables.add(flow, host, host.noting)
    aliases.fixup(flow, host)


def refuse(flow: Flow, host: Host, when: Condition, refusal: Refuse, proxied: Label, origin: Span | None) -> None:
    """Have what is found to lead nowhere refused when it is to be sent: access control and sections have their say before."""
    flow.add(when, SetNote(host.failure(refusal, origin), (b"1",)), proxied, origin)


def refusals(flow: Flow, host: Host) -> None:
    """Add what refuses them."""
    for name, (refusal, origin) in host.failures.items():
        flow.add(HasNote(name), refusal, Then.STOP, origin)
