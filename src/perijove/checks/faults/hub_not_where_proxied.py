"""The hub does not listen where the proxy looks for it.

## What it finds

With `--hub`: another port than that of the hub's own proxy, or another machine while the hub listens on its loopback only.

## Why it hurts

Nothing answers there, or something else does. 8081 is the hub's own port, behind its proxy: users belong on the proxy's, 8000.

## What a user sees

`503 Service Unavailable`; Apache's log says `AH00957: http: attempt to connect to … failed`.

## Example

```python
c.JupyterHub.bind_url = "http://127.0.0.1:8000/"
```

```apache
ProxyPass / http://hub-machine.example.org:8000/
```

## Use instead

```python
c.JupyterHub.bind_url = "http://:8000/"
```

or `127.0.0.1` on both sides, where both are on one machine.

## Sources

- jupyterhub/jupyterhub issue 219: "the Hub may need to be configured to listen to an external interface rather than localhost"
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import mapping, place
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ERROR
STOPS = 1
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that leads elsewhere."""
    hub = subject.known.hub
    if hub is None or not hub.told:
        return
    port = hub.url.port or (443 if hub.url.scheme == "https" else 80)
    for site in subject.sites:
        if site.page.sent is None or site.page.sent.address.startswith("unix:"):
            continue
        host, _, asked = site.page.sent.address.rpartition(":")
        its = mapping(subject, site.page)
        where = place(subject, site) if its is None else its.target.span
        if asked != str(port):
            yield Finding(
                f"requests go to port {asked}, but the hub's proxy listens on {port} ({hub.where('bind_url', 'port')})",
                where,
                "503 Service Unavailable; Apache's log says AH00957: attempt to connect failed",
                f"write port {port}",
            )
        elif hub.url.hostname in _LOOPBACK and host.strip("[]") not in _LOOPBACK:
            yield Finding(
                f"requests go to {host}, but the hub listens on {hub.url.hostname} only ({hub.where('bind_url', 'ip')})",
                where,
                "503 Service Unavailable; Apache's log says AH00957: attempt to connect failed",
                "write `127.0.0.1` here if both are on one machine; else `c.JupyterHub.bind_url = 'http://:8000'`",
            )
