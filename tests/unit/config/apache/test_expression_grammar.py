from __future__ import annotations

import pytest

from perijove.config.apache import expression_tree as tree
from perijove.config.apache.expression import translated
from perijove.config.apache.expression_grammar import condition_of, text_of
from perijove.config.apache.expression_tree import ExpressionError


def test_and_binds_stronger_than_or() -> None:
    true = tree.Truth(True)
    assert condition_of("true || true && true", translated) == tree.OneOf(true, tree.Both(true, true))


def test_not_binds_strongest() -> None:
    true = tree.Truth(True)
    assert condition_of("! true || true", translated) == tree.OneOf(tree.Negated(true), true)


def test_a_text_is_made_of_parts() -> None:
    found = text_of("a%{HTTPS}$1%{req:X}")
    assert found == tree.Joined(
        (tree.Literal(b"a"), tree.Name("HTTPS", 3), tree.Group(1), tree.Called("req", tree.Literal(b"X"), 13))
    )


def test_numbers_are_joined_by_a_dot() -> None:
    found = condition_of("1.5 == '15'", translated)
    assert isinstance(found, tree.Compared)
    assert found.left == tree.Joined((tree.Literal(b"1"), tree.Literal(b"5")))


@pytest.mark.parametrize(
    ("text", "offset"), [("'a' == ", 7), ("true true", 5), ("%{A-B} == 1", 3), ("'a' =~ /(/", 8), ("'\\9' == 1", 1)]
)
def test_a_fault_has_a_place(text: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as found:
        condition_of(text, translated)
    assert found.value.offset == offset
