"""A path ends in a slash, and its URL does not; or the reverse.

## What it finds

A ProxyPass by which `/hub/login` arrives as `//hub/login`, as `/jhubhub/login`, or at a host called `localhost:8000hub`.

## Why it hurts

Apache takes the path off, as it was written, and puts what is left behind the URL, as that was written.

## What a user sees

`404 Not Found` from the hub for every page, or a redirect that never ends, which WebSockets are refused with (302); without any path
in the URL `500 Proxy Error` with `DNS lookup failure for: localhost:8000hub`.

## Example

```apache
ProxyPass /jhub http://127.0.0.1:8000/jhub/
```

## Use instead

```apache
ProxyPass /jhub/ http://127.0.0.1:8000/jhub/
```

## Sources

- jupyterhub/jupyterhub issue 1067
- [ProxyPass](https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#proxypass): "If the first argument ends with a trailing /…"
"""

from __future__ import annotations

from collections.abc import Iterator

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import Mapped, replaced
from perijove.config.apache.words import is_wildcard
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ERROR
STOPS = 1


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each line where they differ."""
    for one in subject.mapped:
        if one.written.name != "proxypass" or one.pattern or one.path is None or "$" in one.target.text:
            continue
        if is_wildcard(one.path.text):
            continue  # it is a pattern all the same
        path, url = one.path.text, one.url_path
        if path.endswith("/") is url.endswith("/") or not path.startswith("/"):
            continue
        if one.written.location is not None and path == "/" and not url:
            continue  # of `<Location />` nothing is taken off
        yield Finding(
            f"`{path}` ends {'in a' if path.endswith('/') else 'without a'} slash, and `{one.target.text}` "
            f"{'without one' if path.endswith('/') else 'in one'}: {path.rstrip('/')}/hub/login arrives as "
            f"{_arrives(path, url)}",
            one.target.span,
            "404 Not Found for every page, or a redirect that never ends" if url else "500 Proxy Error: DNS lookup failure",
            "let both end in a slash, or none of them",
            _fix(one),
        )


def _arrives(path: str, url: str) -> str:
    rest = f"{path.rstrip('/')}/hub/login".removeprefix(path)
    return f"{url}{rest}" if url else f"…{rest} (a part of the host's name)"


def _fix(one: Mapped) -> Fix | None:
    """Return the URL with the path's ending, if it is written as it is read."""
    assert one.path is not None
    span = one.target.span
    start = span.source.offset(span.line, span.column)
    written = span.source.text[start : start + span.size]
    bare = written.strip("\"'")
    if bare != one.target.text:
        return None
    other = f"{bare}/" if one.path.text.endswith("/") else bare.rstrip("/")
    return Fix("let the URL end as the path does", (replaced(span, written.replace(bare, other)),))
