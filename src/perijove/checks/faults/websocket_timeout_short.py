"""Idle WebSockets are cut before a ping goes through them.

## What it finds

`Timeout` and `ProxyTimeout` that are both below 30 seconds.

## Why it hurts

A tunnel is cut when nothing was sent for the longer of the two. The servers behind a hub ping every 30 seconds.

## What a user sees

*Connection lost, reconnecting*, again and again, while nothing is typed; a long answer is cut with `502 Proxy Error`.

## Example

```apache
Timeout 10
```

## Use instead

```apache
Timeout 300
ProxyTimeout 300
```

## Sources

- jupyterhub/mybinder.org-deploy issue 3192; jupyterhub/jupyterhub issue 572
- Tornado's `websocket_ping_interval`, which jupyter-server sets to 30 seconds
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import within
from perijove.checks.sites import upgraded
from perijove.checks.subject import Subject
from perijove.checks.written import Written, replaced
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.WARNING
_PING = 30


def find(subject: Subject) -> Iterator[Finding]:
    """Yield the line that cuts them."""
    for site in subject.sites:
        if not upgraded(site.socket):
            continue
        said = {
            name: _last([one for one in subject.directives(name) if within(one, site)]) for name in ("timeout", "proxytimeout")
        }
        seconds = {name: _seconds(one) for name, one in said.items()}
        longest = max(60 if seconds["timeout"] is None else seconds["timeout"], seconds["proxytimeout"] or 0)
        one = said["timeout"]
        if longest > _PING or one is None:
            continue
        yield Finding(
            f"WebSockets are cut after {longest} seconds in which nothing is sent; servers ping every {_PING}",
            one.span,
            '"Connection lost, reconnecting" while nothing is typed',
            "write `Timeout 300`, or more",
            Fix("wait longer", (replaced(one.words[0].span, "300"),)),
        )
        return


def _last(several: list[Written]) -> Written | None:
    """Return the one that is in force: a host's own, or else the main server's last."""
    own = [one for one in several if one.host is not None]
    either = own or several
    return either[-1] if either else None


def _seconds(one: Written | None) -> int | None:
    return int(one.words[0].text) if one is not None and one.words and one.words[0].text.isdecimal() else None
