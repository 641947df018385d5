"""A redirect or an alias is for paths that are proxied.

## What it finds

Redirect and Alias outside of sections, whose path goes to an upstream all the same.

## Why it hurts

Apache looks for a ProxyPass before it looks for those. Inside a `<Location>`, Redirect comes first.

## What a user sees

What the line was for never happens: the hub answers with its own `404`. Of `/.well-known/acme-challenge/`, the certificate is
not renewed.

## Example

```apache
Alias /.well-known/acme-challenge/ /var/www/acme/
ProxyPass / http://127.0.0.1:8000/
```

## Use instead

```apache
Alias /.well-known/acme-challenge/ /var/www/acme/
ProxyPass /.well-known/acme-challenge/ !
ProxyPass / http://127.0.0.1:8000/
```

## Sources

- httpd's order of hooks: mod_proxy's `proxy_trans` comes first, mod_alias' `translate_alias_redir` after it
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import mapping, within
from perijove.checks.sites import Site
from perijove.checks.subject import Subject
from perijove.checks.written import inserted
from perijove.config.apache.words import fold
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.WARNING
# What stands in these is asked of proxied requests, too.
_PER_REQUEST = {"location", "locationmatch", "if", "elseif", "else"}
_MATCHES = ("aliasmatch", "redirectmatch", "scriptaliasmatch")
_NAMES = (*_MATCHES, "alias", "redirect", "redirectpermanent", "redirecttemp", "scriptalias")


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each that is never looked at."""
    told = set()
    for site in subject.sites:
        for one in subject.directives(*_NAMES):
            matches = one.name in _MATCHES
            path = next((word.text for word in one.words if word.text.startswith(("/", "^") if matches else "/")), "")
            if _PER_REQUEST & {fold(section.name) for section in one.around}:
                continue
            if not within(one, site) or not path or one.span in told:
                continue
            if matches:
                asked = next((each for each in _tried(site) if _fits(path, each)), "")
            else:
                asked = f"{path.rstrip('/')}/x"
                if one.name.startswith("redirect") and not _proxied(subject, site, path):
                    continue  # it is for the path itself, and leads to what is below
            found = subject.ask(site.origin + asked) if asked else None
            if found is None or found.sent is None:
                continue
            told.add(one.span)
            its = mapping(subject, found)
            fix = None
            leave = f"ProxyPassMatch {path} !" if matches else f"ProxyPass {path} !"
            if its is not None and its.written.name == "proxypass" and its.written.location is None:
                fix = Fix("leave its paths out of what is proxied", (inserted(its.written.span, leave),))
            yield Finding(
                f"`{path}` is proxied to {found.sent.upstream}: this line is never looked at",
                one.span,
                "the hub's own 404; of /.well-known/acme-challenge/, certificates that are not renewed",
                f"write `{leave}` above the ProxyPass that takes it",
                fix,
            )


def _tried(site: Site) -> tuple[str, ...]:
    """Return paths that a pattern may be for."""
    below = ("user/ann/static/x", "hub/static/x", "user/ann/lab", "hub/home", "")
    return ("/", "/.well-known/acme-challenge/x", "/robots.txt", "/favicon.ico", *(site.mount + one for one in below))


def _fits(pattern: str, path: str) -> bool:
    try:
        return re.search(pattern, path) is not None
    except (re.error, OverflowError, RecursionError):
        return False  # of PCRE's own


def _proxied(subject: Subject, site: Site, path: str) -> bool:
    found = subject.ask(f"{site.origin}{path}")
    return found is not None and found.sent is not None
