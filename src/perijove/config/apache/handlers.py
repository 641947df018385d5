"""SetHandler: what answers in place of the file that a request is for.

Source: ap_invoke_handler (server/config.c), proxy_handler (modules/proxy/mod_proxy.c). Must not know which file it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from perijove.config.apache.files import FILE
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.targets import target_of
from perijove.config.apache.words import octets
from perijove.config.apache.workers import url_of
from perijove.gateway.conditions import Always, Condition, Setting
from perijove.gateway.rules import ForwardTo, Refuse, Set, Then
from perijove.gateway.templates import Call, Function, Note

if TYPE_CHECKING:
    from perijove.config.apache.host import Host
    from perijove.config.apache.mapping import Mapper
    from perijove.text.source import Span


def add(flow: Flow, host: Host, mapper: Mapper, done: Label) -> None:
    """Add the handler of the last scope that a request is in."""
    other = Label()
    for scope in reversed(host.merged):
        if "handler" in scope.said:
            text, span = scope.said["handler"]
            if text.lower().startswith("proxy:"):
                _proxy(flow, host.when(scope), mapper, text[6:], span, done)
            else:
                flow.go(other, host.when(scope), span)
    flow.place(other)


def _proxy(flow: Flow, when: Condition, mapper: Mapper, url: str, span: Span, handled: Label) -> None:
    """Send a file's request to an upstream, with the name of the file behind the URL (proxy_handler)."""
    target = target_of(url)
    upstreams = mapper.upstreams
    if target is None or upstreams.failing(target):
        flow.add(when, Refuse(500, None if target is None else upstreams.why(target)), Then.STOP, span)
        return
    path = (octets(target.path), Call(Function.FOUND, (Note(FILE),)))
    after = Label()
    flow.add(when, Set(Setting.UPGRADES, upstreams.upgrades(target, {})), origin=span, otherwise=after)
    origin = url_of(replace(target, path=""))
    mapper.workers.reuse(flow, (octets(origin), *path), origin, span)
    flow.add(Always(), ForwardTo(upstreams.name(target, {}), path, mapper.host.encoding), handled, span)
    flow.place(after)
