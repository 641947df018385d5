"""Redirects to the hub's own address reach the browser as they are.

## What it finds

A site whose upstream may say `Location: http://127.0.0.1:8000/…`, which nothing maps back.

## Why it hurts

The browser goes to an address that is not there for it. A hub that is told its users' Host makes redirects with that, or without
any: then it is harmless.

## What a user sees

`Unable to connect to 127.0.0.1:8000` after the login, if Host is not preserved.

## Example

```apache
ProxyPass / http://127.0.0.1:8000/
ProxyPassReverse / http://localhost:8000/
```

## Use instead

```apache
ProxyPass / http://127.0.0.1:8000/
ProxyPassReverse / http://127.0.0.1:8000/
```

## Sources

- [ProxyPassReverse](https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#proxypassreverse): what is mapped must be written the same
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import mapping, place
from perijove.checks.sites import arriving
from perijove.checks.subject import Subject
from perijove.checks.written import inserted
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.WARNING


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that lets them through."""
    if subject.reading is None:
        return
    for site in subject.sites:
        redirects = [one for one in site.page.mapped if one.name == "Location" and "://" in one.before]
        if not redirects or redirects[0].after != redirects[0].before:
            continue
        its = mapping(subject, site.page)
        preserved = (arriving(site.page, "host") or "").lower() == site.authority.lower()
        line, fix = "", None
        if its is not None and its.written.name == "proxypass" and its.path is not None and not its.pattern:
            inside = its.written.location is not None
            line = f"ProxyPassReverse {'' if inside else its.path.text + ' '}{its.target.text}"
            fix = Fix("map redirects back", (inserted(its.written.span, line, after=True),))
        yield Finding(
            f"a redirect to {redirects[0].before} reaches the browser as it is",
            place(subject, site),
            "" if preserved else "after the login, the browser cannot connect to an address that is not there for it",
            f"write `{line}`" if line else "write a ProxyPassReverse with the URL of the ProxyPass",
            fix,
            severity=Severity.ADVICE if preserved else None,
        )
