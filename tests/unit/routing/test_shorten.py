"""Steps that only lead on are left out, and what is left ends with the same."""

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.engine.states import state_of, text

from perijove.engine import conditions, fields
from perijove.engine.changes import SetNote
from perijove.engine.conditions import Constant, HasNote, NotEmpty
from perijove.engine.program import END, Step
from perijove.engine.state import Action, State
from perijove.engine.texts import RequestField
from perijove.routing.shorten import shortened

TESTS: list[tuple[conditions.Test | None, int]] = [
    (None, 0),
    (Constant(False), 0),
    (Constant(True), 0),
    (HasNote(b"n1"), 0),
    (NotEmpty(text(RequestField(b"max-forwards"))), fields.mask(fields.MAX_FORWARDS)),
    (NotEmpty(text(RequestField(b"cookie"))), fields.mask(fields.COOKIE)),
]
ROUNDS = 100


def run(steps: list[Step], state: State) -> tuple[dict[bytes, bytes], bool]:
    """What a program does, as `Program` would; and whether it ended."""
    at = rounds = 0
    while at < len(steps) and rounds < ROUNDS:
        step = steps[at]
        lacks = state.head is not None and not state.head.has_all(step.needs)
        if lacks:
            at = step.without
            continue
        if step.test is not None and not step.test.holds(state):
            at = step.missed
            continue
        if step.action is not None:
            step.action.act(state)
        rounds += step.matched <= at
        at = step.matched
    return state.notes, rounds < ROUNDS


@st.composite
def programs(draw: st.DrawFn) -> list[Step]:
    """Rows of steps. Only what holds leads back, as a rewriting does that begins anew."""
    size = draw(st.integers(0, 8))
    steps = []
    for at in range(size):
        test, needs = draw(st.sampled_from(TESTS))
        action: Action | None = None
        if draw(st.booleans()):
            action = SetNote(b"n%d" % draw(st.integers(0, 3)), text(b"%d" % at))
        matched = draw(st.sampled_from([at + 1, at + 2, at + 3, size, END, *([0] if draw(st.integers(0, 9)) == 0 else [])]))
        steps.append(
            Step(
                at, test, action, min(matched, size) if matched != END else END, min(at + draw(st.integers(1, 4)), size), needs
            )
        )
    return steps


@given(programs(), st.lists(st.sampled_from([b"Max-Forwards: 1", b"Cookie: a", b"Accept: x"]), unique=True))
def test_the_outcome_is_the_same(steps: list[Step], lines: list[bytes]) -> None:
    assert run(shortened(steps), state_of(b"/", *lines)) == run(steps, state_of(b"/", *lines))


def test_what_never_holds_is_left_out() -> None:
    steps = [
        Step(0, None, SetNote(b"a", text(b"1")), 1, 1),
        Step(1, Constant(False), SetNote(b"b", text(b"1")), END, 2),
        Step(2, None, None, 3, 3),
        Step(3, None, SetNote(b"c", text(b"1")), 4, 4),
    ]
    assert [one.number for one in shortened(steps)] == [0, 3]


def test_the_first_stays_whatever_it_is() -> None:
    steps = [Step(0, Constant(False), None, 2, 1), Step(1, None, SetNote(b"a", text(b"1")), 2, 2)]
    found = shortened(steps)
    assert [one.number for one in found] == [0, 1]
    assert found[0].missed == 1


def test_one_look_is_enough_for_steps_that_need_the_same_field() -> None:
    test, needs = TESTS[4]
    steps = [Step(at, test, SetNote(b"a", text(b"1")), END, at + 1, needs) for at in range(3)]
    steps.append(Step(3, None, SetNote(b"b", text(b"1")), 4, 4))
    assert shortened(steps)[0].without == 3
