"""Apache refuses paths with `%2F` in them.

## What it finds

A site where a path with an encoded slash is answered with 404 by Apache itself, if somebody has such paths:
`nocanon` or `AllowEncodedSlashes` is written, the hub's configuration speaks of collaboration, or a log shows one (AH00026).

## Why it hurts

`AllowEncodedSlashes` is off by default. Most sites never have such a path: they come of collaboration on files in folders, of object
stores behind the files API, and of users whose names have a slash.

## What a user sees

`404 Not Found` from Apache, not from the hub; its log says `AH00026: found %2f (encoded '/') in URI`.

## Example

```apache
ProxyPass / http://127.0.0.1:8000/ nocanon
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


def _meant(subject: Subject) -> bool:
    """Tell whether somebody means to have paths with encoded slashes."""
    hub = subject.known.hub
    return (
        any(True for _ in subject.directives("allowencodedslashes"))
        or any(
            word.text.lower() == "nocanon" for one in subject.directives("proxypass", "proxypassmatch") for word in one.words
        )
        or (hub is not None and "collaborat" in hub.source.text)
    )


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that refuses them."""
    meant = _meant(subject)
    for site in subject.sites:
        found = site.ask(subject, "user/ann/api/contents/a%2Fb")
        if site.page.sent is not None and found is not None and found.refusal is not None and found.refusal.code == "AH00026":
            yield Finding(
                "paths with an encoded slash (%2F) are refused with 404",
                place(subject, site),
                "404 Not Found by Apache for names with a slash in them",
                "write `AllowEncodedSlashes NoDecode` in the virtual host, and `nocanon` at ProxyPass",
                only_seen=not meant,
            )
