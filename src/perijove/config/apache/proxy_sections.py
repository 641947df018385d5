"""<Proxy> and <ProxyMatch>: which URLs that something is sent to a section is for.

Source: ap_proxy_section and proxy_walk (modules/proxy/mod_proxy.c). Must not know what is said in sections.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from perijove.config.apache.glob import pattern_of
from perijove.config.apache.patterns import compiled
from perijove.config.apache.words import is_wildcard, octets
from perijove.gateway.conditions import Condition, Matches, Never, Pattern
from perijove.gateway.templates import Fact

if TYPE_CHECKING:
    from perijove.config.apache.scope import Scope


def proxied_to(section: Scope) -> Condition:
    """Return what holds for requests that a section is for: those that go to a URL it names."""
    if section.path == "*":
        return Matches((Fact.UPSTREAM_URL,), Pattern(b"."))
    if section.regex:
        pattern = compiled(section.path, False, section.origin, section) if section.origin else None
        return Never() if pattern is None else Matches((Fact.UPSTREAM_URL,), pattern)
    if is_wildcard(section.path):
        return Matches((Fact.UPSTREAM_URL,), Pattern(pattern_of(octets(section.path))))
    return Matches((Fact.UPSTREAM_URL,), Pattern(rb"\A" + re.escape(octets(section.path))))


def is_in(url: str, section: Scope) -> bool:
    """Tell whether a URL, and so all that begin with it, is one that a section is for."""
    if section.path == "*":
        return True
    if section.regex:
        return re.search(section.path, url) is not None
    if is_wildcard(section.path):
        return re.search(pattern_of(octets(section.path)), octets(url)) is not None
    return url.startswith(section.path)
