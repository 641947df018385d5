"""The hub is at another path than its users are.

## What it finds

A request for the hub that arrives with another path than the browser asked for: `/jhub/hub/login` as `/hub/login`.

A path that leads to the hub as it arrives there, too, is none: its links work.

## Why it hurts

JupyterHub makes links, redirects and cookies of the path that it knows, its `base_url`. ProxyPassReverse repairs some
redirects; nothing repairs the links in pages and scripts.

## What a user sees

The login page without style; after the login `404 Not Found`, or a redirect that never ends.

## Example

```apache
ProxyPass /jhub/ http://127.0.0.1:8000/
```

## Use instead

```apache
ProxyPass /jhub/ http://127.0.0.1:8000/jhub/
```

```python
c.JupyterHub.base_url = "/jhub/"
```

## Sources

- jupyterhub/jupyterhub issues 289, 1716, 2556
- [JupyterHub, behind a proxy, with a sub-path](https://jupyterhub.readthedocs.io/en/stable/howto/configuration/config-proxy.html)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import mapping, place
from perijove.checks.sites import LOGIN, Site, target
from perijove.checks.subject import Subject
from perijove.checks.written import Mapped, replaced
from perijove.text.diagnostic import Confidence, Fix, Severity

SEVERITY = Severity.ERROR
STOPS = 1


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site whose path is changed."""
    for site in subject.sites:
        asked, arrives = site.mount + LOGIN, target(site.page).partition("?")[0]
        if not arrives or re.sub("/+", "/", arrives) == asked or not arrives.endswith(LOGIN):
            continue
        its = mapping(subject, site.page)
        if its is not None and _at_home(subject, site, arrives, its):
            continue
        if its is not None and its.path is not None and its.path.text.rstrip("/") == its.url_path.rstrip("/"):
            continue  # but for a slash, it is the same
        fix, here = None, "keep the path in the URL"
        written = {} if its is None else _kept(subject, site, its)
        if its is not None and its in written:
            here = f"write `{written[its]}` here"
            fix = Fix(
                "keep the path, which the hub must be told (`base_url`)",
                tuple(replaced(one.target.span, url) for one, url in written.items()),
                safe=False,
            )
        yield Finding(
            f"{asked} arrives as {arrives}: the hub does not know the path that its users are at",
            place(subject, site) if its is None else its.target.span,
            "pages without style, 404 after the login, or a redirect that never ends",
            f'{here}, and `c.JupyterHub.base_url = "{site.mount}"` in jupyterhub_config.py',
            fix,
            confidence=None if subject.known.hub is not None or len(subject.sites) == 1 else Confidence.MEDIUM,
        )


def _kept(subject: Subject, site: Site, its: Mapped) -> dict[Mapped, str]:
    """Return the lines that take the same path off for the hub, each with the URL that keeps it; none if one does otherwise."""
    found: dict[Mapped, str] = {}
    mount = site.mount.rstrip("/")
    for one in subject.mapped:
        if one.written.name != "proxypass" or one.written.host is not its.written.host or one.authority != its.authority:
            continue
        if one.path is None or one.pattern or not f"{one.path.text}/".startswith(site.mount):
            continue
        path = one.path.text
        if one.url_path.rstrip("/") == path.removeprefix(mount).rstrip("/"):
            found[one] = one.target.text[: len(one.target.text) - len(one.url_path)] + path
        elif one.url_path.rstrip("/") != path.rstrip("/"):
            return {}
    return found


def _at_home(subject: Subject, site: Site, path: str, its: Mapped) -> bool:
    """Tell whether the path that the hub makes its links of leads to it, too: then they work."""
    found = subject.ask(f"{site.origin}{path}")
    home = None if found is None else mapping(subject, found)
    return found is not None and home is not None and target(found) == path and home.authority == its.authority
