"""Octets that are made from others, the same for the same seed: seeds are cut, doubled, mixed, and spoilt with a target's words.

Knows nothing of what they are for.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Final

_MOST: Final = 4096  # octets
_NUMBERS: Final = (0, 1, 9, 10, 13, 32, 34, 37, 44, 45, 47, 58, 59, 92, 95, 127, 128, 133, 160, 255)
_MARKS: Final = (b"\r\n", b"\r\n", b"\n", b": ", b":", b" ", b"/", b",")
_LONG: Final = 300  # repetitions


def mutated(rng: random.Random, octets: bytes, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Return something like `octets`."""
    out = bytearray(octets)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randint(0, len(out))
        if rng.randrange(2):  # where something begins: that is where readers are tender
            mark = rng.choice(_MARKS)
            at = max(out.find(mark, at) + len(mark), 0) if mark in out[at:] else at
        size = min(rng.choice((1, 1, 2, 4, 8, 16, 64)), len(out) - at)
        kind = rng.randrange(9)
        if kind == 0:
            del out[at : at + size]
        elif kind == 1:
            out[at:at] = out[at : at + size]
        elif kind == 2 and out:
            out[min(at, len(out) - 1)] = rng.choice(_NUMBERS)
        elif kind == 3 and out:
            out[min(at, len(out) - 1)] ^= 1 << rng.randrange(8)
        elif kind == 4 and words:
            out[at:at] = rng.choice(words)
        elif kind == 5 and words:
            out[at : at + size] = rng.choice(words)
        elif kind == 6:
            other = rng.choice(corpus)
            start = rng.randint(0, len(other))
            out[at:] = other[start:]
        elif kind == 7:
            other = rng.choice(corpus)
            start = rng.randint(0, len(other))
            out[at:at] = other[start : start + rng.randint(1, 40)]
        elif kind == 8 and rng.randrange(8) == 0:
            out[at : at + size] = out[at : at + size] * rng.randint(2, _LONG)
    return bytes(out[:_MOST])


def inputs(seed: int, corpus: Sequence[bytes], words: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the corpus, and then what is made from it, without end."""
    yield from corpus
    rng = random.Random(seed)
    kept = list(corpus)
    while True:
        one = mutated(rng, rng.choice(kept), corpus, words)
        # What was made is changed further now and then: some of it walks far away.
        if rng.randrange(16) == 0:
            if len(kept) < 4 * len(corpus) + 64:
                kept.append(one)
            else:
                kept[rng.randrange(len(corpus), len(kept))] = one
        yield one


def smaller(octets: bytes) -> Iterator[bytes]:
    """Yield what is left when a part is taken out, large parts first."""
    size = len(octets) // 2
    while size:
        for at in range(0, len(octets), size):
            yield octets[:at] + octets[at + size :]
        size //= 2
