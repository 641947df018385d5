"""What <Proxy> sections say of TLS to the URLs that they are for.

A section that says anything of it decides alone, with what its server says for the rest; the last of several that a URL is in does.
Source: ssl_proxy_section_post_config (modules/ssl/ssl_engine_init.c), ssl_config_perdir_merge (ssl_engine_config.c), proxy_walk
(modules/proxy/mod_proxy.c). Must not know what comes of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perijove.config.apache.proxy_sections import is_in, may_be_in
from perijove.config.apache.scope import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perijove.config.apache.scope import Levels, Scope


def sections(levels: Levels) -> list[Scope]:
    """Return the sections that say something of TLS, the last first; most of thousands do not."""
    proxies = (one for one in reversed(levels.sections) if one.kind is Kind.PROXY)
    return [one for one in proxies if any(name.startswith("sslproxy") for name in one.said)]


def deciding(those: Iterable[Scope], url: str) -> list[Scope | None]:
    """Return those `sections` that may decide of URLs that begin so: the first that a URL is in does. None is no section."""
    found: list[Scope | None] = []
    for section in those:
        if is_in(url, section):
            return [*found, section]
        if may_be_in(url, section):
            found.append(section)
    return [*found, None]


def said(levels: Levels, section: Scope | None, name: str) -> Any:
    """Return what holds where a section decides: what it says, or else its server."""
    if section is None:
        return levels.said(name)
    if name in section.said:
        return section.said[name]
    server = levels.scopes[0]
    return server.said.get(name) if any(section is one for one in server.sections) else levels.said(name)
