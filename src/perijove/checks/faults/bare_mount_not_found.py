"""The hub's path without its last slash is not found.

## What it finds

A hub at `/jhub/`, where `/jhub` is answered with 404.

## Why it hurts

It is what people type.

## What a user sees

`404 Not Found` at `https://hub.example.org/jhub`.

## Example

```apache
ProxyPass /jhub/ http://127.0.0.1:8000/jhub/
```

## Use instead

```apache
RedirectMatch ^/jhub$ /jhub/
ProxyPass /jhub/ http://127.0.0.1:8000/jhub/
```

## Sources

- httpd's `alias_match` (modules/proxy/mod_proxy.c): a path that ends in a slash is not for the path without it
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import in_host, place
from perijove.checks.sites import decider
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ADVICE


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site at a path that people mistype."""
    if subject.reading is None:
        return
    for site in subject.sites:
        bare = site.mount.rstrip("/")
        found = subject.ask(site.origin + bare) if bare else None
        if found is None or found.refusal is None or found.refusal.status != 404 or site.page.sent is None:
            continue
        rule = decider(found)
        if rule is not None and rule.place is not None and rule.place.text.lower().startswith("rewriterule"):
            continue  # another application has the path, and would before any redirect
        line = f"RedirectMatch ^{bare}$ {site.mount}"
        edit = in_host(subject, site, line)
        yield Finding(
            f"`{bare}`, without the slash, is answered with 404",
            place(subject, site),
            f"404 Not Found at {site.origin}{bare}",
            f"write `{line}`",
            None if edit is None else Fix("lead it to the hub", (edit,)),
        )
