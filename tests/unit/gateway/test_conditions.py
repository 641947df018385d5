from perijove.gateway.conditions import All, Always, HasNote, both

ONE, OTHER = HasNote(b"one"), HasNote(b"other")


def test_what_always_holds_adds_nothing() -> None:
    assert both(Always(), OTHER) is OTHER
    assert both(ONE, Always()) is ONE
    assert both(Always(), Always()) == Always()


def test_both_hold() -> None:
    assert both(ONE, OTHER) == All((ONE, OTHER))
