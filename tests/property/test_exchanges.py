"""The exchange as clients and an upstream see it who do as they like: `adversaries.py` says what may never come of it.

PERIJOVE_EXCHANGES multiplies how many plays are tried; `make fuzz TARGET=exchanges` tries others.
"""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.adversaries import KINDS
from tests.property.exchanges import DOES, PICKS, Play, Step

TIMES = float(os.environ.get("PERIJOVE_EXCHANGES", "1"))
SETTINGS = settings(
    max_examples=int(200 * TIMES),
    deadline=None,
    derandomize=TIMES <= 1,
    database=None,
    suppress_health_check=list(HealthCheck),
)

steps = st.lists(st.tuples(st.sampled_from(DOES), st.integers(0, 7), st.integers(0, PICKS - 1)), min_size=40, max_size=60)


def test_nothing_is_made_up_lost_or_confused() -> None:
    counts: Counter[str] = Counter()

    @SETTINGS
    @given(steps)
    def play(does: list[Step]) -> None:
        Play(counts).run(does)

    play()
    # All of it has come about.
    wanted = [*dict.fromkeys(DOES), "answered", "whole", "repeated", "reused", "tunnels"]
    wanted += [f"reply {kind}" for kind in KINDS]
    assert not [what for what in wanted if not counts[what]], counts
