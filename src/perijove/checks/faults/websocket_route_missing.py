"""No WebSocket reaches a notebook's kernel.

## What it finds

A handshake for `/user/…/api/kernels/…/channels` that goes nowhere, or arrives as a plain request. It is asked of the tables
that serve: rules that are written another way are judged by what they do.

## Why it hurts

A notebook talks to its kernel over a WebSocket. `Upgrade` and `Connection` are hop-by-hop: Apache takes them out unless a rule
says that they are passed on.

## What a user sees

The notebook opens, and says *Connecting to kernel*. The browser's console says
`WebSocket connection to 'wss://…/channels' failed: Unexpected response code: 400`; the server's log
`Can "Upgrade" only to "WebSocket".`

## Example

```apache
ProxyPass / http://127.0.0.1:8000/
```

## Use instead

```apache
ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
```

Before Apache 2.4.47, rules of mod_rewrite by the field, not by the path:

```apache
RewriteEngine On
RewriteCond %{HTTP:Connection} Upgrade [NC]
RewriteCond %{HTTP:Upgrade} websocket [NC]
RewriteRule /(.*) ws://127.0.0.1:8000/$1 [P,L]
```

## Sources

- jupyterhub/jupyterhub issues 219, 1074, 2983; jupyter/notebook issue 1311
- [mod_proxy, protocol upgrade](https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#protoupgrade)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import line_of, mapping, place, same, shadowed, upgrade, within
from perijove.checks.sites import upgraded
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ERROR
_OTHERS = ("AH01144", "AH01961")  # of checks of their own
_ORDER = "of sections the last that fits counts, and before any ProxyPass outside of them; of those, the first"


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site whose kernels are not reached."""
    for site in subject.sites:
        found = site.socket
        if upgraded(found) or (found.refusal is not None and found.refusal.code in _OTHERS):
            continue
        if shadowed(subject, site):
            continue  # it is not the hub that is asked
        if found.sent is not None:
            how = f"arrives at {found.sent.upstream} as a plain request"
        elif found.refusal is not None:
            how = f"is answered with {found.refusal.status}"
        else:
            how = "is answered here"
        its = mapping(subject, found)
        port = None if its is None else its.authority.rpartition(":")[2]
        sockets = (one for one in subject.mapped if one.scheme in ("ws", "wss") and within(one.written, site))
        meant = next((one for one in sockets if port is None or one.authority.rpartition(":")[2] == port), None)
        line = line_of(subject, found)
        aside = ""
        if meant is not None and line is not None and not same(meant.written.span, line):
            aside = f"line {meant.written.span.line} is meant for them, but line {line.line} decides: {_ORDER}; or "
        yield Finding(
            f"no WebSocket reaches a kernel: a handshake for {site.mount}{site.kernel.partition('kernels/')[0]}kernels/… {how}",
            place(subject, site, found),
            'the notebook stays at "Connecting to kernel"; the console says "Unexpected response code: 400" or 404',
            f"{aside}add `upgrade=websocket` to the ProxyPass of the hub (Apache 2.4.47 or newer)",
            upgrade(subject, found),
        )
