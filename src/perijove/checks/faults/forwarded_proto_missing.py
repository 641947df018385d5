"""The hub is not told that its users speak https.

## What it finds

A virtual host with TLS by which a request arrives without `X-Forwarded-Proto: https`.

## Why it hurts

The hub takes its users to speak http: it builds `http://` URLs, compares them with what the browser sends, and sets cookies
without `Secure`.

## What a user sees

`Blocking Cross Origin API request` in the log, and `403` on some forms; redirects to `http://`; spawning that stays at
*Your server is starting up*.

## Example

```apache
<VirtualHost *:443>
    SSLEngine on
    ProxyPass / http://127.0.0.1:8000/
```

## Use instead

```apache
    RequestHeader set X-Forwarded-Proto https
```

## Sources

- jupyterhub/jupyterhub issues 1909, 2284, 3780, pull request 3701
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import in_host, place
from perijove.checks.sites import arriving
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.WARNING
_FIELDS = ("x-scheme", "x-forwarded-proto")  # get_browser_protocol of jupyterhub/utils.py asks for these


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that does not say so."""
    for site in subject.sites:
        if site.scheme != "https" or site.page.sent is None:
            continue
        said = [value for value in (arriving(site.page, name) for name in _FIELDS) if value]
        if any(value.split(",")[0].strip().lower() == "https" for value in said):
            continue
        known = subject.modules
        edit = None if said else in_host(subject, site, "RequestHeader set X-Forwarded-Proto https")
        yield Finding(
            "the hub is told that its users speak " + said[0] if said else "the hub is not told that its users speak https",
            place(subject, site),
            'redirects to http://, cookies without Secure, and 403 with "Blocking Cross Origin" in the log',
            "write `RequestHeader set X-Forwarded-Proto https` in the virtual host (mod_headers)",
            Fix("say so", (edit,)) if edit is not None and (known is None or "headers" in known) else None,
        )
