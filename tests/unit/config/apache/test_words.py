import pytest
from hypothesis import given
from hypothesis import strategies as st

from perijove.config.apache.words import Logical, fold, logical, physical, rewrite_words, word
from perijove.text.source import Source


def lines(text: str) -> list[Logical]:
    source = Source("hub.conf", text)
    return [logical(source, number, raw) for number, raw in physical(text)]


def cut(text: str) -> list[str]:
    said, at = [], 0
    while at < len(text):
        one, begin, _, at = word(text, at)
        if begin < len(text):
            said.append(one)
    return said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  a  \n", ["a"]),
        ("a\r\nb", ["a", "b"]),
        ("a\\\n b\nc", ["a b", "c"]),
        ("a\\\r\nb\n", ["ab"]),
        ("# a\\\nb\nc", ["# ab", "c"]),
        ("a\\", ["a\\"]),
        ("a\\\n", ["a"]),
        ("a\\\\\nb", ["a\\b"]),
        ("a \\ \nb", ["a \\", "b"]),
        ("a\0b\nc", ["a", "c"]),
        ("a\\\0\nc", ["a\\", "c"]),
        ("\v a\f\n", ["a"]),
        ("\xa0a\x85\n", ["\xa0a\x85"]),
        ("a\x1cb\u2028c", ["a\x1cb\u2028c"]),
    ],
)
def test_lines(text: str, expected: list[str]) -> None:
    assert [one.text for one in lines(text)] == expected


def test_places_over_continued_lines() -> None:
    (line,) = lines('  ProxyPass /a\\\n    "http://b c" \\\n x\n')
    places = []
    at = 0
    while at < len(line.text):
        said, begin, end, at = word(line.text, at)
        span = line.span(begin, end)
        places.append((said, span.line, span.column, span.size))
    assert places == [("ProxyPass", 1, 3, 9), ("/a", 1, 13, 2), ("http://b c", 2, 5, 12), ("x", 3, 2, 1)]
    assert (line.span().line, line.span().column, line.span().size) == (1, 3, 12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", ["a", "b"]),
        ('"a b" c', ["a b", "c"]),
        ("'a \"b' c", ['a "b', "c"]),
        ('"a\\"b" c', ['a"b', "c"]),
        ('"a\\\\" c', ["a\\", "c"]),
        ('"a\\n" c', ["a\\n", "c"]),
        ("a\\\\b\\c", ["a\\b\\c"]),
        ('a"b c', ['a"b', "c"]),
        ('"a"b', ["a", "b"]),
        ('"open c', ["open c"]),
        ('"open\\', ["open\\"]),
        ('"" b', ["", "b"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", []),
        ("a b", ["a", "b"]),
        ("a b [L] # x", ["a", "b", "[L]"]),
        ("a\\ b c", ["a\\ b", "c"]),
        ('"a b" \'c d\' "[L]"', ["a b", "c d", "[L]"]),
        ('"a"', ["a", ""]),
        ('"a\\"b', ["a\\", "b"]),
        ("", []),
    ],
)
def test_words_of_mod_rewrite(text: str, expected: list[str]) -> None:
    assert [said for said, _, _ in rewrite_words(text, 0)] == expected


def test_only_ascii_has_cases() -> None:
    assert fold("KeepAlive") == "keepalive"
    assert fold("\u212aeepAlive") == "\u212aeepalive"


@given(st.text(alphabet="a\\ \n\r\0\"'#<>$\v\xa0", max_size=60))
def test_any_text(text: str) -> None:
    assert "".join(raw for _, raw in physical(text)) == text
    for line in lines(text):
        line.span()
        for said, begin, end in rewrite_words(line.text, 0):
            assert line.span(begin, end).size >= 1
            assert len(said) <= end - begin
        assert cut(line.text) is not None
