"""Every user arrives as `(null)`.

## What it finds

A field that is made of a variable which is not there yet, or never: `%{REMOTE_USER}e`; `%{REMOTE_USER}s` without mod_ssl; one that
a rule outside of sections makes of `%{LA-U:REMOTE_USER}`; `%{…}s` of one that SetEnvIf or a rule sets.

## Why it hurts

mod_headers asks the environment, where nobody writes the user's name, or mod_ssl, which knows its own variables. What is not there
is written as `(null)`.

## What a user sees

A server at `/user/(null)/`, which is everybody's, or `500 GET /hub/user/(null)/` in the hub's log.

## Example

```apache
<Location />
    AuthType Basic
    Require valid-user
    RequestHeader set Remote-User %{REMOTE_USER}e
</Location>
```

## Use instead

```apache
<Location />
    AuthType Basic
    Require valid-user
    RequestHeader set Remote-User expr=%{REMOTE_USER}
</Location>
```

`"%{REMOTE_USER}s"` does as well where mod_ssl is loaded, with plain http, too.

## Sources

- cwaldbieser/jhub_remote_user_authenticator issue 12; OpenIDC/mod_auth_openidc issue 429; bmuller/mod_auth_openid issue 14
- recorded cases of Apache: `%{REMOTE_USER}e` says `(null)`; `expr=%{REMOTE_USER}` says the user, or nothing for nobody
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import within
from perijove.checks.sites import arriving
from perijove.checks.subject import Subject
from perijove.checks.written import replaced
from perijove.text.diagnostic import Fix, Severity

if TYPE_CHECKING:
    from perijove.checks.written import Written

SEVERITY = Severity.ERROR
_NULL: Final = "(null)"
_variable: Final = re.compile(r"%\{([^}:]+)\}([es])").fullmatch


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each field that says so."""
    written = [one for one in subject.directives("requestheader") if len(one.words) > 2]
    fields = [(one, said) for one in written if (said := _variable(one.words[2].text)) is not None]
    for site in subject.sites:
        for one, said in fields:
            if not within(one, site) or arriving(site.page, one.words[1].text.lower()) != _NULL:
                continue
            if not _never(subject, said[1], said[2]):
                continue
            yield Finding(
                f"{one.words[1].text} arrives as `{_NULL}`: `{said[0]}` is not there when fields are written",
                one.span,
                "everybody is the user (null), and shares one server; or 500 after the login",
                "write `expr=%{REMOTE_USER}`, in a section that asks who it is",
                Fix("say the user's name", (replaced(one.words[2].span, "expr=%{REMOTE_USER}"),), safe=False),
            )


def _never(subject: Subject, variable: str, kind: str) -> bool:
    """Tell whether a variable is known not to be there; others may be set by what signs users on."""
    if variable == "REMOTE_USER":
        return kind == "e" or (subject.modules is not None and "ssl" not in subject.modules)
    makers = [one for one in subject.everything if _sets(one, variable)]
    if kind == "s":
        return bool(makers)
    ahead = [one for one in subject.directives("rewritecond") if one.words and "la-u:remote_user" in one.words[0].text.lower()]
    return bool(ahead) and any(one.name == "rewriterule" and one.location is None for one in makers)


def _sets(one: Written, variable: str) -> bool:
    if one.name in ("setenvif", "setenvifnocase"):
        return any(word.text.partition("=")[0] == variable for word in one.words[2:])
    return one.name == "rewriterule" and len(one.words) > 2 and f"E={variable}:" in one.words[2].text
