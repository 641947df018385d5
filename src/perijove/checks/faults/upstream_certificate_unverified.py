"""Nobody checks whose certificate an upstream in the network has.

## What it finds

https to a hub on another machine, with `SSLProxyVerify none` (which is what Apache does when nothing is written) or with
`SSLProxyCheckPeerName off`.

## Why it hurts

Whoever can answer at that address reads all passwords. On one machine, nobody can.

## What a user sees

Nothing.

## Example

```apache
SSLProxyEngine on
SSLProxyVerify none
ProxyPass / https://10.8.0.5:8443/
```

## Use instead

```apache
SSLProxyEngine on
SSLProxyVerify require
SSLProxyCACertificateFile /etc/ssl/hub-ca.pem
ProxyPass / https://hub.internal.example.org:8443/
```

## Sources

- [SSLProxyVerify](https://httpd.apache.org/docs/2.4/mod/mod_ssl.html#sslproxyverify)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import place
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.ADVICE
_LOCAL = ("127.", "localhost", "[::1]", "unix:")


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each site whose upstream may be anybody."""
    if subject.gateway is None or subject.reading is None:
        return
    for site in subject.sites:
        sent = site.page.sent
        if sent is None or not sent.tls or sent.address.startswith(_LOCAL):
            continue
        upstream = subject.gateway.upstreams.get(sent.upstream)
        if upstream is None or upstream.tls is None or all((upstream.tls.verify, upstream.tls.chain, upstream.tls.names)):
            continue
        yield Finding(
            f"the certificate of {sent.address} is not checked: whoever answers there is believed",
            place(subject, site),
            "",
            "write `SSLProxyVerify require`, and `SSLProxyCACertificateFile` with what it was signed by",
        )
