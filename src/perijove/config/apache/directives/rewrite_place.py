"""Where a list of RewriteRules stands, what it leads to, and the notes that it leaves.

Knows what rules ask of the place around them. Must not know rules, nor sections and servers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perijove.gateway.actions import Encoding, Refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.config.apache.directives.rewrite_text import Around
    from perijove.config.apache.flow import Flow, Label
    from perijove.gateway.conditions import Condition
    from perijove.gateway.templates import Template
    from perijove.text.source import Span

# Notes of ours have a zero octet, which no configuration can write.
QUERY: Final = b"\0query"  # the query as it came
BEGAN: Final = b"\0file"  # what a section's rules began with
END: Final = b"\0end"  # a rule with END has been there
PROXIED: Final = b"proxy:"  # stands before the URL where a request goes, as sections see it


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list stands, and what it leads to."""

    around: Around
    # The name of an upstream for a URL's scheme and authority, or how such requests are refused.
    upstream: Callable[[str, Span], str | Refuse]
    expression: Callable[[str, Span], Condition]  # of RewriteCond expr
    proxies: bool  # mod_proxy is loaded
    own: Condition | None  # the held text is a URL of the server itself; the path behind the slash is its first capture
    directory: bytes | None  # in a section: its path, with a slash at the end; None outside
    base: bytes = b""  # RewriteBase
    encoding: Encoding = Encoding.CANONICAL  # of paths for upstreams
    counted: bytes = b""  # by which name the rounds of [N] are counted
    refuse: Callable[[Flow, Refuse, Label, Span | None], None] | None = None  # what refuses when it is to be sent
    instead: Callable[[Flow], None] | None = None  # what comes before a failure that is only seen later
    worker: Callable[[Flow, str, Template, Span], None] | None = None  # what else holds for URLs that begin so
    # What sends a path to a URL whose <Proxy> sections say something else of TLS.
    sections: Callable[[Flow, str, Template, Encoding, Label, Span], None] | None = None
    balancer: Callable[[Flow, str, Template, Encoding, Label, Span], None] | None = None  # what sends a path to a balancer
    files: Condition | None = None  # the held text is the name of a file that may be served
    info: Template = ()  # in a section: what stands behind the file's name, if that is kept apart


@dataclass(frozen=True, slots=True)
class Labels:
    """Where requests go on."""

    proxied: Label  # it is to be forwarded
    file: Label  # it is a file's name now
    on: Label  # nothing was decided
