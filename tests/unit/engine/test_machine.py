"""Guarded patterns: what is found, and how long that may take.

The slow ones are from the literature: Davis, Servant and Lee (2021), OWASP's page on ReDoS, and incidents (Stack Overflow 2016,
Cloudflare 2019). With `remembers=False` they are seen to come to the limit that ends them, or, under `re`, not to end.
"""

from __future__ import annotations

import time

import pytest

from perijove.engine.machine import Machine

TIMES = 400  # enough to tell, also for the pure engine
# A pattern; and how its subject begins, what stands in it so many times, how it ends.
SLOW = [
    (rb"(user/([^/]+)*)*\Z", b"user/", b"aaaa", b"/!"),
    (rb"\A(a+)+\Z", b"", b"aaaa", b"!"),
    (rb"\A([a-zA-Z]+)*\Z", b"", b"aaaa", b"!"),
    (rb"\A(a|aa)+\Z", b"", b"aaaa", b"!"),
    (rb"\A(a|a?)+\Z", b"", b"aaaa", b"!"),
    (rb"\A(a|b|ab)*c", b"", b"abab", b""),
    (b"(.*)*x", b"", b"aaaa", b""),
    (b"(x+x+)+y", b"", b"xxxx", b""),
    (b"((a*)*)*b", b"", b"aaaa", b""),
    (rb"\A(([a-z])+.)+[A-Z]([a-z])+\Z", b"", b"aaaa", b""),
    (rb"\A([0-9A-Z_a-z]+[\x20]?)*\Z", b"", b"aaa ", b"!"),
    (b"[\\x20]+\\Z", b"", b" " * 12, b"x"),
    (b".*.*=.*", b"", b"xxxx", b""),
    (b"foo.*bar.*baz", b"", b"foobar", b""),
    (b"([^/]+/?)*x", b"", b"ab/", b""),
    (rb"\A(.*a){10}\Z", b"", b"aaaa", b"!"),
]
each_slow = pytest.mark.parametrize(("spelling", "head", "piece", "tail"), SLOW, ids=[one[0].decode() for one in SLOW])


@each_slow
def test_slow_patterns_are_decided(spelling: bytes, head: bytes, piece: bytes, tail: bytes) -> None:
    """Whether they are found is found out, in steps that are in proportion to the subject."""
    machine = Machine(spelling)
    machine.search(head + piece * TIMES + tail)
    some = machine.steps
    machine.search(head + piece * TIMES * 4 + tail)
    assert machine.gave_up == 0
    assert machine.steps < 4.5 * some


@each_slow
def test_forgetting_is_slow(spelling: bytes, head: bytes, piece: bytes, tail: bytes) -> None:
    """Without remembering, the same come to the limit, or take many times as long."""
    subject = head + piece * TIMES + tail
    forgets, remembers = Machine(spelling, remembers=False), Machine(spelling)
    remembers.search(subject)
    forgets.search(subject)
    assert forgets.gave_up == 1 or forgets.steps > 50 * remembers.steps


@pytest.mark.parametrize(
    ("spelling", "subject"),
    [
        (rb"(a+)+(?:\1)b", b"a" * 8000),
        (rb"(?>(?:a|aa)*)b", b"a" * 8000),
        (rb"(?:(?=.*x)a)*b", b"a" * 8000),
        (rb"(?=(?:a+)+b)a", b"a" * 8000),
    ],
)
def test_what_cannot_be_remembered_is_bounded(spelling: bytes, subject: bytes) -> None:
    """It ends at the limit, as nothing found; the next search is a new one."""
    machine = Machine(spelling)
    began = time.perf_counter()
    assert machine.search(subject) is None
    assert time.perf_counter() - began < 5
    assert machine.gave_up == 1
    assert machine.search(b"aab") is not None or spelling.startswith(b"(?>")


def test_a_long_subject_needs_room() -> None:
    """The stack grows, and is small again afterwards."""
    machine = Machine(rb"\A(a|b)*c")
    subject = b"ab" * 30_000
    assert machine.search(subject) is None
    found = machine.search(subject + b"c")
    assert found is not None
    assert found.span(1) == (59_999, 60_000)
    assert machine.gave_up == 0


@pytest.mark.parametrize(
    ("spelling", "subject", "spans"),
    [
        # The spans are libpcre2's (10.42).
        (b"(a*)*", b"aab", ((0, 2), (2, 2))),
        (b"(a*)+", b"b", ((0, 0), (0, 0))),
        (b"(a|b*)*c", b"abbc", ((0, 4), (3, 3))),
        (b"(?:(a)|b)*", b"ab", ((0, 2), (0, 1))),
        (b"(?:(a)|(b))+?c", b"abc", ((0, 3), (0, 1), (1, 2))),
        (b"(a?){2}", b"a", ((0, 1), (1, 1))),
        (b"(a?)*?b", b"aab", ((0, 3), (1, 2))),
        (rb"(a(?:\1)?){3}", b"aaaa", ((0, 4), (3, 4))),
        (rb"(?:\1|a)(b)", b"ab", ((0, 2), (1, 2))),
        (b"(?=(a+))a*b(?:\\1)", b"baaabac", ((3, 6), (3, 4))),
        (b"(?!(a)b)a", b"aba", ((2, 3), (-1, -1))),
        (b"(?<=(a))b", b"ab", ((1, 2), (0, 1))),
        (b"((?>a+)|b)*c", b"aabc", ((0, 4), (2, 3))),
        (rb"a\Kb(?=\Z)", b"ab", ((1, 2),)),
        (rb"(a)(?i:\1)", b"aA", ((0, 2), (0, 1))),
        (rb"\b[a-z]+\b", b" ab ", ((1, 3),)),
        (b"", b"", ((0, 0),)),
    ],
)
def test_found(spelling: bytes, subject: bytes, spans: tuple[tuple[int, int], ...] | None) -> None:
    """As PCRE2 finds it."""
    machine = Machine(spelling)
    found = machine.search(subject)
    assert (None if found is None else tuple(found.span(group) for group in range(machine.groups + 1))) == spans


def test_a_search_leaves_nothing_behind() -> None:
    """One that failed, and one that was found, do not show in the next."""
    machine = Machine(b"(?:(a)|(b))+c")
    for _ in range(3):
        assert machine.search(b"ab") is None
        found = machine.search(b"bc")
        assert found is not None
        assert (found.span(1), found.span(2)) == ((-1, -1), (0, 1))
