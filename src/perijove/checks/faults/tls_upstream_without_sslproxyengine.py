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
from typing import Final

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import in_host, mapping, place
from perijove.checks.subject import Subject
from perijove.checks.written import inserted
from perijove.config.apache.words import fold
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ERROR
STOPS = 1
_MESSAGE: Final = "the upstream is to be spoken to with TLS, but SSLProxyEngine is not on"
_SEES: Final = "500 Internal Server Error; Apache's log says AH01961: failed to enable ssl support"


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that cannot be spoken to; and the first line of each host that leads to another application."""
    loaded = subject.modules is None or "ssl" in subject.modules
    said = "write `SSLProxyEngine on` in the virtual host" if loaded else "`a2enmod ssl`, and write `SSLProxyEngine on`"
    told = set()
    for site in subject.sites:
        found = next((one for one in (site.page, site.socket) if one.refusal and one.refusal.code == "AH01961"), None)
        if found is None:
            continue
        edit = in_host(subject, site, "SSLProxyEngine on") if loaded else None
        fix = None if edit is None else Fix("switch TLS towards upstreams on", (edit,))
        its = mapping(subject, found)
        told.add(None if its is None else its.written.host)
        yield Finding(_MESSAGE, place(subject, site, found), _SEES, said, fix)
    on = [one for one in subject.directives("sslproxyengine") if one.words and one.words[0].text.lower() == "on"]
    told |= {one.host for one in on}
    if None in told and any(one.host is None for one in on):
        return
    for other in subject.mapped:
        host = other.written.host
        if not other.secure or host in told or any(fold(one.name) in ("if", "elseif", "else") for one in other.written.around):
            continue
        told.add(host)
        start = other.written.around[0].span if other.written.around else other.written.span
        edit = inserted(start, "SSLProxyEngine on", after=host is not None) if loaded else None
        fix = None if edit is None else Fix("switch TLS towards upstreams on", (edit,))
        yield Finding(_MESSAGE, other.target.span, _SEES, said, fix)
