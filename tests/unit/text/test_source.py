from perijove.text.source import Source, Span


def test_lines_are_counted_from_one() -> None:
    source = Source("a.toml", "one\ntwo")
    assert [source.line(number) for number in (0, 1, 2, 3)] == ["", "one", "two", ""]


def test_a_span_reads_as_editors_take_it() -> None:
    assert str(Span(Source("a.toml", ""), 3, 7)) == "a.toml:3:7"
