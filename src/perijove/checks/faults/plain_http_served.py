"""The hub is served without TLS, too.

## What it finds

A host whose hub is there by https, and by http as well, without being redirected.

## Why it hurts

Who types the name without `https://` stays with http: passwords and cookies are sent in the clear. Cookies of one are not those of
the other, for only one kind is Secure.

## What a user sees

"Not secure" in the browser; a login that seems forgotten when a link leads to the other scheme.

## Example

```apache
<VirtualHost *:80>
    ServerName hub.example.org
    ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
</VirtualHost>
```

## Use instead

```apache
<VirtualHost *:80>
    ServerName hub.example.org
    Redirect permanent / https://hub.example.org/
</VirtualHost>
```

## Sources

- [JupyterHub: using a reverse proxy](https://jupyterhub.readthedocs.io/en/stable/howto/configuration/config-proxy.html), whose hosts
  on port 80 redirect
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import addresses, place
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

if TYPE_CHECKING:
    from perijove.checks.sites import Site

SEVERITY = Severity.WARNING
_LOCAL = ("127.", "localhost", "[::1]")


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each place that is there in both ways."""
    secure = {_place(site): site for site in subject.sites if site.scheme == "https" and site.page.sent is not None}
    for site in subject.sites:
        other = secure.get(_place(site))
        if site.scheme != "http" or site.page.sent is None or other is None:
            continue
        at = addresses(subject, site.host)
        if at and all(one.startswith(_LOCAL) for one in at):
            continue  # for this machine itself
        yield Finding(
            f"{site.url('')} serves the hub without TLS; {other.url('')} is there",
            place(subject, site),
            "passwords go in the clear for whoever does not type https://",
            f"write `Redirect permanent / {other.origin}/` in this host, in place of what proxies",
        )


def _place(site: Site) -> tuple[str, str]:
    return site.authority.rpartition(":")[0] or site.authority, site.mount
