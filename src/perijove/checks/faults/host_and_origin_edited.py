"""Host is preserved, and Origin is changed all the same.

## What it finds

A request that arrives with the browser's own `Host`, and with an `Origin` that a RequestHeader has changed to the upstream's.

## Why it hurts

Each of the two is a way to have them agree: with both they differ again.

## What a user sees

`404 Not Found` from the API for all that writes; the log says
`Blocking Cross Origin API request for /user/…  Origin: http://localhost:8000, Host: hub.example.org`.

`403 Forbidden` for WebSockets (`Blocking Cross Origin WebSocket Attempt.`); since Tornado 6.6 only where browsers do not send
`Sec-Fetch-Site`, which they send over TLS.

## Example

```apache
ProxyPreserveHost On
RequestHeader edit Origin hub.example.org localhost:8000
```

## Use instead

```apache
ProxyPreserveHost On
```

## Sources

- jupyterhub/jupyterhub issue 1411
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.origins import Verdict, judge
from perijove.checks.remedy import edits_of_origin, place
from perijove.checks.subject import Subject
from perijove.checks.written import deleted
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ERROR


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that does both."""
    for site in subject.sites:
        judged = next((one for one in judge(subject, site) if one.verdict is Verdict.BOTH), None)
        if judged is None:
            continue
        lines = edits_of_origin(subject, site)
        edits = tuple(deleted(one.span) for one in lines)
        first = next((one for one in lines if one.words[1].text.lower() == "origin" and one.name == "requestheader"), None)
        yield Finding(
            f"the hub gets the browser's own `Host: {judged.host}`, but `Origin: {judged.origin}`",
            place(subject, site, judged.found) if first is None else first.span,
            'WebSockets are refused with 403, and the API with 404; the log says "Blocking Cross Origin API request"',
            "take out what changes Origin and Referer: with `ProxyPreserveHost On` they are right as they are",
            Fix("take out what changes Origin and Referer", edits) if edits else None,
        )
