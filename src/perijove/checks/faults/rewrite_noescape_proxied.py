"""Names with spaces are refused: a rule passes them on unescaped.

## What it finds

A RewriteRule with both `P` and `NE`.

## Why it hurts

A rule sees the path decoded. With `NE` it is sent on as it is, with spaces in it; Apache refuses to (`AH10415`).

## What a user sees

`403 Forbidden` (`400` of older versions) for files, notebooks and users with a space in their names.

## Example

```apache
RewriteRule /(.*) http://127.0.0.1:8000/$1 [P,L,NE]
```

## Use instead

```apache
RewriteRule /(.*) http://127.0.0.1:8000/$1 [P,L]
```

## Sources

- jupyterhub/jupyterhub issue 3890
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import replaced
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.WARNING


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each such rule."""
    for one in subject.mapped:
        if one.written.name != "rewriterule":
            continue
        flags = one.written.words[2]
        said = [flag.strip() for flag in flags.text.strip("[]").split(",")]
        kept = [flag for flag in said if flag.lower() not in ("ne", "noescape")]
        if len(kept) == len(said):
            continue
        yield Finding(
            "NE sends paths on as they are, decoded: with a space in them they are refused",
            flags.span,
            "403 Forbidden for files and users with a space in their names; Apache's log says AH10415",
            f"write `[{','.join(kept)}]`",
            Fix("take NE out", (replaced(flags.span, f"[{','.join(kept)}]"),)),
        )
