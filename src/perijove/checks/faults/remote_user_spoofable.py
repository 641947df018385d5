"""Anybody may say who they are.

## What it finds

A field that tells the hub who has been authenticated (made of `REMOTE_USER`), which on some path arrives as the client sent it; or
which says what `SetEnvIf` took from another field of the client's.

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

- cwaldbieser/jhub_remote_user_authenticator issue 12, whose recipe has `SetEnvIfNoCase ^REMOTE_USER$`
- recorded cases of Apache: `%{REMOTE_USER}e` says `(null)`; `expr=%{REMOTE_USER}` says the user, or nothing for nobody
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import in_host, within
from perijove.checks.sites import KERNEL, LOGIN, arriving
from perijove.checks.subject import Subject
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ERROR
_FORGED = "mallory"
_token: Final = re.compile(r"[A-Za-z0-9_-]+").fullmatch


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each field that somebody else may set."""
    fields = [one for one in subject.directives("requestheader") if len(one.words) > 2]
    for site in subject.sites:
        told: set[str] = set()
        for one in fields:
            words = [word.text for word in one.words]
            if not within(one, site) or words[0].lower() not in ("set", "add", "append", "merge"):
                continue
            name = words[1].lower()
            if "remote_user" not in " ".join(words[2:]).lower() or name in told:
                continue
            told.add(name)
            for path in (LOGIN, KERNEL, "hub/home", "user/ann/lab", ""):
                taken = tuple(_taken(subject, " ".join(words[2:])))
                forged = dict.fromkeys((words[1], *taken))
                found = subject.ask(site.url(path), fields=tuple(f"{each}: {_FORGED}" for each in forged))
                value = None if found is None else arriving(found, name)
                if value is None or _FORGED not in value:
                    continue
                plain = words[0].lower() == "set" and not taken
                edit = in_host(subject, site, f"RequestHeader unset {words[1]}") if plain else None
                yield Finding(
                    f"{words[1]} says who a user is, and on {site.mount}{path} it arrives as the client sent it"
                    + (f" in {taken[0]}" if taken else ""),
                    one.span,
                    "nothing; whoever sends the field is whom it names",
                    f"write `RequestHeader set {words[1]} expr=%{{REMOTE_USER}}`, without SetEnvIf"
                    if taken
                    else f"write `RequestHeader unset {words[1]}` in the virtual host, outside of all sections",
                    Fix("take the field from clients", (edit,)) if edit is not None else None,
                )
                break


def _taken(subject: Subject, value: str) -> Iterator[str]:
    """Yield the fields of requests that a value is made of, by SetEnvIf."""
    for one in subject.directives("setenvif", "setenvifnocase"):
        field = one.words[0].text.strip("^$") if len(one.words) > 2 else ""
        if _token(field) and any(f"%{{{word.text.partition('=')[0]}}}e" in value for word in one.words[2:]):
            yield field
