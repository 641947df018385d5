"""Edits without taking a head apart: the same octets as one after the other, and never where a name is there already."""

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.engine.states import head_of, peer, request, state_of, text

from perijove.engine import fields
from perijove.engine.buffer import Buffer
from perijove.engine.const import FORWARD, FOUND
from perijove.engine.edits import ADD, APPEND, DEFAULT, MERGE, REMOVE, SET, FieldOperation
from perijove.engine.exchange import Exchange
from perijove.engine.head import Limits, ResponseHead
from perijove.engine.plan import Plan, Timeouts
from perijove.engine.recipe import Recipe
from perijove.engine.request import write_request
from perijove.engine.response import read_response
from perijove.engine.state import State
from perijove.engine.texts import Value

NAMES = [b"X-A", b"x-a", b"X-Forwarded-For", b"X-B", b"X_B", b"Cookie", b"Accept"]


def recipe_of(operations: list[FieldOperation], absent: int = 0) -> Recipe:
    """As `routing.recipes` makes one, of operations with a name each."""
    names = set()
    drop, drop_names = 0, set()
    for one in operations:
        number = fields.NUMBERS.get(one.lower, fields.OTHER)
        if one.kind == REMOVE and number:
            drop |= 1 << number
        elif one.kind == REMOVE:
            drop_names.add(one.lower)
        elif number:
            absent |= 1 << number
        else:
            names.add(one.lower)
    lines = tuple((one.name + b": ", one.value) for one in operations if one.kind != REMOVE and one.value is not None)
    made = Recipe(lines, absent, frozenset(names))
    made.drop, made.drop_names = drop, frozenset(drop_names)
    return made


def sent(octets: bytes, operations: list[FieldOperation], recipe: Recipe | None, preserve: bool) -> list[bytes]:
    """The lines of the head that goes upstream."""
    plan = Plan(FORWARD, Timeouts())
    plan.edited = True
    plan.drop = fields.HOP_BY_HOP
    plan.authority = b"up:9000"
    plan.preserve_host = preserve
    plan.request_operations = tuple(operations)
    plan.request_recipe = recipe
    head = head_of(octets)
    exchange, out = Exchange(peer()), Buffer()
    exchange.begin(head, plan)
    exchange.state = State(head, exchange.peer, ())
    exchange.state.target = b"/to"
    write_request(exchange, head, out)
    return out.copy().split(b"\r\n")


LINES = st.lists(
    st.tuples(
        st.sampled_from([*NAMES, b"Connection", b"TE", b"Keep-Alive"]),
        st.sampled_from([b"1", b"x-a", b"a, b", b"a,b", b",a", b"a,,b", b""]),
    ),
    max_size=6,
)
EDITS = st.lists(
    st.tuples(st.sampled_from([SET, ADD, APPEND, DEFAULT, MERGE, REMOVE]), st.sampled_from(NAMES)),
    max_size=4,
    unique_by=lambda one: one[1].lower(),
)


@given(LINES, EDITS, st.booleans())
def test_the_same_goes_upstream(lines: list[tuple[bytes, bytes]], edits: list[tuple[int, bytes]], preserve: bool) -> None:
    octets = request(b"/", *(name + b": " + value for name, value in lines))
    operations = [FieldOperation(kind, name, text(b"v"), None, None) for kind, name in edits]
    assert sent(octets, operations, recipe_of(operations), preserve) == sent(octets, operations, None, preserve)


def test_what_is_steady_is_made_once() -> None:
    """A connection's lines are kept, for as long as plan and host stay the same."""
    plan = Plan(FORWARD, Timeouts())
    plan.edited = True
    plan.drop = fields.HOP_BY_HOP
    plan.preserve_host = True
    plan.request_recipe = Recipe(((b"X-Host: ", text(Value("host"))),), 0, frozenset())
    plan.request_recipe.steady = True
    exchange = Exchange(peer())
    for host in (b"a.test", b"a.test", b"b.test", b"a.test"):
        head, out = head_of(request(host=host)), Buffer()
        exchange.begin(head, plan)
        exchange.state = State(head, exchange.peer, ())
        write_request(exchange, head, out)
        assert out.copy().split(b"\r\n")[1:3] == [b"Host: " + host, b"X-Host: " + host]
        assert exchange.peer.tail == b"X-Host: %b\r\n" % host


def answered(octets: bytes, operations: list[FieldOperation], recipes: bool) -> list[bytes]:
    plan = Plan(FORWARD, Timeouts())
    plan.edited = True
    plan.always_operations = tuple(one for one in operations if one.always)
    plan.response_operations = tuple(one for one in operations if not one.always)
    if recipes:
        plan.always_recipe = recipe_of(list(plan.always_operations))
        plan.response_recipe = recipe_of(list(plan.response_operations))
    exchange, source, out = Exchange(peer()), Buffer(), Buffer()
    head = head_of(request())
    exchange.begin(head, plan)
    exchange.request_done = True
    exchange.state = state_of()
    exchange.state.snapshot()
    source.append(octets)
    assert read_response(exchange, ResponseHead(), Limits(), source, out) == FOUND
    return out.copy().split(b"\r\n")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*NAMES, b"Server", b"Vary", b"Connection", b"Set-Cookie"]),
            st.sampled_from([b"1", b"x-a", b"a, b", b"a,b", b",a", b"a,,b", b""]),
        ),
        max_size=6,
    ),
    EDITS,
    EDITS,
)
def test_the_same_is_answered(
    lines: list[tuple[bytes, bytes]], edits: list[tuple[int, bytes]], always: list[tuple[int, bytes]]
) -> None:
    octets = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%b\r\n" % b"".join(
        name + b": " + value + b"\r\n" for name, value in lines
    )
    operations = [FieldOperation(kind, name, text(b"v"), None, None) for kind, name in edits]
    operations += [FieldOperation(kind, name, text(b"w"), None, None, True) for kind, name in always if kind != REMOVE]
    assert answered(octets, operations, True) == answered(octets, operations, False)


def test_a_line_cannot_be_ended_by_its_value() -> None:
    recipe = Recipe(((b"X-A: ", text(b"a\r\nB: c\0")),), 0, frozenset())
    assert recipe.text(state_of()) == b"X-A: a  B: c \r\n"
