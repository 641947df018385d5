r"""A percent sign in a rule's URL is taken for what a condition found.

## What it finds

`%20` and its like in the URL of a RewriteRule.

## Why it hurts

`%2` is what the second group of the last RewriteCond found: of `/a%20b`, `/a0b` is left.

## What a user sees

`404 Not Found`.

## Example

```apache
RewriteRule ^/docs$ http://127.0.0.1:8000/user%20guide [P]
```

## Use instead

```apache
RewriteRule ^/docs$ "http://127.0.0.1:8000/user guide" [P]
```

## Sources

- [RewriteRule](https://httpd.apache.org/docs/2.4/mod/mod_rewrite.html#rewriterule), backreferences
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import replaced
from perijove.text.diagnostic import Fix, Severity
from perijove.text.source import Span

SEVERITY = Severity.WARNING
_octet = re.compile(r"(?<!\\)%(?:[2-7][0-9A-Fa-f])(?![0-9])").finditer
_MEANT = frozenset("%$\\\"'?#/;&=+\x7f")


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each percent sign."""
    for one in subject.mapped:
        if one.written.name != "rewriterule":
            continue
        span = one.target.span
        raw = span.source.line(span.line)[span.column - 1 :][: span.size]
        plain = _plain(raw)
        for found in _octet(raw):
            where = Span(span.source, span.line, span.column + found.start(), 3)
            yield Finding(
                f"`{found[0]}` is not an encoded octet here: `{found[0][:2]}` is what a RewriteCond found",
                where,
                "404 Not Found",
                "write the character itself, in quotes: Apache encodes it"
                if plain
                else f"write `\\{found[0]}`, and the flag NE",
                Fix("write the character itself", (replaced(span, plain),)) if plain else None,
            )


def _plain(raw: str) -> str:
    """Return a URL with characters for what is encoded, in quotes; nothing if one of them would mean something there."""
    octets = {found[0]: chr(int(found[0][1:], 16)) for found in _octet(raw)}
    if not raw or any(one in _MEANT for one in octets.values()):
        return ""
    for octet, one in octets.items():
        raw = raw.replace(octet, one)
    return raw if raw[0] in "\"'" else f'"{raw}"'
