"""Apache refuses paths with `%2F` in them.

## What it finds

A site where a file or a user whose name has an encoded slash is answered with 404 by Apache itself.

## Why it hurts

`AllowEncodedSlashes` is off by default. Few need it: collaboration on files in folders, object stores behind the files API.

## What a user sees

`404 Not Found` from Apache, not from the hub; its log says `AH00026: found %2f (encoded '/') in URI`.

## Example

```apache
ProxyPass / http://127.0.0.1:8000/
```

## Use instead

```apache
AllowEncodedSlashes NoDecode
ProxyPass / http://127.0.0.1:8000/ nocanon
```

## Sources

- jupyter-collaboration issue 271
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import place
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ADVICE


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that refuses them."""
    for site in subject.sites:
        found = site.ask(subject, "user/ann/api/contents/a%2Fb")
        if site.page.sent is not None and found is not None and found.refusal is not None and found.refusal.code == "AH00026":
            yield Finding(
                "paths with an encoded slash (%2F) are refused with 404",
                place(subject, site),
                "404 Not Found by Apache for names with a slash in them",
                "write `AllowEncodedSlashes NoDecode` in the virtual host, and `nocanon` at ProxyPass",
            )
