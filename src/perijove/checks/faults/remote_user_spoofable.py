"""Anybody may say who they are.

## What it finds

A field that tells the hub who has been authenticated (made of `REMOTE_USER`), which on some path arrives as the client sent it.

## Why it hurts

The hub believes this field. Whoever sends it is whom it names.

## What a user sees

Nothing; a stranger is in their notebooks.

## Example

```apache
<Location /hub/login>
    RequestHeader set Remote-User expr=%{REMOTE_USER}
</Location>
ProxyPass / http://127.0.0.1:8000/ upgrade=websocket
```

## Use instead

```apache
RequestHeader unset Remote-User
<Location /hub/login>
    RequestHeader set Remote-User expr=%{REMOTE_USER}
</Location>
```

## Sources

- recorded cases of Apache: `%{REMOTE_USER}e` says `(null)`; `expr=%{REMOTE_USER}` says the user, or nothing for nobody
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import in_host, within
from perijove.checks.sites import KERNEL, LOGIN, arriving
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ERROR
_FORGED = "mallory"


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each field that somebody else may set."""
    for site in subject.sites:
        told: set[str] = set()
        for one in subject.directives("requestheader"):
            words = [word.text for word in one.words]
            if not within(one, site) or len(words) < 3 or words[0].lower() not in ("set", "add", "append", "merge"):
                continue
            name = words[1].lower()
            if "remote_user" not in " ".join(words[2:]).lower() or name in told:
                continue
            told.add(name)
            for path in (LOGIN, KERNEL, "hub/home", "user/ann/lab", ""):
                found = subject.ask(site.url(path), fields=(f"{words[1]}: {_FORGED}",))
                value = None if found is None else arriving(found, name)
                if value is None or _FORGED not in value:
                    continue
                edit = in_host(subject, site, f"RequestHeader unset {words[1]}") if words[0].lower() == "set" else None
                yield Finding(
                    f"{words[1]} says who a user is, and on {site.mount}{path} it arrives as the client sent it",
                    one.span,
                    "nothing; whoever sends the field is whom it names",
                    f"write `RequestHeader unset {words[1]}` in the virtual host, outside of all sections",
                    Fix("take the field from clients", (edit,)) if edit is not None else None,
                )
                break
