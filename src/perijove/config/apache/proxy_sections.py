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

if TYPE_CHECKING:
    from perijove.config.apache.scope import Scope
    from perijove.gateway.templates import Template


def proxied_to(section: Scope, url: Template) -> Condition:
    """Return what holds for requests that a section is for: those whose URL, as it was written, it names."""
    if section.path == "*":
        return Matches(url, Pattern(b"."))
    if section.regex:
        pattern = compiled(section.path, False, section.origin, section) if section.origin else None
        return Never() if pattern is None else Matches(url, pattern)
    if is_wildcard(section.path):
        return Matches(url, Pattern(pattern_of(octets(section.path))))
    return Matches(url, Pattern(rb"\A" + re.escape(octets(section.path))))


def is_in(url: str, section: Scope) -> bool:
    """Tell whether all URLs that begin so are such that a section is for."""
    return section.path == "*" or (not section.regex and not is_wildcard(section.path) and url.startswith(section.path))


def may_be_in(url: str, section: Scope) -> bool:
    """Tell whether some URLs that begin so may be such."""
    return section.regex or is_wildcard(section.path) or section.path.startswith(url) or url.startswith(section.path)
