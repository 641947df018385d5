"""The reference page of Apache's directives, made from the tables: `python -m perijove.config.apache.reference`."""

from __future__ import annotations

from perijove.config.apache.modules import PROXY, STRANGERS, USUAL
from perijove.config.apache.table import Command, table
from perijove.config.apache.unemulated import ACCEPTED, EMULATED, difference

_HEAD = """# Apache's directives

What becomes of each directive of Debian's Apache 2.4.71. The names come from its own binaries.

A file that loads no module (one of `sites-enabled`) is read as if Debian's usual modules were loaded ({usual}) and those that
a proxy needs ({proxy}).
"""


def reference() -> str:
    """Return the page as Markdown."""
    shown: dict[str, list[str]] = {"emulated": [], "accepted": []}
    warned: list[str] = []
    refused: list[str] = []
    for low, its in sorted(table().commands.items(), key=lambda one: one[0].lstrip("<")):
        name = _shown(its[0])
        what = difference(low)
        if what is not None:
            (refused if what.opens_a_door else warned).append(f"| {name} | {its[0].module} | {what.what.replace('|', '/')} |")
        else:
            shown["emulated" if low in EMULATED else "accepted"].append(name)
    assert not EMULATED & ACCEPTED
    lines = [_HEAD.format(usual=_list(USUAL), proxy=_list(PROXY))]
    lines += ["## Emulated", "", ", ".join(shown["emulated"]) + ".", ""]
    lines += ["## Accepted silently", "", "They concern files, logs, or how Apache itself runs.", ""]
    lines += [", ".join(shown["accepted"]) + ".", ""]
    lines += ["## Different, with a warning", "", "| directive | module | what is different |", "|---|---|---|", *warned, ""]
    shut = "What `Require`, `AuthType`, `AuthBasicProvider` and `SSLVerifyClient require` ask for, and perijove cannot tell, lets nobody in."
    lines += [f"{shut} `--allow-unenforced NAME` ignores it.", ""]
    lines += ["## Refused", "", "Without them somebody could walk in. `--allow-unenforced NAME` accepts that.", ""]
    lines += ["| directive | module | what is different |", "|---|---|---|", *refused, ""]
    lines += ["## Of other modules", "", "| begin with | module | what is missing | |", "|---|---|---|---|"]
    for one in STRANGERS:
        names = ", ".join(f"`{prefix}`" for prefix in one.prefixes)
        lines.append(f"| {names} | {one.module} | {one.what} | {'refused' if one.opens_a_door else 'warning'} |")
    return "\n".join([*lines, ""])


def _shown(command: Command) -> str:
    return f"`{command.name}>`" if command.name.startswith("<") else f"`{command.name}`"


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{one}`" for one in names)


if __name__ == "__main__":
    print(reference(), end="")
