"""Some WebSockets get through, others do not.

## What it finds

Kernels connect, but the handshakes of JupyterLab's events, terminals, collaboration, language servers, named servers or of
applications behind jupyter-server-proxy arrive as plain requests. Each is asked of the tables that serve.

## Why it hurts

Rules that name paths know only those of the day they were written: `/api/events/subscribe` came with JupyterLab 4. What says
that a request is a WebSocket is its `Upgrade` field, not its path.

## What a user sees

Kernels work. JupyterLab repeats `WebSocket connection to 'wss://…/api/events/subscribe' failed` in the console for ever;
a terminal stays black; RStudio, Streamlit or code-server behind `/user/…/proxy/` says that it was disconnected.

## Example

```apache
<Location ~ "/(user/[^/]*)/(api/kernels/[^/]+/channels|terminals/websocket)/?">
    ProxyPass ws://localhost:8000
</Location>
ProxyPass / http://localhost:8000/
```

## Use instead

```apache
ProxyPass / http://localhost:8000/ upgrade=websocket
```

## Sources

- jupyterhub/jupyterhub issue 219, whose pattern this is; jupyter-server's `/api/events/subscribe`
- jupyter-server-proxy, `/proxy/<port>/`
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import place, upgrade
from perijove.checks.sites import upgraded
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.WARNING
_SOCKETS: Final = {
    "user/ann/api/events/subscribe": "JupyterLab's events",
    "user/ann/terminals/websocket/1": "terminals",
    "user/ann/gpu/api/kernels/4f1c2a9e-0b7d-4c55-9a51-2f6f7d1c0001/channels": "kernels of named servers",
    "user/ann/proxy/8787/websocket": "applications behind jupyter-server-proxy",
    "user/ann/api/collaboration/room/json:notebook:1": "collaboration",
    "user/ann/lsp/ws/pylsp": "language servers",
    "services/board/socket": "services of the hub",
}

_OF_HUB: Final = ("services/", "user/ann/gpu/")


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that lets only some of them through."""
    for site in subject.sites:
        if not upgraded(site.socket):
            continue
        paths = [path for path in _SOCKETS if site.own or not path.startswith(_OF_HUB)]
        asked = {path: site.ask(subject, path, websocket=True) for path in paths}
        missed = {path: found for path, found in asked.items() if found is not None and not upgraded(found)}
        if not missed:
            continue
        first = next(iter(missed.values()))
        yield Finding(
            f"WebSockets of kernels get through, but not those of {', '.join(_SOCKETS[path] for path in missed)}",
            place(subject, site, site.socket),
            f"kernels work; the console says again and again that wss://…{site.mount}{next(iter(missed)).removeprefix('user/ann/' if not site.own else '')} failed (400 or 404)",
            "pass on what says `Upgrade: websocket`, whatever its path: `upgrade=websocket` at the hub's ProxyPass",
            upgrade(subject, first, *missed.values()),
        )
