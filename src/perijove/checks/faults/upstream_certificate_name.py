"""The certificate of an upstream is checked for a name that it hardly has.

## What it finds

`https://127.0.0.1` or `https://localhost` upstreams whose certificate's name is checked, with the Host of the upstream.

## Why it hurts

Since Apache 2.4.5 `SSLProxyCheckPeerName` is on: a certificate must have the name that the URL has, or with
`ProxyPreserveHost On` the name that users type.

## What a user sees

`500 Proxy Error`; Apache's log says `AH00898: Error during SSL Handshake with remote server`.

## Example

```apache
SSLProxyEngine on
ProxyPass / https://127.0.0.1:8000/
```

## Use instead

Where hub and Apache are on one machine, no TLS between them; else the name that the certificate has, and

```apache
ProxyPreserveHost On
```

## Sources

- [SSLProxyCheckPeerName](https://httpd.apache.org/docs/2.4/mod/mod_ssl.html#sslproxycheckpeername)
- jupyterhub/jupyterhub issue 219, the third of its configurations
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import place
from perijove.checks.sites import arriving
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Confidence, Severity

SEVERITY = Severity.WARNING
CONFIDENCE = Confidence.MEDIUM
_LOCAL = ("127.", "localhost", "[::1]")


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site that is spoken to so."""
    for site in subject.sites:
        sent = site.page.sent
        if subject.gateway is None or sent is None or not sent.tls or not sent.address.startswith(_LOCAL):
            continue
        upstream = subject.gateway.upstreams.get(sent.upstream)
        if upstream is None or upstream.tls is None or not upstream.tls.names:
            continue
        preserved = (arriving(site.page, "host") or "").lower() == site.authority.lower()
        name = site.authority if preserved and upstream.tls.name_from_host else sent.address.rpartition(":")[0]
        own = subject.reading is None
        yield Finding(
            f"the upstream's certificate must have the name {name}",
            place(subject, site),
            "502 Bad Gateway, unless it has"
            if own
            else "500 Proxy Error, unless it has; Apache's log says AH00898: Error during SSL Handshake",
            "speak http:// to a hub on this machine; or "
            + ("`verify = false`" if own else "`SSLProxyCheckPeerName off`")
            + ", if nobody else can be there",
            severity=Severity.ADVICE if preserved else None,
        )
