"""A ProxyPass comes after one that takes all of its paths.

## What it finds

A ProxyPass, a ProxyPassMatch or an exclusion (`!`) whose paths are below that of an earlier one in the same list; and a ProxyPass in
a `<Location>` whose path is below that of a later one.

## Why it hurts

The first ProxyPass that fits is taken, not the longest: what comes after `/` is never looked at. Of sections it is the other way
round: the last that fits counts.

## What a user sees

What the later line was for goes where the earlier one leads: WebSockets are answered with 400, a page of another
application is the hub's `404`.

## Example

```apache
ProxyPass / http://127.0.0.1:8000/
ProxyPass /api/kernels/ ws://127.0.0.1:8000/api/kernels/
```

## Use instead

```apache
ProxyPass /api/kernels/ ws://127.0.0.1:8000/api/kernels/
ProxyPass / http://127.0.0.1:8000/
```

## Sources

- [ProxyPass, ordering](https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#proxypass)
- jupyterhub/jupyterhub issues 219, 422
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import Mapped, Written, deleted, inserted
from perijove.text.diagnostic import Fix, Severity

SEVERITY = Severity.ERROR
_SPELT: Final = re.compile(r"\^((?:[\w/~%@-]|\\[.-])*)").match


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each line that is never looked at."""
    yield from _sections(subject)
    lists: dict[str, list[Written]] = {}
    for one in subject.directives("proxypass", "proxypassmatch"):
        if one.location is None and len(one.words) > 1 and not any("mapping=" in word.text for word in one.words):
            lists.setdefault(str(one.host.span) if one.host is not None else "", []).append(one)
    for several in lists.values():
        by_path: dict[str, Written] = {}
        for one in several:
            path = one.words[0].text
            if one.name == "proxypassmatch":
                yield from _match(one, path, by_path)
                continue
            first = next((by_path[above] for above in _above(path) if above in by_path), None)
            by_path.setdefault(path, one)
            if first is None or _same(first, one):
                continue
            text = one.span.source.line(one.span.line).strip()
            fix = Fix("move it up", (inserted(first.span, text), deleted(one.span)))
            whole = first.span.source.name == one.span.source.name and not text.endswith("\\")
            yield Finding(
                f"`{path}` is never looked at: `ProxyPass {first.words[0].text}` in line {first.span.line} takes all of its paths",
                one.span,
                f"what is below {path} goes to {first.words[1].text}",
                f"move this line above line {first.span.line}",
                fix if whole and first.words[0].text != path else None,
            )


def _sections(subject: Subject) -> Iterator[Finding]:
    """Yield each section's line if a later section has its paths: of several sections, the last that fits counts."""
    later: dict[str, dict[str, Mapped]] = {}  # by host, and path of the section
    for one in reversed(subject.mapped):
        section = one.written.location
        if (
            section is None
            or one.written.name != "proxypass"
            or one.pattern
            or one.path is None
            or section.name.lower() != "location"
        ):
            continue
        path = one.path.text
        its = later.setdefault(str(one.written.host.span) if one.written.host is not None else "", {})
        over = next((its[above] for above in _above(path) if above in its and above != path), None)
        its.setdefault(path, one)
        if over is None or (over.scheme, over.authority) == (one.scheme, one.authority):
            continue
        yield Finding(
            f"`<Location {path}>` is never asked: `<Location {over.path.text if over.path else ''}>` behind it has all of its paths",
            one.written.span,
            f"what is below {path} goes to {over.target.text}",
            f"move the section above to behind line {over.written.span.line}: of sections, the last that fits counts",
        )


def _match(one: Written, pattern: str, by_path: dict[str, Written]) -> Iterator[Finding]:
    """Yield a pattern if all paths that it may be for are taken by a line before it, which leads elsewhere."""
    begins = _begins(pattern)
    first = next((by_path[above] for above in _above(begins) if above in by_path and above != begins), None)
    first = by_path.get(begins, first)
    if first is None or _leads(first) == _leads(one):
        return
    text = one.span.source.line(one.span.line).strip()
    whole = first.span.source.name == one.span.source.name and not text.endswith("\\")
    yield Finding(
        f"`{pattern}` is never looked at: `ProxyPass {first.words[0].text}` in line {first.span.line} takes all of its paths",
        one.span,
        f"what it is for goes to {first.words[1].text}"
        + (": WebSockets do not connect" if one.words[1].text.lower().startswith("ws") else ""),
        f"move this line above line {first.span.line}",
        Fix("move it up", (inserted(first.span, text), deleted(one.span))) if whole else None,
    )


def _begins(pattern: str) -> str:
    """Return what all paths begin with that a pattern may be for; empty if that is not spelt out."""
    found = _SPELT(pattern)
    if found is None or "|" in re.sub(r"\([^()]*\)|\\.|\[[^]]*\]", "", re.sub(r"\([^()]*\)", "", pattern)):
        return ""
    text, rest = found[1].replace("\\", ""), pattern[found.end() :]
    return text if not rest or rest[0] in "(/$" else text[: text.rfind("/") + 1]


def _leads(one: Written) -> tuple[str, tuple[str, ...]]:
    """Return scheme and authority of where a line leads, and what it lets through."""
    scheme, _, rest = one.words[1].text.lower().partition("://")
    return f"{scheme}://{rest.partition('/')[0].partition('$')[0]}", tuple(word.text for word in one.words[2:])


def _above(path: str) -> Iterator[str]:
    """Yield the paths that take all of a path's, as they may be written, the shortest first."""
    at = path.find("/")
    while at >= 0:
        if at:
            yield path[:at]
        yield path[: at + 1]
        at = path.find("/", at + 1)
    if not path.endswith("/"):
        yield path


def _same(first: Written, other: Written) -> bool:
    """Tell whether the earlier line leads to the same, and lets as much through."""
    leads = first.words[1].text + other.words[0].text[len(first.words[0].text) :]
    parameters = [word.text for word in first.words[2:]] == [word.text for word in other.words[2:]]
    return other.words[1].text == ("!" if first.words[1].text == "!" else leads) and parameters
