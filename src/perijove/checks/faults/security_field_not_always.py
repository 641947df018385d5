"""A field for the browser's safety is missing on errors.

## What it finds

`Header set Strict-Transport-Security` and its like, without `always`.

## Why it hurts

Without `always` Apache's own answers do not have it: errors, redirects, what is refused.

## What a user sees

Nothing.

## Example

```apache
Header set Strict-Transport-Security "max-age=63072000"
```

## Use instead

```apache
Header always set Strict-Transport-Security "max-age=63072000"
```

## Sources

- [Header](https://httpd.apache.org/docs/2.4/mod/mod_headers.html#header): two tables, `onsuccess` and `always`
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import replaced
from perijove.text.diagnostic import Fix, Severity
from perijove.text.source import Span

SEVERITY = Severity.ADVICE
_FIELDS = (
    "strict-transport-security",
    "x-frame-options",
    "x-content-type-options",
    "content-security-policy",
    "referrer-policy",
)


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each such line."""
    for one in subject.directives("header"):
        words = [word.text.lower() for word in one.words]
        if len(words) > 2 and words[0] == "set" and words[1] in _FIELDS:
            where = one.words[0].span
            edit = replaced(Span(where.source, where.line, where.column, 0), "always ")
            yield Finding(
                f"errors and redirects of Apache itself do not have {one.words[1].text}",
                one.span,
                "",
                "write `Header always set`",
                Fix("add `always`", (edit,)),
            )
