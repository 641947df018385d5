"""Clients and an upstream who do as they like: tests/property/adversaries.py says what may never come of it."""

from __future__ import annotations

import random
from collections import Counter
from typing import Final

from tests.fuzz.target import Outcome, Target
from tests.property.exchanges import DOES, PICKS, Play

_STEPS: Final = 80


def check(octets: bytes) -> Outcome:
    """Four octets are a step: what is done, who does it, and two for how."""
    does = [
        (DOES[octets[at] % len(DOES)], octets[at + 1] % 8, int.from_bytes(octets[at + 2 : at + 4]) % PICKS)
        for at in range(0, min(len(octets) - 3, 4 * _STEPS), 4)
    ]
    counts: Counter[str] = Counter()
    Play(counts).run(does)
    return ("answered" if counts["answered"] else "nothing",)


_RANDOM: Final = random.Random(0)

TARGET: Final = Target(
    "exchanges",
    check,
    tuple(_RANDOM.randbytes(4 * 40) for _ in range(30)),
    tuple(_RANDOM.randbytes(4 * size) for size in (1, 1, 1, 2, 3, 8) for _ in range(20)),
    ("answered", "nothing"),
    count=60,
)
