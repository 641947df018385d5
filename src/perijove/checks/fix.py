"""What the author's text is with fixes.

Knows edits. Must not know why they are made, nor who writes files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perijove.text.diagnostic import Diagnostic, Edit


def fixed(found: Iterable[Diagnostic], *, unsafe: bool = False) -> tuple[dict[str, str], list[Diagnostic]]:
    """Return the new texts of files, by name, and what was fixed in them.

    A fix whose edits meet those of one before is left for another round: what it was made for may be gone. The same edit twice
    is one.
    """
    taken: list[Edit] = []
    done: list[Diagnostic] = []
    for one in found:
        if one.fix is None or not (one.fix.safe or unsafe):
            continue
        fresh = [edit for edit in one.fix.edits if edit not in taken]
        if not any(_meet(edit, other) for edit in fresh for other in taken):
            taken += fresh
            done.append(one)
    texts: dict[str, str] = {}
    for edit in sorted(taken, key=lambda one: (one.start, one.end), reverse=True):
        name = edit.source.name
        text = texts.get(name, edit.source.text)
        texts[name] = text[: edit.start] + edit.text + text[edit.end :]
    return texts, done


def _meet(one: Edit, other: Edit) -> bool:
    """Tell whether two edits are of the same place, or one of what the other replaces."""
    if one.source.name != other.source.name:
        return False
    if one.start == one.end == other.start == other.end:
        return True
    return one.start < other.end and other.start < one.end
