"""The hub is not told where its users are.

## What it finds

Requests that arrive without X-Forwarded-For: `ProxyAddHeaders Off`, or a line that takes the field out.

## Why it hurts

For the hub, all users have the proxy's address: in its log, in limits of logins, and in the token of forms that are filled in before
the login.

## What a user sees

Nothing. The administrator finds one address in the hub's log, for everybody.

## Example

```apache
ProxyAddHeaders Off
ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
```

## Use instead

Neither; Apache adds it by itself.

## Sources

- jupyterhub/jupyterhub issue 1822 and pull request 2447
- [ProxyAddHeaders](https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#proxyaddheaders)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import place, within
from perijove.checks.sites import arriving
from perijove.checks.subject import Subject
from perijove.checks.written import deleted
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ADVICE


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that does not tell."""
    for site in subject.sites:
        if site.page.sent is None or arriving(site.page, "x-forwarded-for") is not None:
            continue
        off = [
            one
            for one in subject.directives("proxyaddheaders")
            if within(one, site) and one.words and one.words[0].text.lower() == "off"
        ]
        yield Finding(
            "requests arrive without X-Forwarded-For: for the hub, every user has the proxy's address",
            off[0].span if off else place(subject, site),
            "one address for everybody in the hub's log",
            "take `ProxyAddHeaders Off` out" if off else "leave X-Forwarded-For as it is",
            Fix("take it out", tuple(deleted(one.span) for one in off)) if off else None,
        )
