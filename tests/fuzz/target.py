"""What a fuzz target is: octets in, what became of them out, and an AssertionError where that may not be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

CORPUS: Final = Path(__file__).with_name("corpus")

Outcome = tuple[Any, ...]  # the first is a word for what kind it is


@dataclass(frozen=True)
class Target:
    """Something that takes octets from strangers.

    `check` is the same for the same octets, on both engines. `kinds` are outcomes that there must be many of, or little is
    tested. `engine`: the engine does it, so both do it.
    """

    name: str
    check: Callable[[bytes], Outcome]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...]
    kinds: tuple[str, ...]
    engine: bool = True
    count: int = 1000  # inputs of a short run

    def corpus(self) -> list[bytes]:
        """Return the seeds, and what was kept in files because it once showed something."""
        folder = CORPUS / self.name
        kept = [one.read_bytes() for one in sorted(folder.iterdir())] if folder.is_dir() else []
        return [*self.seeds, *kept]


def cuts(octets: bytes, count: int, size: int) -> list[int]:
    """Return places at which `size` octets are to be cut, as `octets` choose them."""
    return sorted({octets[at] * 257 % (size + 1) if size else 0 for at in range(min(count, len(octets)))})
