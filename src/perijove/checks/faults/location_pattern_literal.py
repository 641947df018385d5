r"""A pattern is taken for a plain path, and never fits.

## What it finds

ProxyPass in a `<LocationMatch>` or `<Location ~>` whose pattern has none of `*`, `?` and `[`.

## Why it hurts

mod_proxy takes the section's path for a regular expression only if one of these three is in it (`apr_fnmatch_test`);
`^/user/.+/channels$` is a prefix that no URL begins with. ProxyPassMatch always takes it for a pattern.

## What a user sees

What the section was for goes elsewhere: mostly WebSockets, and *Connecting to kernel* stays.

## Example

```apache
<LocationMatch "^/user/.+/channels$">
    ProxyPass ws://127.0.0.1:8000
</LocationMatch>
```

## Use instead

```apache
<LocationMatch "^/user/.+/channels$">
    ProxyPassMatch ws://127.0.0.1:8000
</LocationMatch>
```

## Sources

- httpd's `add_pass` (modules/proxy/mod_proxy.c)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import replaced
from perijove.config.apache.words import is_wildcard
from perijove.text.diagnostic import Edit, Fix, Severity
from perijove.text.source import Span

SEVERITY = Severity.ERROR


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each ProxyPass that a pattern is lost on."""
    for one in subject.mapped:
        if one.written.name != "proxypass" or not one.pattern or one.path is None or one.written.location is None:
            continue
        text = one.path.text
        if is_wildcard(text) or not any(mark in text for mark in r"^$().+|\{"):
            continue
        span = one.written.span
        edits: list[Edit] = [replaced(Span(span.source, span.line, span.column, len("ProxyPass")), "ProxyPassMatch")]
        yield Finding(
            f"ProxyPass takes `{text}` for a plain path: no URL begins so",
            span,
            'WebSockets that it is for do not get there: the notebook stays at "Connecting to kernel"',
            "write ProxyPassMatch in place of ProxyPass",
            Fix("write ProxyPassMatch", tuple(edits)),
        )
