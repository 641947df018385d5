from __future__ import annotations

from perijove.config.apache.parts import parts
from perijove.gateway.conditions import All, HasNote, Not, NotEmpty
from perijove.gateway.templates import Fact, Note


def test_all_that_something_consists_of() -> None:
    whole = All((HasNote(b"a"), Not(NotEmpty((Fact.USER, b"x", Note(b"b"))))))
    found = list(parts(whole))
    assert found[0] is whole
    assert Fact.USER in found
    assert [one.name for one in found if isinstance(one, HasNote | Note)] == [b"a", b"b"]
