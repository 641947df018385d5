"""Origin is changed, but not to what Host says.

## What it finds

A request whose `Origin` was changed on the way, and still differs from the `Host` that arrives: on a port that is not the
default, or by a pattern that fits only a part.

## Why it hurts

`RequestHeader edit Origin hub.example.org localhost:8000` replaces the name within `https://hub.example.org:8443`, and makes
`https://localhost:8000:8443` of it.

## What a user sees

`404 Not Found` from the API for all that writes (`Blocking Cross Origin API request` in the log), and `403 Forbidden` for
WebSockets (`Blocking Cross Origin WebSocket Attempt.`; since Tornado 6.6 only where browsers do not send `Sec-Fetch-Site`). On
this port or under this name only; under others all is well.

## Example

```apache
<VirtualHost *:8443>
    ServerName hub.example.org
    RequestHeader edit Origin hub.example.org localhost:8000
```

## Use instead

```apache
    ProxyPreserveHost On
```

## Sources

- jupyterhub/jupyterhub issue 219: the edits of its first configuration
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.origins import Verdict, judge
from perijove.checks.remedy import edits_of_origin, place, preserve_host
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ERROR


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that changes both, and not to the same."""
    for site in subject.sites:
        judged = next((one for one in judge(subject, site) if one.verdict is Verdict.ORIGIN), None)
        if judged is None:
            continue
        lines = [one for one in edits_of_origin(subject, site) if one.name == "requestheader"]
        yield Finding(
            f"Origin is changed to `{judged.origin}`, and the hub gets `Host: {judged.host}`",
            lines[0].span if lines else place(subject, site, judged.found),
            'WebSockets are refused with 403, and the API with 404; the log says "Blocking Cross Origin API request"',
            "write `ProxyPreserveHost On`, and take out what changes Origin and Referer",
            preserve_host(subject, site),
        )
