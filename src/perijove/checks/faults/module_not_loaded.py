"""A directive belongs to a module that Apache does not load.

## What it finds

Directives of modules that neither a LoadModule nor `--modules` names.

## Why it hurts

Apache does not know the directive, and does not start.

## What a user sees

Nothing: Apache does not start. `apachectl configtest` says
`Invalid command 'RequestHeader', perhaps misspelled or defined by a module not included in the server configuration`.

## Example

```apache
RequestHeader set X-Forwarded-Proto https
```

without mod_headers.

## Use instead

```console
# a2enmod headers
# systemctl restart apache2
```

## Sources

- jupyterhub/jupyterhub issue 219: "I had to enable proxy, proxy_http, headers and proxy_wstunnel"
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ERROR
STOPS = 0


def find(subject: Subject) -> Iterator[Finding]:
    """Yield what the reading says of it."""
    for one in subject.diagnostics:
        if one.name == "module-not-loaded":
            sees = "Apache does not start" if one.severity is Severity.ERROR else ""
            yield Finding(one.message, one.where, sees, one.help, severity=one.severity)
