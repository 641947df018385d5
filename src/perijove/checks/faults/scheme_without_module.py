"""No module that is loaded speaks the scheme of an upstream.

## What it finds

Requests that go to `http://`, `https://`, `ws://` or `wss://`, where mod_proxy_http or mod_proxy_wstunnel is not loaded.

## Why it hurts

`apachectl configtest` has no objection: a scheme is looked up when a request comes.

## What a user sees

`500 Internal Server Error` on every page. Apache's log says
`AH01144: No protocol handler was valid for the URL /hub/login (scheme 'http')`.

## Example

```apache
ProxyPass / http://127.0.0.1:8000/
```

without mod_proxy_http.

## Use instead

```console
# a2enmod proxy_http
```

## Sources

- httpd's `proxy_handler` (modules/proxy/mod_proxy.c)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import mapping, place
from perijove.checks.subject import Subject
from perijove.checks.written import Mapped
from perijove.config.apache.modules import enabling
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ERROR
STOPS = 1


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site whose requests nothing can send."""
    for site in subject.sites:
        for found in (site.page, site.socket):
            its = mapping(subject, found)
            if found.refusal is None or found.refusal.code != "AH01144" or its is None:
                continue
            if its.scheme not in ("http", "https", "ws", "wss"):
                continue  # what is not emulated is no fault
            if not _missing(its, subject.modules):
                continue  # the URL names no host
            yield Finding(
                f"no module that is loaded speaks `{its.scheme}://`",
                place(subject, site, found),
                "500 Internal Server Error; Apache's log says AH01144: No protocol handler was valid",
                enabling("ssl" if its.secure and subject.modules and "proxy_http" in subject.modules else "proxy_http"),
            )
            break


def _missing(its: Mapped, modules: frozenset[str] | None) -> bool:
    """Tell whether it is known that nothing is loaded for it."""
    if modules is None:
        return False
    speaks = {"proxy_http"} if its.scheme in ("http", "https") else {"proxy_http", "proxy_wstunnel"}
    return not speaks & modules or (its.secure and "ssl" not in modules)
