"""Which edits are simple enough to be made without taking a head apart."""

from typing import Any

import pytest

from perijove.engine import fields
from perijove.gateway.actions import EditField, Operation, ReplaceAttribute, ReplacePrefix
from perijove.gateway.conditions import All, Always, NotEmpty, Pattern
from perijove.gateway.rules import Rule
from perijove.gateway.templates import Call, Fact, Function, RequestField, ResponseField, Variable
from perijove.routing import conditions
from perijove.routing.recipes import always_recipe, names, reads_request, request_recipe, response_recipe
from perijove.routing.steps import operation


def edits(*actions: Any) -> list[Any]:
    return [(one, operation(Rule(Always(), one), None)) for one in actions]


SET = EditField(Operation.SET, b"X-A", (b"v",))


def test_what_must_be_absent() -> None:
    made = request_recipe(
        edits(
            SET, EditField(Operation.APPEND, b"X-Forwarded-For", (Variable.CLIENT_IP,)), EditField(Operation.REMOVE, b"Cookie")
        )
    )
    assert made is not None
    assert (made.absent, made.absent_names) == (fields.mask(fields.X_FORWARDED_FOR), {b"x-a"})
    assert (made.drop, made.drop_names) == (fields.mask(fields.COOKIE), frozenset())


@pytest.mark.parametrize(
    ("value", "steady"),
    [
        ((b"v",), True),
        ((Variable.CLIENT_IP, Variable.SCHEME, Fact.HTTPS), True),
        ((RequestField(b"host"),), True),
        ((RequestField(b"cookie"),), False),  # another user's would be sent
        ((Fact.USER,), False),
        ((Variable.PATH,), False),
        ((Variable.REQUEST_ID,), False),
    ],
)
def test_what_is_the_same_for_a_connection(value: Any, steady: bool) -> None:
    made = request_recipe(edits(EditField(Operation.SET, b"X-A", value)))
    assert made is not None
    assert made.steady is steady


@pytest.mark.parametrize(
    "too_much",
    [
        edits(EditField(Operation.EDIT, b"X-A", (b"v",), Pattern(b"x"))),
        edits(SET, SET),
        edits(SET, EditField(Operation.SET, b"X-B", (RequestField(b"x-a"),))),  # it sees what was edited
        edits(EditField(Operation.SET, b"Host", (b"v",))),
        edits(EditField(Operation.SET, b"Connection", (b"v",))),
        [(SET, operation(Rule(Always(), SET), conditions.test(NotEmpty((Fact.STATUS,)))))],
    ],
)
def test_what_is_too_much(too_much: Any) -> None:
    assert request_recipe(too_much) is None


def test_a_response_has_nothing_to_map() -> None:
    made = response_recipe(edits(ReplacePrefix((b"http://up/",), (b"/",)), ReplaceAttribute("path", (b"/a",), (b"/b",)), SET))
    assert made is not None
    assert made.absent == fields.mask(fields.LOCATION, fields.CONTENT_LOCATION, fields.SET_COOKIE)
    assert made.absent_names == {b"uri", b"destination", b"x-a"}


def test_a_response_whose_fields_are_read() -> None:
    assert response_recipe(edits(EditField(Operation.SET, b"X-A", (ResponseField(b"etag"),)))) is None


def test_the_table_that_begins_empty_drops_nothing() -> None:
    assert always_recipe(edits(SET)) is not None
    assert always_recipe(edits(EditField(Operation.REMOVE, b"X-A"))) is None


def test_what_needs_the_request() -> None:
    assert not reads_request((Rule(Always(), SET),))
    assert reads_request((Rule(Always(), EditField(Operation.SET, b"X-A", (RequestField(b"origin"),))),))
    assert reads_request((Rule(NotEmpty((RequestField(b"origin"),)), SET),))
    assert reads_request((Rule(Always(), EditField(Operation.ECHO, b"", (), Pattern(b"^X"))),))


def test_names_of_fields_that_are_asked_for() -> None:
    asked = All((NotEmpty((RequestField(b"Host"),)), Always(), NotEmpty((b"x", Call(Function.LOWER, (RequestField(b"x-a"),))))))
    assert names(asked) == {b"host", b"x-a"}
    assert names(NotEmpty((ResponseField(b"host"),))) == set()
