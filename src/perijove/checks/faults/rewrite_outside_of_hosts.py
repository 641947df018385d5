"""A rule stands outside of the virtual hosts, and none of them has it.

## What it finds

A RewriteRule to an upstream in the main server, where there are virtual hosts that do not inherit it.

## Why it hurts

A virtual host has its own rules only, unless it says `RewriteOptions Inherit` (or the server `InheritDown`).

## What a user sees

What the rule was for does not happen: mostly WebSockets, and *Connecting to kernel* stays.

## Example

```apache
RewriteEngine On
RewriteCond %{HTTP:Upgrade} websocket [NC]
RewriteRule /(.*) ws://127.0.0.1:8000/$1 [P,L]
<VirtualHost *:443>
    ProxyPass / http://127.0.0.1:8000/
</VirtualHost>
```

## Use instead

The three lines inside of the virtual host.

## Sources

- [RewriteOptions](https://httpd.apache.org/docs/2.4/mod/mod_rewrite.html#rewriteoptions)
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Severity

SEVERITY = Severity.WARNING


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each rule that no host has."""
    hosts = [site for site in subject.sites if site.host.origin is not None]
    inherits = any("inherit" in word.text.lower() for one in subject.directives("rewriteoptions") for word in one.words)
    if not hosts or inherits:
        return
    for one in subject.mapped:
        if one.written.name == "rewriterule" and one.written.host is None and one.written.location is None:
            yield Finding(
                f"the rule is the main server's: the virtual host in line {hosts[0].host.origin.line if hosts[0].host.origin else 0} "
                "does not have it",
                one.written.span,
                'WebSockets that it is for do not get through: the notebook stays at "Connecting to kernel"',
                "move the rule, with its conditions and `RewriteEngine On`, into the virtual host",
            )
