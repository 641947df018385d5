"""Cookies of all paths become cookies of one.

## What it finds

`ProxyPassReverseCookiePath / /prefix/`, by which a cookie for `/hub/` becomes one for `/prefix/`.

## Why it hurts

The whole path is replaced if it begins with the one given, not the beginning alone. The hub has a cookie of one name for `/hub/`
and others for each user's server: they become one.

## What a user sees

`403: XSRF cookie does not match POST argument` with two tabs open, or on the second login.

## Example

```apache
ProxyPassReverseCookiePath / /jhub/
```

## Use instead

The same path on both sides (`c.JupyterHub.base_url = "/jhub/"`), and no such line.

## Sources

- jupyterhub/jupyterhub issues 4604, 4744
- httpd's `ap_proxy_cookie_reverse_map` (modules/proxy/proxy_util.c)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import within
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.WARNING


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each line that does so to a hub's cookies."""
    told = set()
    for site in subject.sites:
        for one in subject.directives("proxypassreversecookiepath"):
            if len(one.words) > 1 and one.words[0].text == "/" and within(one, site) and one.span not in told:
                told.add(one.span)
                yield Finding(
                    f"a cookie for /hub/ becomes one for {one.words[1].text}, as that for /user/…/ does",
                    one.span,
                    "403 with two tabs open: XSRF cookie does not match POST argument",
                    f'write `c.JupyterHub.base_url = "{one.words[1].text}"`, use that path in the URL, too, and leave this out',
                )
