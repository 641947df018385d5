"""One side speaks TLS, the other does not.

## What it finds

One upstream that is spoken to with TLS in one line and without in another; with `--hub`, a hub that has a certificate and is
spoken to without TLS, or the reverse. Without `--hub`, the line that the login page goes by is taken to be right.

## Why it hurts

A port speaks TLS or it does not. Where Apache ends TLS, the hub should have none (`--no-ssl` of old; no `ssl_cert`).

## What a user sees

`500` or `502 Proxy Error`, on all pages or only on WebSockets: then the page is there, and *Connecting to kernel* stays.

## Example

```apache
ProxyPass /api/kernels/ ws://127.0.0.1:8000/api/kernels/
ProxyPass / https://127.0.0.1:8000/
```

## Use instead

```apache
ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
```

## Sources

- jupyterhub/jupyterhub issue 219, the third of its configurations, and its note on `--no-ssl`
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import mapping, place
from perijove.checks.subject import Subject
from perijove.checks.written import Mapped, replaced
from perijove.text.diagnostic import Fix, Severity
from perijove.text.source import Span

if TYPE_CHECKING:
    from perijove.checks.hub import Hub

SEVERITY = Severity.ERROR
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_OTHER = {"ws": "wss", "wss": "ws", "http": "https", "https": "http"}


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each line that disagrees with the hub, or with the pages' own."""
    hub = subject.known.hub
    if subject.reading is None and hub is not None and hub.told:
        yield from _of_own(subject, hub)
    pages: dict[str, Mapped] = {}
    logins = (mapping(subject, site.page) for site in subject.sites)
    for one in (*(one for one in logins if one is not None), *subject.mapped):
        if one.scheme in ("http", "https"):
            pages.setdefault(_place(one), one)
    for one in subject.mapped:
        if one.scheme not in _OTHER:
            continue
        page = pages.get(_place(one))
        of_hub = hub is not None and hub.told and _place(one) == f"loopback:{hub.url.port or 8000}"
        if of_hub and hub is not None and one.secure is not hub.secure:
            said = "has a certificate" if hub.secure else "has no certificate"
            yield _finding(one, f"`{one.scheme}://`, but the hub {said} ({hub.where('ssl_cert', 'ssl_key', 'bind_url')})")
        elif not of_hub and page is not None and one.secure is not page.secure:
            yield _finding(one, f"`{one.scheme}://` here, `{page.scheme}://` to the same port in line {page.written.span.line}")


def _of_own(subject: Subject, hub: Hub) -> Iterator[Finding]:
    """Yield each site of perijove's own file that disagrees with the hub."""
    for site in subject.sites:
        sent = site.page.sent
        host, _, port = ("", "", "") if sent is None else sent.address.rpartition(":")
        if sent is None or host not in _LOOPBACK or port != str(hub.url.port or 8000) or sent.tls is hub.secure:
            continue
        scheme, other = ("https", "http") if sent.tls else ("http", "https")
        said = "has a certificate" if hub.secure else "has no certificate"
        yield Finding(
            f"`{scheme}://`, but the hub {said} ({hub.where('ssl_cert', 'ssl_key', 'bind_url')})",
            place(subject, site),
            "502 Bad Gateway on every page",
            f"write `{other}://`; where perijove and the hub are on one machine, no TLS between them is simplest",
        )


def _finding(one: Mapped, message: str) -> Finding:
    other = _OTHER[one.scheme]
    where = one.target.span
    scheme = where.source.text[where.source.offset(where.line, where.column) :][: len(one.scheme)]
    edit = replaced(Span(where.source, where.line, where.column, len(one.scheme)), other)
    return Finding(
        message,
        where,
        "502 Proxy Error or 500 on what goes this way: only on WebSockets, if it is only theirs",
        f"write `{other}://`; where Apache and the hub are on one machine, no TLS between them is simplest",
        Fix(f"write `{other}://`", (edit,), safe=False) if scheme.lower() == one.scheme else None,
    )


def _place(one: Mapped) -> str:
    host, colon, port = one.authority.rpartition(":")
    if not colon:
        host, port = one.authority, "443" if one.secure else "80"
    return f"{'loopback' if host in _LOOPBACK else host}:{port}"
