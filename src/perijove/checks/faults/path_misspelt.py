"""One path is spelt in two ways.

## What it finds

First parts of paths that differ by one letter too many, or by two the wrong way round, between ProxyPass, its URL, ProxyPassReverse, sections and rules, or from the hub's
`base_url`: `/notebook` and `/notebooks`. Also `Referrer`: the field is called `Referer`.

## Why it hurts

To Apache they are two paths; what one line is for, the other never sees.

## What a user sees

Pages are there, and WebSockets are not, or the reverse; redirects lead to `404 Not Found`.

## Example

```apache
ProxyPass /notebook/ http://127.0.0.1:8000/notebook/
ProxyPassReverse /notebooks/ http://127.0.0.1:8000/notebooks/
```

## Use instead

```apache
ProxyPass /notebook/ http://127.0.0.1:8000/notebook/
ProxyPassReverse /notebook/ http://127.0.0.1:8000/notebook/
```

## Sources

- jupyterhub/jupyterhub issue 219: 'you spell the url "/notebook" in one place and "/notebooks" in another'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from perijove.checks.catalogue import Finding
from perijove.checks.subject import Subject
from perijove.checks.written import replaced
from perijove.text.diagnostic import Confidence, Fix, Severity
from perijove.text.source import Span

SEVERITY = Severity.WARNING
CONFIDENCE = Confidence.MEDIUM
_NAMES: Final = ("proxypass", "proxypassmatch", "proxypassreverse", "location", "locationmatch", "rewriterule")
_path: Final = re.compile(r"(?:(?:https?|wss?)://[^/\s\"]+|^\"?\^?)/([A-Za-z][A-Za-z_-]{2,})(?=[/\"$]|$|\(/)").search


def find(subject: Subject) -> Iterator[Finding]:
    """Yield each place with the rarer spelling, and each field that is spelt so."""
    seen: dict[str, list[Span]] = {}
    for one in subject.directives(*_NAMES):
        for word in one.words:
            found = _path(word.text)
            line = "" if found is None else word.span.source.line(word.span.line)
            if found is not None and word.text in line:
                column = line.index(word.text, max(0, word.span.column - 1)) + found.start(1) + 1
                seen.setdefault(found[1], []).append(Span(word.span.source, word.span.line, column, len(found[1])))
    known = set(seen)
    base = "" if subject.known.hub is None else subject.known.hub.base_url.strip("/").partition("/")[0]
    if base:
        known.add(base)
    spelt: dict[str, set[str]] = {}
    slips = {name: _slips(name) for name in known}
    for name, its in slips.items():
        for slip in its:
            spelt.setdefault(slip, set()).add(name)
    for name in sorted(seen):
        near = spelt.get(name, set()) | (slips[name] & known)
        other = next((it for it in sorted(near) if _rarer(name, it, seen, base)), None)
        for span in seen[name] if other is not None else ():
            yield Finding(
                f"`/{name}` here, `/{other}` elsewhere" + ("" if other not in seen else f" (line {seen[str(other)][0].line})"),
                span,
                "404 Not Found for what one of the two is for",
                f"write `/{other}` if it is the same",
                Fix("spell it the same", (replaced(span, str(other)),), safe=False),
            )
    for one in subject.directives("requestheader", "header", "setenvif"):
        for word in one.words[:2]:
            if word.text.lower() == "referrer":
                yield Finding("the field is called Referer", word.span, "", "write `Referer`", confidence=Confidence.HIGH)


def _slips(name: str) -> set[str]:
    """Return a word with a letter left out, or two letters the wrong way round; of short ones, what is left is too common."""
    places = range(len(name))
    fewer = {name[:at] + name[at + 1 :] for at in places} if len(name) > 4 else set()
    turned = {name[:at] + name[at + 1] + name[at] + name[at + 2 :] for at in places[:-1]} if len(name) > 3 else set()
    return (fewer | turned) - {name}


def _rarer(name: str, other: str, seen: dict[str, list[Span]], base: str) -> bool:
    """Tell whether a spelling is the one to change: not the hub's own; the rarer; of two as frequent, the later."""
    if base in (name, other):
        return other == base
    mine, its = seen[name], seen[other]
    return (-len(mine), mine[0].line, name) > (-len(its), its[0].line, other)
