"""`%2F` is let through, and arrives as something else.

## What it finds

A path with `%2F` in it that is let through, and arrives with `/` in its place: `AllowEncodedSlashes On`.

## Why it hurts

The hub cannot tell a slash in a name from one between names. JupyterHub and its servers take most of their paths either way; what is
behind jupyter-server-proxy may not.

## What a user sees

Mostly nothing; 404 for names with a slash in them, of applications that tell them apart.

## Example

```apache
AllowEncodedSlashes On
ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
```

## Use instead

```apache
AllowEncodedSlashes NoDecode
ProxyPass / http://127.0.0.1:8000/ upgrade=websocket nocanon
```

The Apache that is emulated passes `%2F` on without `nocanon`, too; older ones wrote `%252F`.

## Sources

- jupyterlab/jupyter-collaboration issue 271
- [ProxyPass, nocanon](https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#proxypass)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import place, within
from perijove.checks.sites import target
from perijove.checks.subject import Subject
from perijove.checks.written import replaced
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ADVICE
_ASKED = "contents/a%2Fb"


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that changes them."""
    for site in subject.sites:
        found = site.ask(subject, f"user/ann/api/{_ASKED}")
        if found is None or found.sent is None or target(found).partition("?")[0].endswith(_ASKED):
            continue
        on = [
            one.words[0].span
            for one in subject.directives("allowencodedslashes")
            if within(one, site) and one.words and one.words[0].text.lower() == "on"
        ]
        edits = tuple(replaced(span, "NoDecode") for span in on)
        yield Finding(
            f"…/{_ASKED} arrives as …/{target(found).partition('?')[0].rpartition('/api/')[2]}",
            on[0] if on else place(subject, site, found),
            "404 Not Found for names with a slash in them, of applications that tell it from `/`",
            "write `AllowEncodedSlashes NoDecode`, and `nocanon` at ProxyPass",
            Fix("let encoded slashes be", edits, safe=False) if edits else None,
        )
