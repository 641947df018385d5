import pytest

from perijove.config.apache.macro import Macro, MacroError, arguments, body, head
from perijove.config.apache.words import Logical, logical
from perijove.text.source import Source


def line(text: str) -> Logical:
    return logical(Source("x", text), 1, text)


@pytest.mark.parametrize(
    ("parameters", "text", "said", "expected"),
    [
        (("$a",), "X $a$a y", ("1",), "X 11 y"),
        (("$a", "$ab"), "X $ab $a", ("1", "2"), "X 2 1"),
        (("@a",), "X @a", ('say "x\\y"',), 'X "say \\"x\\\\y\\""'),
        (("$a", "$b"), "$a", ("$b", "2"), "$b"),
        (("$a",), "X", ("1",), "X"),
        (("$a",), "$a", ("",), ""),
    ],
)
def test_fill(parameters: tuple[str, ...], text: str, said: tuple[str, ...], expected: str) -> None:
    (filled,) = Macro("m", parameters, (line(text),), "here").fill(said)
    assert filled.text == expected
    assert filled.span().line == 1


def test_wrong_number() -> None:
    with pytest.raises(MacroError, match=r"macro 'm' \(here\) used with 1 arguments instead of 0"):
        Macro("m", (), (), "here").fill(("1",))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (">", "<Macro macro definition: empty name"),
        (' "">', "<Macro macro definition: name not found"),
        ("a", "<Macro> directive missing closing '>'"),
        ('a "">', "macro 'a' (here): empty argument #1 name"),
        ("a $x $x>", "argument name conflict in macro 'a' (here): argument '$x': #1 and #2, change argument names!"),
    ],
)
def test_bad_head(args: str, message: str) -> None:
    with pytest.raises(MacroError) as raised:
        head(args, "here")
    assert str(raised.value) == message


def test_head() -> None:
    assert head("Hub $a $b> x", "here") == ("hub", ("$a", "$b"))
    assert arguments('a "" "b c"') == ("a", "", "b c")


def test_body() -> None:
    lines = iter(map(line, ["A", "# c", "<Macro x>", "</Macro>", "</MACRO>", "B"]))
    assert [one.text for one in body(lambda: next(lines, None), "m", "here")] == ["A", "<Macro x>", "</Macro>"]
    with pytest.raises(MacroError, match="expected token not found: </Macro>"):
        body(lambda: None, "m", "here")
