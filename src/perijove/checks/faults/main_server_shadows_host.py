"""A ProxyPass outside of the hosts takes what a host's own is for.

## What it finds

A ProxyPass of the main server, outside of every `<VirtualHost>`, that decides where a hub's pages go, though the host has a ProxyPass
for them.

## Why it hurts

Hosts inherit the main server's ProxyPass lines, and Apache looks at these first. The host's own are looked at for what is left.

## What a user sees

Another application, or 503, where the hub should be.

## Example

```apache
ProxyPass / http://127.0.0.1:8080/

<VirtualHost *:443>
    ServerName hub.example.org
    ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
</VirtualHost>
```

## Use instead

```apache
<VirtualHost *:443>
    ServerName www.example.org
    ProxyPass / http://127.0.0.1:8080/
</VirtualHost>

<VirtualHost *:443>
    ServerName hub.example.org
    ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
</VirtualHost>
```

## Sources

- httpd's `merge_proxy_config` (modules/proxy/mod_proxy.c): the main server's aliases are put before the host's
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import shadowed
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ERROR
STOPS = 1


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each line of a host that is not asked for it."""
    for site in subject.sites:
        both = shadowed(subject, site)
        if both is None:
            continue
        one, its = both
        line = its.written.span.line
        yield Finding(
            f"this line is not asked: `{its.target.text}` of line {line}, outside of the hosts, is first",
            one.written.span,
            f"pages of {its.target.text} in place of the hub's",
            f"move line {line} into a virtual host of its own",
        )
