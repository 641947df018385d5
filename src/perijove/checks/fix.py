"""What the author's text is with fixes.

Knows edits. Must not know why they are made, nor who writes files.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perijove.text.diagnostic import Diagnostic, Edit


def fixed(found: Iterable[Diagnostic], *, unsafe: bool = False) -> tuple[dict[str, str], list[Diagnostic]]:
    """Return the new texts of files, by name, and what was fixed in them.

    A fix whose edits meet those of one before is left for another round: what it was made for may be gone. The same edit twice
    is one.
    """
    taken: dict[str, list[Edit]] = {}  # by file, in the order of their places
    done: list[Diagnostic] = []
    for one in found:
        if one.fix is None or not (one.fix.safe or unsafe):
            continue
        fresh = [edit for edit in one.fix.edits if edit not in _near(taken, edit)]
        if not any(_meet(edit, other) for edit in fresh for other in _near(taken, edit)):
            for edit in fresh:
                insort(taken.setdefault(edit.source.name, []), edit, key=_place)
            done.append(one)
    return {name: _edited(edits) for name, edits in taken.items()}, done


def _place(one: Edit) -> tuple[int, int]:
    return one.start, one.end


def _near(taken: dict[str, list[Edit]], one: Edit) -> list[Edit]:
    """Return those that an edit may meet: none of them meets another, so they are beside its place."""
    edits = taken.get(one.source.name, [])
    first = bisect_left(edits, (one.start, one.start), key=_place)
    last = bisect_right(edits, (one.end, one.end), key=_place)
    return edits[max(0, first - 1) : last + 1]


def _edited(edits: list[Edit]) -> str:
    text = edits[0].source.text
    parts, at = [], 0
    for one in edits:
        parts += [text[at : one.start], one.text]
        at = one.end
    return "".join((*parts, text[at:]))


def _meet(one: Edit, other: Edit) -> bool:
    """Tell whether two edits of a file are of the same place, or one of what the other replaces."""
    if one.start == one.end == other.start == other.end:
        return True
    return one.start < other.end and other.start < one.end
