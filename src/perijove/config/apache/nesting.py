"""Sections that begin and end: what closes what, and what is told where they cross or stay open.

Source: ap_build_config_sub and ap_soak_end_container (server/config.c). Must not know what sections mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from perijove.config.apache.words import fold, word
from perijove.text.diagnostic import Severity

if TYPE_CHECKING:
    from perijove.config.apache.complaints import Complaints
    from perijove.config.apache.nodes import Lines, Node
    from perijove.config.apache.words import Logical

Following = Callable[[], "Logical | None"]  # the next line


def closed(name: str, line: Logical, opened: list[Node], lines: Lines, until: str, told: Complaints) -> bool:
    """Close a section; return whether the one that is being carried out ends with it."""
    if not opened:
        lines.strays.add(fold(name[2:].rstrip(">")))
        message = f"{name} without matching <{name[2:]} section"
        told.tell("section-not-open", message, line.span(), lines.via, "take the line out, or open the section above")
        return False
    inner = name[2:-1] if name.endswith(">") else name[2:]
    names = [fold(one.name[1:]) for one in opened]
    if not name.endswith(">"):
        message, fault, hint = (
            f"{name}> directive missing closing '>'",
            "bracket-missing",
            f"write `{name}>`, without spaces",
        )
    elif fold(inner) == names[-1]:
        opened.pop()
        return False
    else:
        message, fault = f"Expected </{opened[-1].name[1:]}> but saw {name}", "sections-cross"
        there = opened[-1].line.span()
        hint = f"`{opened[-1].name}>` is opened in line {there.line}: close it first"
    told.tell(fault, message, line.span(), lines.via, hint)
    if fold(inner) in names:
        while fold(opened.pop().name[1:]) != fold(inner):
            pass
        return False
    lines.strays.add(fold(inner))
    return fold(name) == until


def unclosed(opened: list[Node], lines: Lines, within: Logical | None, told: Complaints) -> None:
    """Tell of sections that are open at the end of a file, or of the section `within` that is being carried out."""
    if told.stopped:
        return
    for one in reversed(opened):
        name = one.name[1:]
        if fold(name) in lines.strays:
            continue
        hint = f"write `</{name}>` where the section ends"
        # A section that is carried out at once ends with the file, and so does what is in it: Apache says nothing.
        severity = Severity.WARNING if within else Severity.ERROR
        told.tell("section-not-closed", f"{one.name}> was not closed.", one.line.span(), one.via, hint, severity)
    if within:
        name = word(within.text, 0)[0].rstrip(">")
        hint = f"write `</{name[1:]}>`; Apache takes the rest of the file for its own"
        told.tell("section-not-closed", f"{name}> was not closed.", within.span(), lines.via, hint, Severity.WARNING)


def soak(node: Node, lines: Lines, following: Following, told: Complaints) -> None:
    """Pass over a section that is not there; sections in it must nest all the same (ap_soak_end_container)."""
    opened = [node.name[1:]]
    depths = Counter((fold(opened[0]),))  # how often a section of each name is open
    while (line := following()) is not None:
        name, begin, _, at = word(line.text, 0)
        if not name.startswith("<") or begin == at:
            continue
        if not name.startswith("</"):
            opened.append(name[1:-1] if at == len(line.text) and name.endswith(">") else name[1:])
            depths[fold(opened[-1])] += 1
            continue
        inner = name[2:-1]
        if fold(inner) != fold(opened[-1]):
            message = f"Expected </{opened[-1]}> but saw </{inner}>"
            hint = "sections must nest in what a condition leaves out, too"
            told.tell("sections-cross", message, line.span(), lines.via, hint)
            if not depths[fold(inner)]:
                continue
            while fold(opened[-1]) != fold(inner):
                depths[fold(opened.pop())] -= 1
        depths[fold(opened.pop())] -= 1
        if not opened:
            return
    if not told.stopped:
        message = f"Expected </{opened[-1]}> before end of configuration"
        hint = f"write `</{opened[-1]}>` where the section ends"
        told.tell("section-not-closed", message, node.line.span(), node.via, hint)
