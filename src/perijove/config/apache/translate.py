"""Which ProxyPass a request meets first.

Sources: proxy_pre_translate_name and proxy_trans (modules/proxy/mod_proxy.c), ap_location_walk (server/request.c). Must not know what
a ProxyPass leads to (`mapping`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.config.apache import passes
from perijove.config.apache.flow import Flow, Label
from perijove.gateway.conditions import All, Always, HasNote, PathPrefix
from perijove.gateway.rules import SetNote, UnsetNote

if TYPE_CHECKING:
    from perijove.config.apache.host import Host
    from perijove.config.apache.mapping import Mapper

_NO_PROXY: Final = HasNote(b"no-proxy")


def enter(flow: Flow, host: Host) -> None:
    """Note which sections a path is in before rules change it: their ProxyPass and Redirect apply."""
    for section, name in host.noted():
        flow.add(Always(), UnsetNote(name))
        flow.add(section.condition, SetNote(name, (b"1",)), origin=section.origin)


def encoded(flow: Flow, host: Host, mapper: Mapper, proxied: Label) -> None:
    """Add what is for paths that are not decoded, which comes before all else (proxy_pre_translate_name)."""
    declined = Label()
    found = [one for one in host.levels.each("proxy-pass") if one.mapping]
    if found:
        flow.go(declined, _NO_PROXY)
    for one in found:
        mapper.add(flow, one, passes.where(one, host.slashes), proxied, declined)
    flow.place(declined)


def decoded(flow: Flow, host: Host, mapper: Mapper, proxied: Label) -> None:
    """Add a section's ProxyPass, then the server's list, the main server's first (proxy_trans)."""
    server = Label()
    declined = Label()
    flow.go(declined, _NO_PROXY)
    for section in reversed(host.walked):
        found = section.said.get("proxy-pass")
        if not found:
            continue
        one = found[-1]  # a section has one; a second is in place of the first
        # Its path is a prefix, whatever the section takes it for.
        inside = host.entered(section)
        certain = one.pattern is None and isinstance(inside, PathPrefix) and not host.slashes
        when = inside if certain else All((inside, passes.where(one, host.slashes)))
        mapper.add(flow, one, when, proxied, declined)
        if not certain:
            flow.go(server, inside, one.origin)
    flow.place(server)
    for level in host.levels.scopes:
        for one in level.said.get("proxy-pass", ()):
            if not one.mapping:
                mapper.add(flow, one, passes.where(one, host.slashes), proxied, declined)
    flow.place(declined)
