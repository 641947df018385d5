"""A rule changes a path, and the ProxyPass behind it is never asked.

## What it finds

A RewriteRule outside of sections that makes another path here of one, without `PT`, where the new path is proxied.

## Why it hurts

mod_rewrite takes what it made for a file's path, unless `PT` says that it is a URL: ProxyPass is passed over.

## What a user sees

`404 Not Found` from Apache.

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

from perijove.checks.catalogue import Finding
from perijove.checks.remedy import within
from perijove.checks.subject import Subject
from perijove.checks.written import Written, appended, replaced
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ERROR
_LEADS = ("p", "proxy", "pt", "passthrough", "r", "redirect", "f", "forbidden", "g", "gone", "h", "handler")


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each rule whose new path would be proxied."""
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


def _flags(one: Written) -> list[str] | None:
    """Return the flags of a rule that makes a file's path of one; None of any other rule."""
    words = [word.text for word in one.words]
    if one.location is not None or len(words) < 2 or not words[1].startswith("/"):
        return None
    flags = [flag.strip() for flag in words[2].strip("[]").split(",")] if len(words) > 2 else []
    return None if any(flag.partition("=")[0].lower() in _LEADS for flag in flags) else flags
