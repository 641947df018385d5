"""An upstream is to be spoken to with TLS, and Apache is not told that it may.

## What it finds

Requests that go to `https://` or `wss://` without `SSLProxyEngine on`, or without mod_ssl.

## Why it hurts

`apachectl configtest` has no objection; every request fails.

## What a user sees

`500 Internal Server Error`. Apache's log says
`failed to enable ssl support [Hint: if using mod_ssl, see SSLProxyEngine]` (`AH01961`).

## Example

```apache
ProxyPass / https://127.0.0.1:8000/
```

## Use instead

```apache
SSLProxyEngine on
ProxyPass / https://127.0.0.1:8000/
```

or, where hub and Apache are on one machine, no TLS between them: `http://`.

## Sources

- jupyterhub/jupyterhub issue 219, the third of its configurations
- [SSLProxyEngine](https://httpd.apache.org/docs/2.4/mod/mod_ssl.html#sslproxyengine)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import in_host, place
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ERROR
STOPS = 1


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that cannot be spoken to."""
    for site in subject.sites:
        found = next((one for one in (site.page, site.socket) if one.refusal and one.refusal.code == "AH01961"), None)
        if found is None:
            continue
        loaded = subject.modules is None or "ssl" in subject.modules
        edit = in_host(subject, site, "SSLProxyEngine on") if loaded else None
        yield Finding(
            "the upstream is to be spoken to with TLS, but SSLProxyEngine is not on",
            place(subject, site, found),
            "500 Internal Server Error; Apache's log says AH01961: failed to enable ssl support",
            "write `SSLProxyEngine on` in the virtual host" if loaded else "`a2enmod ssl`, and write `SSLProxyEngine on`",
            None if edit is None else Fix("switch TLS towards upstreams on", (edit,)),
        )
