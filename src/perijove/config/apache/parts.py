"""What conditions, texts and edits consist of, whatever they are.

Knows that they are dataclasses and tuples. Must not know what any of them means.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def parts(value: object) -> Iterator[object]:
    """Yield something, and all that it consists of."""
    yield value
    if isinstance(value, tuple):
        for one in value:
            yield from parts(one)
    elif is_dataclass(value):
        for each in fields(value):
            yield from parts(getattr(value, each.name))
