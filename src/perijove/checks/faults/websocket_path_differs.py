"""WebSockets arrive at another path or port than pages do.

## What it finds

A kernel's handshake whose path is changed in another way than that of the login page, or that goes to another port.

## Why it hurts

The hub's proxy knows one path for a user's server.

## What a user sees

Pages are there; the notebook stays at *Connecting to kernel*: the handshake is answered with 404, or 302.

## Example

```apache
<LocationMatch "/jhub/(user/[^/]*)/(api/kernels/[^/]+/channels)">
    ProxyPassMatch ws://localhost:8000/$1/$2
</LocationMatch>
ProxyPass /jhub/ http://localhost:8000/jhub/
```

## Use instead

```apache
ProxyPass /jhub/ http://localhost:8000/jhub/ upgrade=websocket
```

## Sources

- jupyterhub/jupyterhub issue 219, the second of its configurations
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import place
from perijove.checks.sites import LOGIN, target, upgraded
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ERROR


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site where they differ."""
    for site in subject.sites:
        page, socket = site.page.sent, site.socket.sent
        if page is None or socket is None or not upgraded(site.socket):
            continue
        its, other = target(site.page).partition("?")[0], target(site.socket)
        base = its.removesuffix(LOGIN)
        port, other_port = page.address.rpartition(":")[2], socket.address.rpartition(":")[2]
        if base != its and other != base + site.kernel:
            message = f"a kernel's WebSocket arrives as {other}, where pages arrive below {base}"
        elif port != other_port:
            message = f"WebSockets go to port {other_port}, pages to port {port}"
        else:
            continue
        yield Finding(
            message,
            place(subject, site, site.socket),
            'pages are there; the notebook stays at "Connecting to kernel" (404)',
            "use the path and the port of the pages; or leave this rule out, and add `upgrade=websocket` to theirs",
        )
