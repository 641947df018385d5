"""A field of requests is changed in responses.

## What it finds

`Header` with Origin, Referer or Host: it is RequestHeader that changes what goes upstream.

## Why it hurts

No response has these fields: the line does nothing.

## What a user sees

Nothing.

## Example

```apache
Header edit Origin hub.example.org localhost:8000
```

## Use instead

Nothing; with `ProxyPreserveHost On`, Origin and Referer are right as they are.

## Sources

- jupyterhub/jupyterhub issue 219: the first of its configurations has both
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import deleted
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ADVICE


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each such line."""
    for one in subject.directives("header"):
        words = [word.text.lower() for word in one.words if word.text.lower() not in ("always", "onsuccess")]
        if len(words) > 1 and words[1] in ("origin", "referer", "host"):
            yield Finding(
                f"no response has {words[1].title()}: Header changes responses",
                one.span,
                "",
                "take the line out; with `ProxyPreserveHost On`, Origin and Referer are right as they are",
                Fix("take the line out", (deleted(one.span),)),
            )
