"""WebSockets reach the hub, and its pages do not.

## What it finds

A site that passes the WebSockets of kernels on, and has nothing for `/hub/login`.

## Why it hurts

A rule for WebSockets is one of two: all other paths need theirs.

## What a user sees

`404 Not Found` on every page.

## Example

```apache
<LocationMatch "/mypath/(user/[^/]*)/(api/kernels/[^/]+/channels|terminals/websocket)(.*)">
    ProxyPassMatch ws://localhost:8000/mypath/$1/$2$3
</LocationMatch>
```

## Use instead

```apache
ProxyPass /mypath/ http://localhost:8000/mypath/ upgrade=websocket
```

## Sources

- jupyterhub/jupyterhub issue 219: "You definitely do need to proxy the main paths and the websockets separately"
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import mapping, place
from perijove.checks.sites import LOGIN, upgraded
from perijove.checks.subject import Subject
from perijove.checks.written import inserted
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ERROR
STOPS = 1


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that lacks its pages."""
    for site in subject.sites:
        if not upgraded(site.socket) or site.page.sent is not None:
            continue
        if site.page.refusal is not None and site.page.refusal.code in ("AH01144", "AH01961"):
            continue
        its = mapping(subject, site.socket)
        fix = None
        line = ""
        if its is not None:
            scheme = "https" if its.secure else "http"
            line = f"ProxyPass {site.mount} {scheme}://{its.authority}{site.mount}"
            outer = its.written.location.span if its.written.location is not None else its.written.span
            fix = Fix("send the pages to the same upstream", (inserted(outer, line),), safe=False)
        status = site.page.answer.status if site.page.answer is not None else 404
        yield Finding(
            f"WebSockets below {site.mount} reach the hub, but {site.mount}{LOGIN} is answered with {status}",
            place(subject, site, site.socket),
            f"{status} on every page",
            f"write `{line or 'ProxyPass'}` as well",
            fix,
        )
