"""Apache 2.2 has no WebSockets.

## What it finds

With `--apache-version`, one below 2.4; else NameVirtualHost, which only configurations of 2.2 need.

## Why it hurts

Apache 2.2 cannot pass WebSockets on: mod_proxy_wstunnel came with 2.4.5.

## What a user sees

Pages are there; the notebook stays at *Connecting to kernel*.

## Example

```console
$ apachectl -v
Server version: Apache/2.2.22 (Debian)
```

## Use instead

Apache 2.4.47 or newer: `ProxyPass / http://127.0.0.1:8000/ upgrade=websocket` is all that WebSockets need there.

## Sources

- No test has played the fault itself, for want of an Apache 2.2; one shows that a hub works with what is used instead.
- jupyterhub/jupyterhub issue 219: "Older versions of Apache such as 2.2.x do not provide WebSocket support"
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Confidence, Severity
from perijove.text.source import Span

SEVERITY = Severity.ERROR
STOPS = 0
_HELP = "use Apache 2.4.47 or newer; `apachectl -v` shows which one this is"


def find(subject: Subject) -> Iterator[Finding]:
    """Yield that it is too old, if that is known or likely."""
    if subject.older(2, 4):
        version = ".".join(map(str, subject.known.version or ()))
        yield Finding(f"Apache {version} cannot pass WebSockets on", Span(subject.source, 1), "no kernel ever connects", _HELP)
        return
    for one in subject.directives("namevirtualhost"):
        if subject.known.version is None:
            yield Finding(
                "NameVirtualHost is of Apache 2.2, which cannot pass WebSockets on",
                one.span,
                "if it is 2.2: no kernel ever connects",
                _HELP,
                severity=Severity.WARNING,
                confidence=Confidence.LOW,
            )
            return
