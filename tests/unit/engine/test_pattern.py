"""Who runs which pattern."""

from __future__ import annotations

import pytest

from perijove.engine.pattern import Pattern


@pytest.mark.parametrize("guarded", [False, True])
def test_search(guarded: bool) -> None:
    """Both runners answer alike."""
    pattern = Pattern(rb"(?s)/(user/([^/]*))(/x)?", guarded)
    assert pattern.groups == 3
    assert (pattern.machine is not None) is guarded
    found = pattern.search(b"a/user/bob/lab")
    assert found is not None
    assert [found.group(number) for number in range(4)] == [b"/user/bob", b"user/bob", b"bob", None]
    assert found.group() == found.group(0)
    assert (found.start(), found.end(), found.span(2), found.start(3)) == (1, 10, (7, 10), -1)
    assert pattern.search(b"/hub") is None


def test_unguarded_is_re_itself() -> None:
    """Nothing stands between."""
    assert type(Pattern(b"a").search.__self__).__name__ == "Pattern"  # type: ignore[attr-defined]
    assert type(Pattern(b"a").search(b"a")).__module__ == "re"
