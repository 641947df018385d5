from perijove.text.diagnostic import Diagnostic, Severity, has_errors, render
from perijove.text.source import Source, Span

SOURCE = Source("a.toml", 'listen = ":80"\n\tto = "x"\n')
FAULT = Diagnostic(
    name="bad-value",
    severity=Severity.ERROR,
    message="`to`: the scheme is missing",
    where=Span(SOURCE, 2, 7, 3),
    help="write `http://x`",
)


def test_render() -> None:
    assert render(FAULT) == (
        "error: `to`: the scheme is missing [bad-value]\n"
        "  --> a.toml:2:7\n"
        "   |\n"
        ' 2 | \tto = "x"\n'
        "   | \t     ^^^\n"
        "  = help: write `http://x`"
    )


def test_render_without_a_place() -> None:
    assert render(Diagnostic(name="n", severity=Severity.WARNING, message="m")) == "warning: m [n]"


def test_colour_is_only_added() -> None:
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", render(FAULT, colour=True)) == render(FAULT)
    assert "\x1b" in render(FAULT, colour=True)


def test_json() -> None:
    assert FAULT.as_json() == {
        "name": "bad-value",
        "severity": "error",
        "confidence": "high",
        "message": "`to`: the scheme is missing",
        "path": "a.toml",
        "line": 2,
        "column": 7,
        "sees": None,
        "help": "write `http://x`",
        "fix": None,
    }


def test_has_errors() -> None:
    assert has_errors([FAULT])
    assert not has_errors([Diagnostic(name="n", severity=Severity.WARNING, message="m")])
