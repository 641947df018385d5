"""A virtual host has a certificate, and speaks plain http.

## What it finds

A virtual host with a `SSLCertificateFile` of its own, for which nothing says `SSLEngine on`.

## Why it hurts

A certificate alone switches nothing on, nor does port 443. `apachectl configtest` has no objection.

## What a user sees

Nothing but the browser's error: `SSL_ERROR_RX_RECORD_TOO_LONG` in Firefox, `ERR_SSL_PROTOCOL_ERROR` in Chrome. By
`http://hub.example.org:443/` the page is there.

## Example

```apache
<VirtualHost *:443>
    SSLCertificateFile /etc/ssl/hub.pem
    ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
```

## Use instead

```apache
<VirtualHost *:443>
    SSLEngine on
    SSLCertificateFile /etc/ssl/hub.pem
    ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
```

A file that is included may say so: where one is that cannot be read here, nothing is found.

## Sources

- [SSLEngine](https://httpd.apache.org/docs/2.4/mod/mod_ssl.html#sslengine)
- What is proved: with the same lines, plain http is answered before, and refused with 400 when it is switched on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import inserted, replaced
from perijove.text.diagnostic import Fix, Severity

if TYPE_CHECKING:
    from perijove.config.apache.directive import Section

SEVERITY = Severity.ERROR
STOPS = 1


def find(subject: Subject) -> Iterator[Finding]:
    """Yield the first certificate of each host that has no use for it."""
    on = [one for one in subject.directives("sslengine") if one.words and one.words[0].text.lower() != "off"]
    if any(one.host is None for one in on):
        return
    settled = {one.host.span for one in on if one.host is not None}
    for one in subject.directives("sslcertificatefile"):
        if one.host is None or one.host.span in settled:
            continue
        settled.add(one.host.span)
        if _left_out(subject, one.host):
            continue
        off = next((each for each in subject.directives("sslengine") if each.host is one.host and each.words), None)
        edit = inserted(one.span, "SSLEngine on") if off is None else replaced(off.words[0].span, "on")
        yield Finding(
            "this host has a certificate, and no `SSLEngine on`: it speaks plain http",
            one.span,
            "the browser's own error: SSL_ERROR_RX_RECORD_TOO_LONG in Firefox, ERR_SSL_PROTOCOL_ERROR in Chrome",
            "write `SSLEngine on` in the virtual host",
            Fix("switch TLS on", (edit,)),
        )


def _left_out(subject: Subject, host: Section) -> bool:
    """Tell whether a host includes files of which nothing was read."""
    source = host.span.source
    if any(one.host is host and one.span.source is not source for one in subject.everything):
        return False
    for line in source.text.split("\n")[host.span.line :]:
        word = line.strip().partition(" ")[0].lower()
        if word == "</virtualhost>":
            return False
        if word in ("include", "includeoptional"):
            return True
    return False
