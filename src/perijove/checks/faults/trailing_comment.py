"""A comment stands behind a directive.

## What it finds

Arguments that begin with `#`.

## Why it hurts

Apache has comments on lines of their own only. Behind a directive, `#` is one more argument: most directives refuse it, and
Apache does not start. Behind On or Off it is passed over.

## What a user sees

Nothing: Apache does not start, or goes on with what it had. `apachectl configtest` says
`ProxyPassReverse takes one, two or three arguments`.

## Example

```apache
ProxyPassReverse / http://localhost:8000/ # this may be superfluous
```

## Use instead

```apache
# this may be superfluous
ProxyPassReverse / http://localhost:8000/
```

## Sources

- [Configuration files, syntax](https://httpd.apache.org/docs/2.4/configuring.html#syntax)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import inserted
from perijove.text.diagnostic import Edit, Fix, Severity

SEVERITY = Severity.ERROR
STOPS = 0


def find(subject: Subject) -> Iterator[Finding]:
    """Yield what Apache refuses because of one."""
    for one in subject.diagnostics:
        where = one.where
        if one.name != "trailing-comment" or where is None:
            continue
        line = where.source.line(where.line)
        said = line[where.column - 1 :].rstrip()
        start = where.source.offset(where.line, len(line[: where.column - 1].rstrip()) + 1)
        end = where.source.offset(where.line, len(line) + 1)
        fix = Fix("put the comment on a line of its own, above", (inserted(where, said), Edit(where.source, start, end, "")))
        yield Finding(
            f"Apache takes the comment for arguments: {one.message}",
            where,
            "Apache does not start",
            "put the comment on a line of its own",
            fix if said.startswith("#") else None,
        )
