"""The reference of all checks, from their own docstrings: `python -m perijove.checks.reference > docs/reference/checks.md`."""

from __future__ import annotations

from typing import Final

from perijove.checks.catalogue import checks

_HEAD: Final = """# Checks

What `perijove check` looks for. `perijove check --explain NAME` prints one of these pages; `--ignore NAME` leaves one out, and so
does a comment above the line, with a reason:

```apache
# perijove: ignore[hub-host-not-preserved] the upstream is no hub
ProxyPass /grafana/ http://127.0.0.1:3000/
```

Above a section, it is for all of the section. What Apache itself would refuse is told of, too, in Apache's own words.

An **error** keeps users from working, a **warning** some of them, or sometimes; **advice** keeps nobody. How sure it is, is said
apart: where nothing is said, the confidence is high.

| check | | |
|---|---|---|
"""


def reference() -> str:
    """Return the page, in Markdown."""
    every = checks().values()
    rows = "".join(f"| [{one.name}](#{one.name}) | {one.severity.value} | {_title(one.page)} |\n" for one in every)
    parts = [_HEAD + rows]
    for one in every:
        _, _, rest = one.page.partition("\n")
        said = rest.rstrip().replace("\n## ", "\n### ")
        parts.append(f"\n## {one.name}\n\n{_title(one.page)} *{one.severity.value.capitalize()}.*\n{said}\n")
    return "".join(parts)


def _title(page: str) -> str:
    return page.partition("\n")[0]


if __name__ == "__main__":
    print(reference(), end="")
