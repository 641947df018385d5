"""Leave out steps of a program that only lead on, whatever the request is.

Rules say many things that most configurations never come to: variables that nobody sets, sections that hold nothing. Knows
steps. Must not know rules, nor what steps do.
"""

from __future__ import annotations

from perijove.engine.conditions import Constant
from perijove.engine.program import END, Step


def shortened(steps: list[Step]) -> list[Step]:
    """Return steps that end with the same for every request.

    A request that lacks a field is led past all steps in a row that need the same.
    """
    leads = [_really(steps, at) for at in range(len(steps))]
    stays = [at for at, its in enumerate(leads) if at in (0, its)]  # the first is where a program begins
    places = {at: place for place, at in enumerate(stays)}

    def led(at: int) -> int:
        its = leads[at] if at < len(steps) else at
        return END if its >= END else places.get(its, len(stays))

    found = [
        Step(one.number, one.test, one.action, led(one.matched), led(one.missed), one.needs)
        for one in map(steps.__getitem__, stays)
    ]
    for one in found:
        while one.needs and one.without < len(found):
            after = found[one.without]
            if after.needs != one.needs or after.missed <= one.without:
                break
            one.without = after.missed
    return found


def _really(steps: list[Step], at: int) -> int:
    """Return the step at which something may happen when one leads to `at`."""
    while at < len(steps):
        step = steps[at]
        if isinstance(step.test, Constant) and not step.test.value:
            after = step.missed
        elif step.action is None and (step.test is None or isinstance(step.test, Constant)):
            after = step.matched
        else:
            return at
        if after <= at:
            return at  # what goes round is counted
        at = after
    return at
