"""A question mark in a ProxyPass URL is no query.

## What it finds

`?` in the URL of a ProxyPass or ProxyPassMatch.

## Why it hurts

It is encoded: `%3F` arrives, as a part of the path.

## What a user sees

`404 Not Found`.

## Example

```apache
ProxyPassMatch "^/nb/(.*)$" http://127.0.0.1:8000/hub/login?next=/hub/user-redirect/$1
```

## Use instead

```apache
RewriteRule ^/nb/(.*)$ http://127.0.0.1:8000/hub/login?next=/hub/user-redirect/$1 [P]
```

## Sources

- httpd's `proxy_http_canon` (modules/proxy/mod_proxy_http.c)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ERROR


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each URL that has one."""
    for one in subject.mapped:
        if one.written.name != "rewriterule" and "?" in one.url_path:
            yield Finding(
                f"`?` in `{one.target.text}` arrives as %3F, in the path",
                one.target.span,
                "404 Not Found",
                "use a RewriteRule with [P]: its URL may have a query",
            )
