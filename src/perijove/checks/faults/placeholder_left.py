r"""A placeholder of somebody's instructions is still there.

## What it finds

`{external address}`, `HOSTNAME.TLD`, `HUB.DOMAIN.TLD`, `YOUR_DOMAIN` and their like in arguments.

## Why it hurts

It stands for something that only you know. Words with a space in them are several arguments, and Apache refuses them;
others are taken as they are, and fit nothing.

## What a user sees

Apache does not start (`Unknown parameter`), or WebSockets are refused with 403 since the pattern never fits.

## Example

```apache
RequestHeader edit Origin {external address} localhost:8000
```

## Use instead

The name that is in the browser's address bar; for Origin, nothing at all:

```apache
ProxyPreserveHost On
```

## Sources

- jupyterhub/jupyterhub issue 219: the first and the last of its configurations
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import deleted
from perijove.config.apache.document import Kind
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ERROR
STOPS = 0
EXPLAINS = ("unknown-parameter", "too-many-arguments", "argument-count", "header-arguments")
_left: Final = re.compile(
    r"(?<![%$\\}\])\w.*+?])\{ *[A-Za-z][A-Za-z _.-]*\}"  # not of a variable, nor of a pattern
    r"|\b(?:HOST_?NAME|HUB|YOUR|MY|SERVER|DOMAIN)(?:[._-](?:DOMAIN|HOST|SERVER|NAME|TLD|HUB|IP|FQDN))+\b"
    r"|\bHOST_NAME\b|\bFQDN\b|\bSERVER_IP\b|<your[ _-][a-z _-]+>"
    r"|\bYOUR(?:[._-][A-Z]+)+\b|\b[A-Z]+(?:_[A-Z]+)*_(?:GOES_)?HERE\b"
).search
# One of these is in all of them, and in few lines.
_HINTS: Final = ("{", "<your", "HOST", "HUB", "YOUR", "MY", "SERVER", "DOMAIN", "FQDN", "HERE")
_NAMES: Final = re.compile(r"[%$]\{[^{}]*+\}")


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each line that has one."""
    for document in subject.documents:
        hints = [hint for hint in _HINTS if hint in document.source.text]
        if not hints:
            continue
        for line in document.lines:
            if line.kind not in (Kind.DIRECTIVE, Kind.OPEN):
                continue
            text = line.logical.text
            if not any(hint in text for hint in hints):
                continue
            found = _left(_NAMES.sub(lambda name: " " * len(name[0]), text) if "{" in text else text)
            if found is None:
                continue
            words = text.lower().split()
            edits = len(words) > 2 and words[0] in ("header", "requestheader") and words[2] in ("origin", "referer")
            yield Finding(
                f"`{found[0]}` stands for something that only you know",
                line.logical.span(found.start(), found.end()),
                "Apache does not start; or what was to be the same on both sides is not, and WebSockets are refused with 403",
                "take the line out, and write `ProxyPreserveHost On`" if edits else "write the name that users type",
                Fix("take the line out", (deleted(line.span),), safe=False) if edits else None,
            )
