"""A wildcard is taken for a regular expression.

## What it finds

ProxyPass in a plain `<Location "/user/*/ws">`.

## Why it hurts

The section itself takes `*` for a wildcard; mod_proxy compiles the same text as a regular expression, where `/*` is any number of
slashes. The two seldom fit the same URLs.

## What a user sees

What the section was for goes elsewhere: `404`, or a WebSocket that is not upgraded.

## Example

```apache
<Location "/user/*/ws">
    ProxyPass ws://127.0.0.1:8000
</Location>
```

## Use instead

```apache
<LocationMatch "^/user/[^/]+/ws">
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
from perijove.config.apache.words import is_wildcard
from perijove.text.diagnostic import Severity

SEVERITY = Severity.WARNING


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each section of that kind."""
    for one in subject.mapped:
        section = one.written.location
        if one.written.name != "proxypass" or one.pattern or one.path is None or section is None:
            continue
        if is_wildcard(one.path.text):
            yield Finding(
                f"ProxyPass takes `{one.path.text}` for a regular expression, the section for a wildcard",
                section.span,
                "404, or WebSockets that are not upgraded, where both do not fit",
                'write a pattern: <LocationMatch "^…"> and ProxyPassMatch',
            )
