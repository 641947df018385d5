"""Conditions on requests."""

import ipaddress

import pytest
from tests.unit.engine.states import state_of, text

from perijove.engine import conditions, texts
from perijove.engine.conditions import All, Compares, Constant, Either, Matches, Not, PathMatches, Within, groups_of
from perijove.engine.pattern import Pattern

ADDRESS = text(texts.Value("address"))


def test_constants() -> None:
    assert Constant(True).holds(state_of())
    assert not Constant(False).holds(state_of())


@pytest.mark.parametrize(
    ("prefix", "path", "holds"),
    [
        (b"/a", b"/a", True),
        (b"/a", b"/a/b", True),
        (b"/a", b"/ab", False),
        (b"/a/", b"/a", False),
        (b"/a/", b"/a/", True),
        (b"/", b"/anything", True),
    ],
)
def test_prefixes_by_whole_segments(prefix: bytes, path: bytes, holds: bool) -> None:
    state = state_of()
    state.path = path
    assert conditions.PathPrefix(prefix).holds(state) is holds


def test_one_path() -> None:
    assert conditions.PathIs(b"/a").holds(state_of(b"/a"))
    assert not conditions.PathIs(b"/a").holds(state_of(b"/a/"))


@pytest.mark.parametrize("guarded", [False, True])
def test_a_group_that_took_no_part_is_none_and_a_note_of_it_is_empty(guarded: bool) -> None:
    pattern = Pattern(rb"\A/(a)?(b)", guarded)
    state = state_of(b"/b")
    assert PathMatches(pattern, ((1, b"A"), (2, b"B"))).holds(state)
    assert state.captures == (b"/b", None, b"b")
    assert state.notes == {b"A": b"", b"B": b"b"}
    assert texts.Capture(1).text(state) == b""
    found = pattern.search(b"/ab")
    assert found is not None
    assert groups_of(found, pattern) == (b"/ab", b"a", b"b")


def test_what_is_not_found_changes_nothing() -> None:
    state = state_of(b"/b")
    state.captures = state.kept = (b"before",)
    assert not PathMatches(Pattern(b"^/a"), ((0, b"A"),)).holds(state)
    assert not Matches(ADDRESS, Pattern(b"x"), False, True).holds(state)
    assert (state.captures, state.kept, state.notes) == ((b"before",), (b"before",), {})
    assert not Matches(ADDRESS, Pattern(b"x"), True, True).holds(state)
    assert (state.captures, state.kept) == ((), (b"before",))  # a rule has no captures of a pattern that found nothing


@pytest.mark.parametrize(
    ("captures", "keeps", "expected"),
    [(False, False, ((), ())), (True, False, ((b"192",), ())), (False, True, ((), (b"192",))), (True, True, ((b"192",),) * 2)],
)
def test_what_a_pattern_finds_is_kept_as_asked(captures: bool, keeps: bool, expected: tuple[object, object]) -> None:
    state = state_of()
    assert Matches(ADDRESS, Pattern(b"^[0-9]+"), captures, keeps).holds(state)
    assert (state.captures, state.kept) == expected


@pytest.mark.parametrize(
    ("left", "how", "right", "holds"),
    [
        (b"a", "same", b"a", True),
        (b"a", "same", b"A", False),
        (b"a", "same without case", b"A", True),
        (b"a", "same without case", b"b", False),
        (b"a", "less", b"b", True),
        (b"b", "less", b"b", False),
        (b"b", "more", b"a", True),
        (b"10", "more", b"9", False),  # as texts
        (b"10", "larger number", b"9", True),
        (b"9", "larger number", b"9", False),
        (b"9", "smaller number", b"10x", True),
        (b" 9 ", "same number", b"09", True),
        (b"x", "same number", b"", True),  # neither is a number: both are 0, as for atoi(3)
        (b"-1", "smaller number", b"+1", True),
        (b"-", "same number", b"0", True),
        (b"1" * 5000, "larger number", b"1", True),
    ],
)
def test_comparisons(left: bytes, how: str, right: bytes, holds: bool) -> None:
    assert Compares(text(left), how, text(right)).holds(state_of()) is holds


@pytest.mark.parametrize(
    ("address", "holds"),
    [
        (b"192.0.2.77", True),
        (b"192.0.3.1", False),
        (b"2001:db8::1", True),
        (b"2001:db9::1", False),
        (b"unix:", False),
        (b"", False),
        (b"\xff", False),
    ],
)
def test_networks(address: bytes, holds: bool) -> None:
    networks = (ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/32"))
    assert Within(text(address), networks).holds(state_of()) is holds


def test_texts_notes_and_settings() -> None:
    state = state_of(settings=(None, "x"))
    state.note(b"n", b"")
    assert conditions.NotEmpty(ADDRESS).holds(state)
    assert not conditions.NotEmpty(text()).holds(state)
    assert conditions.HasNote(b"n").holds(state)
    assert not conditions.HasNote(b"m").holds(state)
    assert conditions.SettingIs(1, "x").holds(state)
    assert not conditions.SettingIs(0, "x").holds(state)


def test_a_destination() -> None:
    state = state_of()
    assert not conditions.Destined().holds(state)
    state.onward = b"/x"
    assert conditions.Destined().holds(state)


class Asked(conditions.Test):
    """Remembers that it was asked."""

    def __init__(self, value: bool) -> None:
        self.value = value
        self.count = 0

    def holds(self, state: object) -> bool:
        """Say so."""
        self.count += 1
        return self.value


def test_what_need_not_be_asked_is_not() -> None:
    yes, no, never = Asked(True), Asked(False), Asked(True)
    assert All((yes, yes)).holds(state_of())
    assert not All((yes, no, never)).holds(state_of())
    assert Either((no, yes, never)).holds(state_of())
    assert not Either((no, no)).holds(state_of())
    assert All(()).holds(state_of())
    assert not Either(()).holds(state_of())
    assert never.count == 0
    assert Not(no).holds(state_of())
    assert not Not(yes).holds(state_of())


def test_a_condition_says_what_it_is() -> None:
    with pytest.raises(NotImplementedError):
        conditions.Test().holds(state_of())


@pytest.mark.parametrize(("path", "holds"), [(b"//a/b", True), (b"/a//b/c", True), (b"/a", False), (b"//a/bc", False)])
def test_any_number_of_slashes(path: bytes, holds: bool) -> None:
    state = state_of()
    state.path = path
    assert conditions.PathPrefix(b"/a/b", True).holds(state) is holds
    assert conditions.PathPrefix(b"/a/b").holds(state) is False
    assert PathMatches(Pattern(rb"\A/a/b(?:/|\Z)"), (), True).holds(state) is holds
