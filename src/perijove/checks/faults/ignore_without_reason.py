"""A comment ignores a finding, and does not say why.

## What it finds

`# perijove: ignore[…]` with nothing behind the bracket.

## Why it hurts

Whoever reads the file next does not know whether it is still right. The comment is not heeded: the finding is told as well.

## What a user sees

Nothing.

## Example

```apache
# perijove: ignore[hub-host-not-preserved]
ProxyPass /grafana/ http://127.0.0.1:3000/
```

## Use instead

```apache
# perijove: ignore[hub-host-not-preserved] Grafana is no hub
ProxyPass /grafana/ http://127.0.0.1:3000/
```

## Sources

- [Check a configuration](../how-to/check.md)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.ignore import comments
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.WARNING


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each comment that gives no reason."""
    for source in subject.sources.values():
        for one in comments(source):
            if not one.reason:
                yield Finding(
                    "a comment ignores a finding and gives no reason: it is not heeded",
                    one.span,
                    "",
                    f"say why behind the bracket: `# perijove: ignore[{', '.join(one.names)}] because …`",
                )
