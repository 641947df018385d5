"""The hub is not told which host the browser asked for.

## What it finds

A WebSocket or a form that arrives with another `Host` than the page came from, and with the `Origin` of the page.

## Why it hurts

Tornado and jupyter-server compare `Origin` with `Host`, to keep other sites' pages out. Without `ProxyPreserveHost` Apache sends
the host of the ProxyPass URL: the two differ for everybody.

## What a user sees

`404 Not Found` from the API for all that writes: nothing is saved, and no kernel starts. The single-user server's log says
`Blocking Cross Origin API request for /user/…  Origin: https://hub.example.org, Host: localhost:8000`.

`403 Forbidden` for WebSockets, so *Connecting to kernel* for ever, and
`Blocking Cross Origin WebSocket Attempt.  Origin: …, Host: …`. Since Tornado 6.6 this is so only for browsers that do not send
`Sec-Fetch-Site`; they send it over TLS.

## Example

```apache
ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
```

## Use instead

```apache
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
```

## Sources

- jupyterhub/jupyterhub issues 1363, 1411
- Tornado's `WebSocketHandler.check_origin`; jupyter-server's `check_origin`, of WebSockets and of the API
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.origins import Verdict, judge
from perijove.checks.remedy import hosts_set, place, preserve_host
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ERROR


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that sends another Host, and leaves Origin as it is."""
    for site in subject.sites:
        for judged in judge(subject, site):
            if judged.verdict is not Verdict.HOST:
                continue
            yield Finding(
                f"the hub gets `Host: {judged.host}` with `Origin: {judged.origin}`: it takes every user for a stranger",
                place(subject, site, judged.found),
                'WebSockets are refused with 403, and the API with 404; the log says "Blocking Cross Origin API request"',
                "write `ProxyPreserveHost On` in the virtual host"
                + (", and no `RequestHeader … Host`" if hosts_set(subject, site) else ""),
                preserve_host(subject, site),
            )
            break
