"""A pattern's URL ends in a slash, and a path with two of them arrives.

## What it finds

ProxyPassMatch, or ProxyPass in a section with a pattern, whose URL ends in `/` and has no `$1`.

## Why it hurts

Without `$1`, the whole path is put behind the URL: `ws://127.0.0.1:8000/` and `/user/…` make `//user/…`.

## What a user sees

`404 Not Found` for what goes this way, or a redirect below `/hub/`: mostly WebSockets, of which the browser's console says
`Unexpected response code: 302`, and *Connecting to kernel* stays.

## Example

```apache
ProxyPassMatch "^/user/.*/channels" ws://127.0.0.1:8000/
```

## Use instead

```apache
ProxyPassMatch "^/user/.*/channels" ws://127.0.0.1:8000
```

## Sources

- httpd's `ap_proxy_trans_match` (modules/proxy/mod_proxy.c)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import Mapped
from perijove.config.apache.words import is_wildcard
from perijove.text.diagnostic import Edit, Fix, Severity

SEVERITY = Severity.ERROR


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each URL with a slash too many."""
    for one in subject.mapped:
        if one.written.name == "rewriterule" or not one.pattern or "$" in one.target.text or one.url_path != "/":
            continue
        if _is_pattern(one):
            span = one.target.span
            end = span.source.offset(span.line, span.column) + span.size
            while span.source.text[end - 1 : end] in ('"', "'"):
                end -= 1
            yield Finding(
                f"the whole path is put behind `{one.target.text}`: it arrives with two slashes",
                span,
                "404 Not Found for what goes this way, or a redirect, which no WebSocket follows",
                f"write `{one.target.text.rstrip('/')}`",
                Fix("take the slash out", (Edit(span.source, end - 1, end, ""),)),
            )


def _is_pattern(one: Mapped) -> bool:
    return one.written.name == "proxypassmatch" or (one.path is not None and is_wildcard(one.path.text))
