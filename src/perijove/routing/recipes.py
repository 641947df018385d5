"""Which edits of fields can be made without taking a head apart: see `engine.recipe`.

Knows edits in both forms, meant and run. Must not know dialects, nor why something is edited.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from perijove.engine import fields
from perijove.engine.recipe import Recipe
from perijove.gateway import actions, templates
from perijove.gateway.actions import Operation
from perijove.gateway.templates import Fact, Variable

if TYPE_CHECKING:
    from perijove.engine.edits import FieldOperation

Edit = tuple[object, "FieldOperation"]  # as it is meant, and as it runs

# Where a field is not there yet, these add one.
_ADDS: Final = frozenset((Operation.SET, Operation.ADD, Operation.DEFAULT, Operation.APPEND, Operation.MERGE))
# The same for all requests of a connection that name one host.
_STEADY: Final = frozenset((Variable.CLIENT_IP, Variable.CLIENT_PORT, Variable.HOST, Variable.HOSTNAME, Variable.SCHEME,
                            Variable.SERVER_PORT, Fact.HTTPS))  # fmt: skip
_URLS: Final = fields.mask(fields.LOCATION, fields.CONTENT_LOCATION)  # and those without a number:
_URL_NAMES: Final = frozenset((b"uri", b"destination"))


def request_recipe(edits: Sequence[Edit]) -> Recipe | None:
    """Return the recipe for these edits of a request; None if they are too much for one."""
    found = _recipe(edits, 0, frozenset())
    if found is None:
        return None
    edited = {operation.lower for _, operation in edits}
    for edit, _ in edits:
        assert isinstance(edit, actions.EditField)
        if mentions(edit.value, templates.FieldLike) or b"host" in edited:
            return None
        if names(edit.value) & edited:
            return None  # a value is made of what another edit has changed
    host = templates.RequestField(b"host")
    found.steady = all(
        isinstance(part, bytes) or part in _STEADY or part == host
        for edit, _ in edits
        if isinstance(edit, actions.EditField)
        for part in edit.value
    )
    return found


def response_recipe(edits: Sequence[Edit]) -> Recipe | None:
    """Return the recipe for these edits of an upstream's response; None if they are too much for one."""
    numbers, names = 0, frozenset[bytes]()
    lines: list[Edit] = []
    for edit, operation in edits:
        if isinstance(edit, actions.ReplacePrefix):
            numbers, names = numbers | _URLS, _URL_NAMES
        elif isinstance(edit, actions.ReplaceAttribute):
            numbers |= fields.mask(fields.SET_COOKIE)
        elif operation.lower == b"vary":
            return None  # it is compacted
        else:
            lines.append((edit, operation))
    return _recipe(lines, numbers, names)


def always_recipe(edits: Sequence[Edit]) -> Recipe | None:
    """Return the recipe for edits of a table that begins empty; None if they are too much for one."""
    found = _recipe(edits, 0, frozenset())
    if any(operation.lower == b"vary" for _, operation in edits):
        return None  # it is made one line with the upstream's
    return None if found is None or found.drop or found.drop_names else found


def _recipe(edits: Sequence[Edit], numbers: int, names: frozenset[bytes]) -> Recipe | None:
    lines = []
    absent_names = set(names)
    drop, drop_names = 0, set()
    named: set[bytes] = set()
    for edit, operation in edits:
        if not isinstance(edit, actions.EditField) or operation.test is not None or operation.lower in named:
            return None
        named.add(operation.lower)
        number = fields.NUMBERS.get(operation.lower, fields.OTHER)
        if number in _OURS:
            return None
        if edit.operation is Operation.REMOVE:
            if number == fields.OTHER:
                drop_names.add(operation.lower)
            else:
                drop |= 1 << number
            continue
        if edit.operation not in _ADDS or operation.value is None:
            return None
        if mentions(edit.value, templates.ResponseField) or mentions(edit.value, Fact.CONTENT_TYPE):
            return None
        lines.append((operation.name + b": ", operation.value))
        if number == fields.OTHER:
            absent_names.add(operation.lower)
        else:
            numbers |= 1 << number
    found = Recipe(tuple(lines), numbers, frozenset(absent_names))
    found.drop, found.drop_names = drop, frozenset(drop_names)
    return found


# Nobody asks for plain values, and there are many of them: thousands of media types, texts of patterns, names.
_PLAIN: Final = frozenset(("bytes", "str", "int", "float", "bool", "Pattern", "tuple[tuple[bytes, bytes], ...]",
                           "tuple[tuple[bytes, tuple[bytes, ...]], ...]"))  # fmt: skip
# What the engine writes itself, whatever was edited.
_OURS: Final = frozenset((fields.HOST, fields.CONTENT_LENGTH, fields.TRANSFER_ENCODING, fields.CONNECTION, fields.UPGRADE,
                          fields.KEEP_ALIVE, fields.TE, fields.TRAILER, fields.PROXY_CONNECTION, fields.SERVER))  # fmt: skip


def names(one: object) -> set[bytes]:
    """Return the names of the request's fields that a condition or a text asks for, in lower case."""
    return {part.name.lower() for part in _parts(one) if isinstance(part, templates.RequestField)}


def mentions(one: object, *what: object) -> bool:
    """Tell whether a condition, an edit or a text has something of these in it: a fact, or a part of a class."""
    parts = _parts(one)
    kinds = {type(part) for part in parts}
    if not kinds.isdisjoint(kind for kind in what if isinstance(kind, type)):
        return True
    facts = [fact for fact in what if isinstance(fact, Enum)]
    # Members of an enumeration are slow to compare and to hash: they are what they are.
    return any(type(fact) in kinds for fact in facts) and any(part is fact for part in parts for fact in facts)


def _parts(one: object) -> list[object]:
    """Return something and all that it consists of. There are thousands of rules in some configurations."""
    found = [one]
    for part in found:  # to which more is added on the way
        kind = type(part)
        if kind is tuple:
            found += part  # type: ignore[arg-type]
        else:
            for name in _FIELDS[kind]:
                found.append(getattr(part, name))
    return found


class _Fields(dict[type, tuple[str, ...]]):
    """The fields of each kind of part that may have parts themselves."""

    def __missing__(self, kind: type) -> tuple[str, ...]:
        its: Any = kind
        has = dataclasses.is_dataclass(kind)
        self[kind] = tuple(item.name for item in dataclasses.fields(its) if item.type not in _PLAIN) if has else ()
        return self[kind]


_FIELDS: Final = _Fields()


def reads_request(rules: object) -> bool:
    """Tell whether rules for a response need fields of the request."""
    return mentions(rules, templates.RequestField, templates.FieldLike, Operation.ECHO)
