"""A virtual host is never asked: an earlier one has its name.

## What it finds

A `<VirtualHost>` all of whose names belong to one above it, of the same address and port.

## Why it hurts

Of hosts with one name, Apache takes the first. What was mended in the second changes nothing; `apachectl configtest` has no
objection.

## What a user sees

What they saw before.

## Example

```apache
<VirtualHost *:443>
    ServerName hub.example.org
    ProxyPass / http://127.0.0.1:8000/
</VirtualHost>

<VirtualHost *:443>
    ServerName hub.example.org
    ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
</VirtualHost>
```

## Use instead

One of them. `apachectl -S` lists which names lead where.

## Sources

- [name-based virtual hosts](https://httpd.apache.org/docs/2.4/vhosts/name-based.html): the first that fits counts
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import addresses
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.WARNING


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each host that is not reached by any of its names."""
    if subject.gateway is None:
        return
    told = set()
    for listener in subject.gateway.listeners:
        first: dict[tuple[frozenset[str], str], int] = {}  # the line of the host that has a name
        for host in listener.hosts:
            names = [one.lower() for one in (host.server_name, *host.names) if one]
            if host.origin is None or not names:
                continue
            at = addresses(subject, host)
            by = {first.get((at, name)) for name in names}
            for name in names:
                first.setdefault((at, name), host.origin.line)
            line = next(iter(by))
            if None in by or line is None or line == host.origin.line or host.origin in told:
                continue
            told.add(host.origin)
            yield Finding(
                f"this host is never asked: {names[0]} belongs to the one in line {line}",
                host.origin,
                "what is written here changes nothing",
                "leave one of the two; `apachectl -S` shows which names lead where",
            )
