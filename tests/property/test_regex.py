"""What Apache's own library finds, our patterns find: the same verdict, and the same spans of all groups.

The library is asked itself, under Apache's flags. What it refuses we refuse; we refuse more, but never run what differs. What is
run by `re` is run by the machine as well, which has to agree.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from tests.property import pcre
from tests.property.regex_grammar import patterns, spoilt, subjects

from perijove.config.apache.regex import Invalid, Untranslatable, translate
from perijove.config.apache.regex_parser import parse
from perijove.engine.machine import Machine
from perijove.engine.pattern import Pattern as Runs

SETTINGS = settings(
    max_examples=int(os.environ.get("PERIJOVE_REGEX_EXAMPLES", "1500")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def searched(machine: Machine | Runs, subject: bytes) -> pcre.Spans | None:
    """Return the spans of all groups that we find."""
    match = machine.search(subject)
    return None if match is None else tuple(match.span(group) for group in range(machine.groups + 1))


@SETTINGS
@given(st.data(), patterns, st.booleans())
def test_same_spans(data: st.DataObject, written: str, nocase: bool) -> None:
    """Whatever is translated is found where PCRE2 finds it."""
    octets = written.encode("latin-1")
    try:
        oracle = pcre.Code(octets, nocase)
    except pcre.Invalid as refused:
        with pytest.raises(Untranslatable):
            translate(octets, nocase)
        assume(False)
        raise AssertionError from refused
    try:
        pattern = translate(octets, nocase)
    except Invalid as refused:
        raise AssertionError(f"{octets!r} is refused: {refused.reason} at {refused.offset}") from refused
    except Untranslatable:
        assume(False)
        raise
    assert pattern.groups == oracle.groups
    tree = parse(written, nocase).tree
    for _ in range(4):
        subject = data.draw(subjects(tree))
        try:
            wanted = oracle.search(subject)
        except pcre.GaveUp:
            continue
        machine = Machine(pattern.pattern)
        by_machine = searched(machine, subject)
        if machine.gave_up:
            continue  # PCRE2 took less than its limit, we took more than ours: nothing is found
        assert by_machine == wanted, (octets, subject, pattern)
        assert searched(Runs(pattern.pattern, pattern.guarded), subject) == wanted, (octets, subject, pattern)


@SETTINGS
@given(spoilt(), st.booleans())
@example("(?<n>a)(?<n>b)", False)
@example("(?|(?<n>a)|(?<m>b))", False)
def test_same_verdict(written: str, nocase: bool) -> None:
    """What PCRE2 refuses is refused; what it takes is never called wrong."""
    octets = written.encode("latin-1")
    try:
        pcre.Code(octets, nocase)
    except pcre.Invalid as refused:
        try:
            translated = translate(octets, nocase)
        except Untranslatable:
            return
        raise AssertionError(f"{octets!r}: PCRE2 says {refused.message!r}, we take it as {translated.pattern!r}") from refused
    try:
        translate(octets, nocase)
    except Invalid as wrong:
        raise AssertionError(f"{octets!r}: we say {wrong.reason!r} at {wrong.offset}, PCRE2 takes it") from wrong
    except Untranslatable:
        return


@SETTINGS
@given(st.data(), patterns, st.booleans())
@example(None, "^(/[^/]+)*$", False)
def test_unguarded_is_fast(data: st.DataObject | None, written: str, nocase: bool) -> None:
    """What `re` runs takes time in proportion to the subject's length, even when it goes back and remembers nothing."""
    octets = written.encode("latin-1")
    try:
        pattern = translate(octets, nocase)
    except Untranslatable:
        assume(False)
        raise
    assume(not pattern.guarded)
    tree = parse(written, nocase).tree
    piece = b"/a" if data is None else data.draw(subjects(tree))
    tail = b"!" if data is None else data.draw(st.sampled_from([b"", b"!", b"\n", b"a", b"/", b"\0"]))
    assume(piece)
    forgets = Machine(pattern.pattern, remembers=False)
    forgets.search(piece * (200 // len(piece) + 1) + tail)
    some = forgets.steps
    forgets.search(piece * (1600 // len(piece) + 1) + tail)
    assert forgets.steps < 20 * some + 20_000, (octets, piece, tail, pattern, some, forgets.steps)
