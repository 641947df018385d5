"""The hub can be reached past the proxy.

## What it finds

With `--hub`: a hub that listens on all addresses, while the proxy speaks to it over the loopback.

## Why it hurts

Whoever can reach its port needs no TLS, and no check that the proxy makes. JupyterHub's default is all addresses.

## What a user sees

Nothing.

## Example

```python
c.JupyterHub.bind_url = "http://:8000/"
```

## Use instead

```python
c.JupyterHub.bind_url = "http://127.0.0.1:8000/"
```

## Sources

- [JupyterHub, networking basics](https://jupyterhub.readthedocs.io/en/stable/tutorial/getting-started/networking-basics.html)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ADVICE


def find(subject: Subject) -> Iterator[Finding]:
    """Yield that it is so."""
    hub = subject.known.hub
    if hub is None or not hub.told or hub.url.hostname not in (None, "", "0.0.0.0", "::", "*"):
        return
    if any(one.page.sent and one.page.sent.address.startswith(("127.", "localhost", "[::1]")) for one in subject.sites):
        yield Finding(
            "the hub listens on all addresses, though the proxy is on its own machine",
            hub.where("bind_url", "ip"),
            help="write `c.JupyterHub.bind_url = 'http://127.0.0.1:8000/'`, with the port and path that it has",
        )
