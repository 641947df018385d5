import pytest
from hypothesis import given
from hypothesis import strategies as st

from perijove.config.apache import load
from perijove.config.apache.defines import Variables, envvars
from perijove.config.apache.words import Logical, logical, word
from perijove.text.source import Source


def line(text: str) -> Logical:
    return logical(Source("x", text), 1, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no variable", "no variable"),
        ("${a}", "A"),
        ("x${a}y${A}z", "xAyAz"),
        ("$${a}", "$A"),
        ("${a", "${a"),
        ("${${a}}", "${${a}}"),
        ("${n}", "${n}"),
        ("${ENV} ${env}", "of the process ${env}"),
        ("${twice}", "${a}"),
        ("${map:key}", "${map:key}"),
        ("${empty}x", "x"),
        ("$1 $a", "$1 $a"),
    ],
)
def test_replaced_once(text: str, expected: str) -> None:
    variables = Variables({"ENV": "of the process", "a": "not asked"})
    variables.define("a", "A")
    variables.define("twice", "${a}")
    variables.define("empty", "")
    assert variables.resolve(line(text))[0].text == expected


def test_undefined_ones_are_told() -> None:
    resolved, undefined = Variables().resolve(line("Listen ${port} ${map:x} ${b}"))
    assert [name for name, _, _ in undefined] == ["port", "b"]
    assert [resolved.span(start, end).column for _, start, end in undefined] == [8, 25]


def test_places() -> None:
    """What follows a variable is where it was written; what came of it, where the variable stands."""
    variables = Variables()
    variables.define("hub", "http://127.0.0.1:8000")
    resolved, _ = variables.resolve(line("ProxyPass  /a/${hub}/b x"))
    places, at = [], 0
    while at < len(resolved.text):
        said, begin, end, at = word(resolved.text, at)
        span = resolved.span(begin, end)
        places.append((said, span.column, span.size))
    assert places == [("ProxyPass", 1, 9), ("/a/http://127.0.0.1:8000/b", 12, 11), ("x", 24, 1)]


def test_undefine() -> None:
    variables = Variables()
    variables.define("Name", "x")
    variables.undefine("Name")
    assert variables.get("name") is None
    assert not variables.names


@given(st.text(alphabet="${}ab: \\\n"))
def test_any_text(text: str) -> None:
    variables = Variables({"a": "${b}", "b": "", "ab": "x y"})
    resolved, _ = variables.resolve(line(text))
    for start in range(len(resolved.text)):
        assert resolved.span(start, start + 1).size >= 1


DEBIAN = """# envvars
unset HOME
if [ "${APACHE_CONFDIR##/etc/apache2-}" != "${APACHE_CONFDIR}" ] ; then
	SUFFIX="-${APACHE_CONFDIR##/etc/apache2-}"
else
	SUFFIX=
fi
export APACHE_RUN_USER=www-data
export APACHE_LOG_DIR=/var/log/apache2$SUFFIX
export LANG=C
export LANG
. /etc/default/locale
QUOTED="a $LANG" # comment
SINGLE='$LANG'
SHELL_NEEDED=$(hostname)
HOME_OF=${HOME}/x
"""


def test_envvars() -> None:
    values = envvars(DEBIAN, "/etc/apache2", {"HOME": "/root"})
    assert values["APACHE_RUN_USER"] == "www-data"
    assert values["APACHE_LOG_DIR"] == "/var/log/apache2"
    assert values["SINGLE"] == "$LANG"
    assert values["HOME_OF"] == "/root/x"
    assert "SHELL_NEEDED" not in values


def test_envvars_of_another_instance() -> None:
    assert envvars(DEBIAN, "/etc/apache2-hub", {})["APACHE_LOG_DIR"] == "/var/log/apache2-hub"


def test_what_doubles_from_line_to_line_comes_to_an_end() -> None:
    text = "Define X a\n" + "Define X ${X}${X}\n" * 60
    assert load(Source("hub.conf", text)).diagnostics


def test_variables_that_double_line_after_line_come_to_an_end() -> None:
    variables = Variables({}, set(), {"a": "x" * 60_000})
    sizes = [len(variables.resolve(line("${A}"))[0].text) for _ in range(100)]
    assert sizes[0] == 60_000
    assert sizes[-1] == 4
