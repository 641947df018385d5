"""A virtual host is named by a name, not an address.

## What it finds

`<VirtualHost hub.example.org:443>`.

## Why it hurts

Apache looks the name up when it starts. Where it is the public address of another machine (behind NAT, in a container) the host
is never used; without a resolver Apache does not start.

## What a user sees

Another site, Apache's default page mostly.

## Example

```apache
<VirtualHost hub.example.org:443>
```

## Use instead

```apache
<VirtualHost *:443>
    ServerName hub.example.org
```

## Sources

- [VirtualHost](https://httpd.apache.org/docs/2.4/mod/core.html#virtualhost)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ADVICE
_address = re.compile(r"(?:[0-9.]+|\[[0-9A-Fa-f:.%]+\]|\*|_default_)(?::(?:[0-9]+|\*))?\Z").match


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each name."""
    for one in subject.directives("virtualhost"):
        for word in one.words:
            if not _address(word.text):
                port = word.text.rpartition(":")[2] if ":" in word.text else "*"
                yield Finding(
                    f"`{word.text}` is looked up when Apache starts",
                    word.span,
                    "another site, if the name is not an address of this machine",
                    f"write `<VirtualHost *:{port}>`, and the name in ServerName",
                )
