"""Apache's own pages stand for the hub's errors.

## What it finds

`ProxyErrorOverride On` for a hub, of all statuses or of some that it answers with more than a status: those from 400 to 499, and 503.

## Why it hurts

What the hub and its servers say with an error is part of how they work: the API's JSON, by which JupyterLab knows that a file is not
there yet or that a server has stopped, and the hub's page that offers to start it again.

## What a user sees

Apache's `403 Forbidden` and `404 Not Found` in place of the hub's pages; in JupyterLab, dialogues that say `Invalid response: 404`
or `Unexpected token '<'` instead of what is wrong.

## Example

```apache
ProxyErrorOverride On
ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
```

## Use instead

```apache
ProxyErrorOverride On 502 504
ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
```

Pages for a hub that is away (502, 503 of Apache's own) need no ProxyErrorOverride, only ErrorDocument.

## Sources

- [ProxyErrorOverride](https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#proxyerroroverride)
- jupyter-server's `APIHandler.write_error`, which says in JSON what is wrong
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import in_force
from perijove.checks.subject import Subject
from perijove.checks.written import deleted
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.WARNING
_HUBS = {str(status) for status in (*range(400, 500), 503)}


def find(subject: Subject) -> Iterator[Finding]:
    """Yield the line that is in force for a hub."""
    told = set()
    for site in subject.sites:
        one = in_force(subject, site, "proxyerroroverride")
        if one is None or not one.words or one.words[0].text.lower() != "on" or one.span in told:
            continue
        codes = [word.text for word in one.words[1:]]
        theirs = [code for code in codes if code in _HUBS]
        if codes and not theirs:
            continue
        told.add(one.span)
        yield Finding(
            "the hub's own pages and the API's answers are replaced where they are errors"
            + (f": {', '.join(theirs)}" if theirs else ""),
            one.span,
            "Apache's pages for 403 and 404; JupyterLab cannot tell what is wrong",
            "take the line out: ErrorDocument for a hub that is away needs none; or name the statuses: `ProxyErrorOverride On 502 504`",
            Fix("let the hub's errors through", (deleted(one.span),), safe=False),
        )
