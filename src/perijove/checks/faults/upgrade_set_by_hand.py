"""Upgrade and Connection are set by hand.

## What it finds

`RequestHeader set Upgrade …` or `Connection …`.

## Why it hurts

They are hop-by-hop: Apache writes its own. Alone the lines do nothing; beside `upgrade=websocket` ordinary requests ask for an
upgrade, too, and fail.

## What a user sees

Nothing; or the login fails with `502 Proxy Error` (`AH01102`), or with no answer at all on a connection that was used before.

## Example

```apache
RequestHeader set Upgrade "websocket"
RequestHeader set Connection "Upgrade"
```

## Use instead

```apache
ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
```

## Sources

- RFC 9110 §7.6.1; recorded cases of Apache
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import deleted
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.WARNING


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each such line."""
    upgrades = any(word.text.lower().startswith("upgrade=") for one in subject.mapped for word in one.written.words)
    for one in subject.directives("requestheader"):
        words = [word.text.lower() for word in one.words]
        if len(words) > 2 and words[0] in ("set", "add", "append", "merge") and words[1] in ("upgrade", "connection"):
            yield Finding(
                f"{words[1].title()} is set by hand: it is Apache's own to write",
                one.span,
                "logins and other forms fail with 502" if upgrades else "",
                "take the line out; `upgrade=websocket` at ProxyPass does it",
                Fix("take the line out", (deleted(one.span),)),
                severity=None if upgrades else Severity.ADVICE,
            )
