"""The hub's own `base_url` is not the path that is proxied to it.

## What it finds

With `--hub`: requests that arrive above or beside the hub's `base_url`, or a `base_url` that nothing leads to.

## Why it hurts

Whatever is not below its `base_url`, JupyterHub redirects there, or answers with 404.

## What a user sees

`404 Not Found`, or a redirect that never ends (`/jhub/jhub/hub/…`).

## Example

```python
c.JupyterHub.base_url = "/jhub/"
```

```apache
ProxyPass / http://127.0.0.1:8000/
```

is right only if users ask for `/jhub/` themselves;

```apache
ProxyPass /notebooks/ http://127.0.0.1:8000/notebooks/
```

never is.

## Use instead

```apache
ProxyPass /jhub/ http://127.0.0.1:8000/jhub/
```

## Sources

- jupyterhub/jupyterhub issue 1716; the-littlest-jupyterhub issue 273
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import mapping, place
from perijove.checks.sites import LOGIN, target
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ERROR
STOPS = 1


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site by which no request arrives there."""
    hub = subject.known.hub
    if hub is None or not hub.told:
        return
    for site in subject.sites:
        arrives = target(site.page).partition("?")[0]
        if not arrives.endswith(LOGIN) or arrives.startswith(hub.base_url + LOGIN):
            continue
        if site.mount == "/" and arrives == f"/{LOGIN}":
            continue  # all is passed on, what is below base_url as well
        its = mapping(subject, site.page)
        yield Finding(
            f"{site.mount}{LOGIN} arrives as {arrives}, but the hub is at {hub.base_url} ({hub.where('base_url', 'bind_url')})",
            place(subject, site) if its is None else its.target.span,
            "404 Not Found, or a redirect that never ends",
            f"use {hub.base_url} in the path and in the URL, or change `c.JupyterHub.base_url`",
        )
