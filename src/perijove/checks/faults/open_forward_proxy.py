"""Anybody may use this server to reach others.

## What it finds

`ProxyRequests On` without a `<Proxy>` section that keeps strangers out.

## Why it hurts

It is a forward proxy, which no hub needs: strangers send their requests by way of it, and reach what is inside your network.

## What a user sees

Nothing; the administrator gets mail about abuse.

## Example

```apache
ProxyRequests On
ProxyPass / http://127.0.0.1:8000/
```

## Use instead

```apache
ProxyRequests Off
ProxyPass / http://127.0.0.1:8000/
```

## Sources

- [mod_proxy, controlling access](https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#access)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import replaced
from perijove.config.apache.words import fold
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ERROR
EXPLAINS = ("forward-proxy-open",)


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each ProxyRequests On that nothing guards."""
    closed = any(
        one.name in ("require", "deny", "requireall", "requireany")
        and any(fold(section.name) in ("proxy", "proxymatch") for section in one.around)
        and [fold(word.text) for word in one.words] != ["all", "granted"]
        for one in subject.everything
    )
    if closed:
        return
    for one in subject.directives("proxyrequests"):
        if one.words and fold(one.words[0].text) == "on":
            yield Finding(
                "anybody may use this server as a forward proxy",
                one.span,
                "",
                "write `ProxyRequests Off`: a reverse proxy does not need it",
                Fix("switch the forward proxy off", (replaced(one.words[0].span, "Off"),), safe=False),
            )
