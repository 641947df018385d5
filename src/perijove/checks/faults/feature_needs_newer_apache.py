"""The Apache that this is for does not know a feature yet.

## What it finds

With `--apache-version`: `upgrade=` before 2.4.47, `ws://` and `wss://` before 2.4.5.

## Why it hurts

Before 2.4.47 ProxyPass refuses `upgrade=`; mod_proxy_wstunnel came with 2.4.5.

## What a user sees

Nothing: Apache does not start. `apachectl configtest` says `ProxyPass unknown Worker parameter`.

## Example

```apache
ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
```

## Use instead

A newer Apache; or, from 2.4.5 on:

```apache
RewriteEngine On
RewriteCond %{HTTP:Upgrade} websocket [NC]
RewriteRule /(.*) ws://127.0.0.1:8000/$1 [P,L]
```

## Sources

- No test has played the fault itself, for want of an Apache that old; one shows that a hub works with what is used instead.
- httpd's CHANGES of 2.4.47 and 2.4.5
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ERROR
STOPS = 0


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each line that is too new."""
    if not subject.older(2, 4, 47):
        return
    for one in subject.mapped:
        word = next((word for word in one.written.words if word.text.lower().startswith("upgrade=")), None)
        if word is not None:
            yield Finding(
                "`upgrade=` needs Apache 2.4.47",
                word.span,
                "Apache does not start: ProxyPass unknown Worker parameter",
                "use a newer Apache, or RewriteCond %{HTTP:Upgrade} and a RewriteRule to ws://",
            )
        elif one.scheme in ("ws", "wss") and subject.older(2, 4, 5):
            yield Finding(
                f"`{one.scheme}://` needs Apache 2.4.5, where mod_proxy_wstunnel came",
                one.target.span,
                "WebSockets are answered with 500",
                "use a newer Apache",
            )
