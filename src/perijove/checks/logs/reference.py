"""The reference of all messages, from the tables: `python -m perijove.checks.logs.reference > docs/reference/log-messages.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.checks.logs import apache, jupyter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perijove.checks.logs.family import Family

_HEAD: Final = """# Messages in logs

What `perijove check hub.conf --log FILE` knows of Apache's error log, of JupyterHub's, and of those of the servers and the proxy that
it starts. `perijove check --explain NAME` prints one of these entries. Where the line of the configuration that is responsible can
be told, it is: the path of a message is asked of the tables, the host and port of one is looked for among URLs.

Some messages show that a finding of a [check](checks.md) is true: then that is told, with how often it was seen.
"""


def families() -> Mapping[str, Family]:
    """Return all families of messages, by name."""
    return {one.name: one for one in (*apache.FAMILIES, *jupyter.FAMILIES)}


def page(one: Family) -> str:
    """Return what there is to say of a family, in Markdown."""
    parts = [f"{one.message[0].upper()}{one.message[1:]}.", one.means]
    if one.codes:
        parts.append(f"Apache's {', '.join(f'`{code}`' for code in one.codes)}.")
    if one.sees:
        parts.append(f"Users see: {one.sees}.")
    parts.append(f"Do: {one.help}.")
    if one.confirms:
        parts.append(f"Confirms: {', '.join(sorted(one.confirms))}.")
    return "\n\n".join(parts)


def reference() -> str:
    """Return the page, in Markdown."""
    parts = [_HEAD]
    for title, several in (("Apache", apache.FAMILIES), ("JupyterHub", jupyter.FAMILIES)):
        parts.append(f"\n## {title}\n")
        parts += [f"\n### {one.name}\n\n*{one.severity.value.capitalize()}.* {page(one)}\n" for one in several]
    return "".join(parts)


if __name__ == "__main__":
    print(reference(), end="")
