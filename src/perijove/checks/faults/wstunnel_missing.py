"""mod_proxy_wstunnel is needed and not loaded.

## What it finds

`ws://` or `wss://` upstreams without mod_proxy_wstunnel, where nothing else can speak that: mod_proxy_http does since Apache 2.4.47.

## Why it hurts

The scheme is looked up when a request comes; `apachectl configtest` has no objection.

## What a user sees

*Connecting to kernel* for ever: WebSockets are answered with 500 or 404. Apache's log says
`AH01144: No protocol handler was valid for the URL … (scheme 'ws')`.

## Example

```apache
RewriteRule /(.*) ws://127.0.0.1:8000/$1 [P,L]
```

## Use instead

```console
# a2enmod proxy_wstunnel
```

or, from Apache 2.4.47 on, `ProxyPass / http://127.0.0.1:8000/ upgrade=websocket`.

## Sources

- jupyterhub/jupyterhub issue 219: "Don't forget to enable proxy, proxy_http, headers and proxy_wstunnel"
- httpd's CHANGES of 2.4.47
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.config.apache.modules import enabling
from perijove.text.diagnostic import Confidence, Severity

SEVERITY = Severity.ERROR


def find(subject: Subject) -> Iterator[Finding]:
    """Yield the first upstream that needs it."""
    modules = subject.modules
    if modules is None or "proxy_wstunnel" in modules:
        return
    one = next((one for one in subject.mapped if one.scheme in ("ws", "wss")), None)
    if one is None:
        return
    needed = "proxy_http" not in modules or subject.older(2, 4, 47)
    if needed or subject.known.version is None:
        yield Finding(
            f"`{one.scheme}://` needs mod_proxy_wstunnel{'' if needed else ' before Apache 2.4.47'}",
            one.target.span,
            "WebSockets are answered with 500; Apache's log says AH01144: No protocol handler was valid",
            enabling("proxy_wstunnel") + ("" if needed else "; or say which Apache it is: `--apache-version`"),
            severity=None if needed else Severity.WARNING,
            confidence=None if needed else Confidence.MEDIUM,
        )
