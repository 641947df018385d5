"""From PCRE2's spelling to a tree."""

from __future__ import annotations

import pytest

from perijove.config.apache.regex_class import Invalid, Untranslatable
from perijove.config.apache.regex_parser import parse
from perijove.config.apache.regex_tree import (
    ALL,
    At,
    Back,
    Choice,
    Group,
    How,
    Look,
    Node,
    Octets,
    Place,
    Repeat,
    Sequence,
    mask,
)

A = Octets(mask(b"a"))
B = Octets(mask(b"b"))


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("a", A),
        ("", Sequence()),
        ("ab", Sequence((A, B))),
        ("a|b", Choice((A, B))),
        ("(a)", Group(1, A)),
        ("(a|b)", Group(1, Choice((A, B)))),
        ("(?:a|b)a", Sequence((Sequence((Choice((A, B)),)), A))),
        ("a+?", Repeat(A, 1, None, How.LAZY)),
        ("a{2,3}+", Repeat(A, 2, 3, How.POSSESSIVE)),
        ("a{1}", A),
        ("(?=a)+", Look(A)),
        ("(?=a){0,5}", Repeat(Look(A), 0, 1)),
        ("(?<=a|b)", Look(Choice((A, B)), behind=True)),
        ("^", At(Place.START)),
        ("(?m:^)", Sequence((At(Place.LINE_START),))),
        ("(?i)a(?-i)a", Sequence((Octets(mask(b"aA")), A))),
        ("((?i)a)a", Sequence((Group(1, Octets(mask(b"aA"))), A))),
        ("(?-s).(?s).", Sequence((Octets(ALL & ~mask(b"\n")), Octets(ALL)))),
        (r"(a)\1", Sequence((Group(1, A), Back(1)))),
        (r"\g{+1}(a)", Sequence((Back(1), Group(1, A)))),
        (r"(?P=n)(?<n>a)", Sequence((Back(1), Group(1, A)))),
        ("(?|(a)|(b))", Sequence((Choice((Group(1, A), Group(1, B))),))),
        ("(?x) a (?#b) b # c", Sequence((A, B))),
    ],
)
def test_tree(written: str, wanted: Node) -> None:
    """Becomes this."""
    assert parse(written, False).tree == wanted


def test_groups_and_names() -> None:
    """Are counted and told."""
    found = parse("(?|(a)|(b)(?<m>c))(?<n>d)", False)
    assert found.groups == 3
    assert found.names == (("m", 2), ("n", 3))


def test_octal_or_reference() -> None:
    """A number above nine is a reference only if there are so many groups before it."""
    assert parse("\\10", False).tree == Octets(mask(b"\x08"))
    assert parse("()" * 10 + "\\10", False).tree == Sequence((*(Group(n, Sequence()) for n in range(1, 11)), Back(10)))


def test_depth() -> None:
    """Groups in groups have a limit, that is far from Python's."""
    parse("(" * 60 + ")" * 60, False)
    with pytest.raises(Untranslatable, match="in each other"):
        parse("(" * 61 + ")" * 61, False)


def test_one_number_two_names() -> None:
    """Is refused; one name of two numbers is not, unless that is switched off."""
    with pytest.raises(Invalid, match="different names"):
        parse("(?|(?<n>a)|(?<m>b))", False)
    parse("(?<n>a)(?<n>b)", False)
    with pytest.raises(Invalid, match="same name"):
        parse("(?-J)(?<n>a)(?<n>b)", False)
