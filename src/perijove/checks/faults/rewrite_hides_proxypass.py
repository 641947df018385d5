"""A rule takes a path, and the ProxyPass that is for it is never asked.

## What it finds

A RewriteRule outside of sections that makes another path here of one, without `PT`, where the new path is proxied; or that takes
the paths of a ProxyPass for another application; or that redirects all of them to https where Apache never sees https.

## Why it hurts

mod_rewrite comes before mod_proxy. It takes what it made for a file's path, unless `PT` says that it is a URL: ProxyPass is passed
over. And where something in front ends TLS, `%{HTTPS}` is off for every request, the redirected ones, too.

## What a user sees

`404 Not Found` from Apache, or another application's page. Of the redirect, `ERR_TOO_MANY_REDIRECTS`.

## Example

```apache
RewriteRule ^/jupyter/(.*) /jhub/$1 [L]
ProxyPass /jhub/ http://127.0.0.1:8000/jhub/
```

## Use instead

```apache
RewriteRule ^/jupyter/(.*) /jhub/$1 [PT]
```

## Sources

- [The PT flag](https://httpd.apache.org/docs/2.4/rewrite/flags.html#flag_pt)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import same, within
from perijove.checks.sites import addressed, decider
from perijove.checks.subject import Subject
from perijove.checks.written import Written, appended, replaced
from perijove.text.diagnostic import Fix, Severity
from perijove.text.source import Span

SEVERITY = Severity.ERROR
_LEADS = ("p", "proxy", "pt", "passthrough", "r", "redirect", "f", "forbidden", "g", "gone", "h", "handler")


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each rule whose new path would be proxied."""
    yield from _taken(subject)
    told = set()
    makes_files = [(one, flags) for one in subject.directives("rewriterule") if (flags := _flags(one)) is not None]
    for site in subject.sites:
        for one, flags in makes_files:
            if not within(one, site) or one.span in told:
                continue
            path = one.words[1].text.partition("?")[0].partition("$")[0].partition("%")[0]
            found = subject.ask(f"{site.origin}{path}")
            if found is None or found.sent is None:
                continue
            told.add(one.span)
            if flags:
                edit = replaced(one.words[2].span, f"[{','.join([flag for flag in flags if flag.lower() != 'l'] + ['PT'])}]")
            else:
                edit = appended(one.span, " [PT]")
            yield Finding(
                f"the rule makes a file's path of `{path}…`, and no ProxyPass is asked",
                one.span,
                "404 Not Found from Apache",
                "add the flag PT",
                Fix("add the flag PT", (edit,)),
            )


_MOST: Final = 4  # lines of each host that are asked for


def _taken(subject: Subject) -> Iterator[Finding]:
    """Yield each rule that takes the paths of a ProxyPass: their requests go to a file, or back to where they came from."""
    if subject.gateway is None or not any(True for _ in subject.directives("rewriterule")):
        return
    lines = [one for one in subject.mapped if one.written.name == "proxypass" and not one.pattern and one.path is not None]
    tls = any(listener.tls is not None for listener in subject.gateway.listeners)
    told = set()
    for origin, host in addressed(subject.gateway):
        own = [one for one in lines if one.written.host is None or same(one.written.host.span, host.origin)]
        for one in own[:_MOST]:
            assert one.path is not None
            found = subject.ask(f"{origin}{one.path.text.rstrip('/')}/hub/login")
            rule = None if found is None or found.sent is not None else decider(found)
            where = None if rule is None else subject.span(rule.place)
            if found is None or where is None or where in told or not _rewrites(where):
                continue
            leads = (
                next((value for name, value in found.answer.fields if name.lower() == "location"), "") if found.answer else ""
            )
            back = leads.partition("://")[2].startswith(f"{origin.partition('://')[2]}/")
            if leads and (tls or not back):
                continue  # it is meant to go elsewhere, or another host is for it
            told.add(where)
            yield Finding(
                f"the rule takes what `ProxyPass {one.path.text}` in line {one.written.span.line} is for",
                where,
                "`ERR_TOO_MANY_REDIRECTS`: whatever is in front ends TLS, and Apache sees plain http again and again"
                if back
                else "404 Not Found from Apache, or another application's page",
                "redirect where TLS ends; or ask what that says: `RewriteCond %{HTTP:X-Forwarded-Proto} =http`"
                if back
                else f"write `RewriteCond %{{REQUEST_URI}} !^{one.path.text}` above the rule",
                severity=Severity.WARNING if back else None,
            )


def _rewrites(where: Span) -> bool:
    """Tell whether a line is a rule that neither forbids nor is gone."""
    line = where.source.line(where.line).split()
    flags = line[3].strip("[]").lower().split(",") if len(line) > 3 else []
    return bool(line) and line[0].lower() == "rewriterule" and not {"f", "forbidden", "g", "gone"} & set(flags)


def _flags(one: Written) -> list[str] | None:
    """Return the flags of a rule that makes a file's path of one; None of any other rule."""
    words = [word.text for word in one.words]
    if one.location is not None or len(words) < 2 or not words[1].startswith("/"):
        return None
    flags = [flag.strip() for flag in words[2].strip("[]").split(",")] if len(words) > 2 else []
    return None if any(flag.partition("=")[0].lower() in _LEADS for flag in flags) else flags
