"""A rule for a path fits it in the middle of others, too.

## What it finds

A RewriteRule to an upstream whose pattern begins with a path, and not with `^`: `/jhub/(.*)`.

## Why it hurts

It is searched for anywhere: `/x/jhub/y` is sent on as `/jhub/y`.

## What a user sees

Nothing, mostly: the official instructions are written so. Another application below a path with that name does not work.

## Example

```apache
RewriteRule /jhub/(.*) ws://127.0.0.1:8000/jhub/$1 [P,L]
```

## Use instead

```apache
RewriteRule ^/jhub/(.*) ws://127.0.0.1:8000/jhub/$1 [P,L]
```

## Sources

- [RewriteRule](https://httpd.apache.org/docs/2.4/mod/mod_rewrite.html#rewriterule)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Edit, Fix, Severity

SEVERITY = Severity.ADVICE


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each pattern of a path that more than that fits."""
    for one in subject.mapped:
        if one.written.name != "rewriterule" or one.path is None or one.written.location is not None:
            continue
        text = one.path.text
        if not text.startswith("/") or text.startswith(("/(.*)", "/?", "/*")) or text in ("/", "/."):
            continue  # every path begins with a slash: the first that fits is that one
        span = one.path.span
        at = span.source.offset(span.line, span.column)
        at += span.source.text[at : at + 1] in ('"', "'")
        yield Finding(
            f"`{text}` is looked for anywhere in a path",
            span,
            "",
            f"write `^{text}`",
            Fix("look for it at the beginning", (Edit(span.source, at, at, "^"),)),
        )
