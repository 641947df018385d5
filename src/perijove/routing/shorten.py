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
    leads = _leads(steps)
    stays = [at for at, its in enumerate(leads) if at in (0, its)]  # the first is where a program begins
    places = {at: place for place, at in enumerate(stays)}

    def led(at: int) -> int:
        its = leads[at] if at < len(steps) else at
        return END if its >= END else places.get(its, len(stays))

    found = [
        Step(one.number, one.test, one.action, led(one.matched), led(one.missed), one.needs)
        for one in map(steps.__getitem__, stays)
    ]
    for one in reversed(found):  # so that what a row ends with is known when its beginning comes in turn
        if one.needs and one.without < len(found):
            after = found[one.without]
            if after.needs == one.needs and after.missed > one.without:
                one.without = after.without
    return found


def _leads(steps: list[Step]) -> list[int]:
    """Return, for each step, the one at which something may happen when it is come to."""
    found = list(range(len(steps)))
    for at, step in reversed(list(enumerate(steps))):
        if isinstance(step.test, Constant) and not step.test.value:
            after = step.missed
        elif step.action is None and (step.test is None or isinstance(step.test, Constant)):
            after = step.matched
        else:
            continue
        if after > at:  # what goes round is counted
            found[at] = found[after] if after < len(steps) else after
    return found
