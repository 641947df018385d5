import pytest
from hypothesis import given
from hypothesis import strategies as st

from perijove.config.apache.document import Block, Kind, Line, parse
from perijove.text.source import Source

TEXT = """# A hub
<VirtualHost *:443>
    ServerName hub.example.org

    <Location "/jupyter/">   # not a comment
        ProxyPass http://127.0.0.1:8000/ \\
            upgrade=websocket
    </Location>
</VirtualHost>
"""


def test_tree() -> None:
    comment, host = parse(Source("hub.conf", TEXT)).nodes
    assert isinstance(comment, Line)
    assert comment.kind is Kind.COMMENT
    assert isinstance(host, Block)
    assert host.opening.name == "VirtualHost"
    assert host.closing is not None
    assert str(host.closing) == "</VirtualHost>\n"
    name, blank, location = host.children
    assert isinstance(name, Line)
    assert (name.name, name.span.line, name.span.column) == ("ServerName", 3, 5)
    assert isinstance(blank, Line)
    assert blank.kind is Kind.BLANK
    assert blank.name == ""
    assert isinstance(location, Block)
    (target,) = location.children
    assert isinstance(target, Line)
    assert target.logical.text == "ProxyPass http://127.0.0.1:8000/             upgrade=websocket"


@pytest.mark.parametrize("text", ["</a>", "<a>", "<a>\n<b>\n</a>\n</b>\n", "<a>\n</A>", "<", "</", "<>\n</>", "<a>\n" * 3000])
def test_sections_that_do_not_nest(text: str) -> None:
    assert str(parse(Source("x", text))) == text


def test_part_of_a_document_is_printed() -> None:
    host = parse(Source("hub.conf", TEXT)).nodes[1]
    assert str(host) == TEXT.partition("\n")[2]


@given(st.text())
def test_any_text_is_printed_back(text: str) -> None:
    assert str(parse(Source("x", text))) == text


@given(st.lists(st.sampled_from(["<a>", "</a>", "<b c", "</b", "</b >", "#x\\", " \\", "A b\\", "", "\0", "\r"])))
def test_any_lines_are_printed_back(lines: list[str]) -> None:
    for end in ("\n", "\r\n"):
        document = parse(Source("x", end.join(lines)))
        assert str(document) == end.join(lines)
        assert "".join(map(str, document.lines)) == end.join(lines)
