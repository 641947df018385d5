"""No two requests have one id."""

from perijove.engine.ids import fresh


def test_ids_differ() -> None:
    assert len({fresh() for _ in range(1000)}) == 1000


def test_an_id_can_stand_in_a_field() -> None:
    assert fresh().replace(b"-", b"").isalnum()
