from __future__ import annotations

import pytest

from perijove.config.apache.directives.rewrite_text import (
    CONTROLS,
    EVERYTHING,
    Around,
    Map,
    emulated,
    expand,
    read_table,
)
from perijove.config.apache.own_names import Names
from perijove.gateway.templates import (
    Call,
    Capture,
    Draw,
    Encoded,
    Fact,
    Function,
    Kept,
    Look,
    Note,
    RequestField,
    Template,
)

NAMES = Names((b"name",), (b"80",), (b"name",), b"/root")
AROUND = Around(
    NAMES, {"t": Map(None, ((b"k", b"v"),)), "low": Map(Function.LOWER), "r": Map(None, ((b"k", b"a|b"),), True)}, kept=True
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("plain", (b"plain",)),
        ("a$1b%2c", (b"a", Capture(1), b"b", Kept(2), b"c")),
        ("$10", (Capture(1), b"0")),
        (r"\$1\%2\\x", (b"$1%2\\x",)),
        ("end\\", (b"end\\",)),
        ("$x%y$", (b"$x%y$",)),
        ("%{REQUEST_URI", (b"%{REQUEST_URI",)),
        ("${t}", (b"${t}",)),
        ("%{request_uri}", (Fact.PATH,)),
        ("%{HTTP:X-A}%{HTTP_HOST}", (RequestField(b"x-a"), RequestField(b"host"))),
        ("%{HTTP_UPGRADE}%{NONSENSE}%{X}%{HTTP:}", ()),
        ("%{ENV:a}", (Note(b"a"),)),
        ("%{ENV:SCRIPT_URL}", (Fact.PATH,)),
        ("%{SERVER_NAME}:%{SERVER_PORT}%{DOCUMENT_ROOT}", (b"name:80/root",)),
        ("%{SSL:HTTPS}%{SSL:SSL_PROTOCOL}%{SSL:SSL_SERVER_S_DN}", (Fact.HTTPS, Fact.TLS_PROTOCOL)),
        ("%{REMOTE_USER}%{LA-U:REMOTE_USER}", ()),
        ("${t:$1|no}", (Look(((b"k", b"v"),), (Capture(1),), (b"no",)),)),
        ("${t:${low:%1}}", (Look(((b"k", b"v"),), (Call(Function.LOWER, (Kept(1),)),)),)),
        ("${none:$1|$2}", (Capture(2),)),
        ("${r:k}", (Draw(((b"k", (b"a", b"b")),), (b"k",)),)),
    ],
)
def test_expansion(text: str, found: Template) -> None:
    assert expand(text, AROUND) == found


def test_what_nothing_was_found_for_is_empty() -> None:
    assert expand("a$1%1", Around(NAMES, groups=False)) == (b"a",)


def test_captures_are_escaped_and_nothing_else() -> None:
    around = Around(NAMES, escaped=CONTROLS, plus=False)
    assert expand("$1%{QUERY_STRING}", around) == (Encoded((Capture(1),), CONTROLS), Fact.QUERY)
    assert not {b"a"[0], b"_"[0], b"7"[0]} & set(EVERYTHING)
    assert {b"/"[0], b" "[0], 0xE4, b"~"[0]} <= set(EVERYTHING)


def test_sections_know_the_user() -> None:
    assert expand("%{REMOTE_USER}", Around(NAMES, section=True)) == (Fact.USER,)


def test_what_is_not_emulated() -> None:
    assert emulated("HTTPS")
    assert emulated("SSL:https")
    assert not emulated("SSL:SSL_CLIENT_S_DN")


def test_tables() -> None:
    text = b"# c\nalpha one\nbeta   two  # trailing\n\ntwo a b c\n  indented x\nsp\tq\nvalueless\nalpha again\n"
    assert dict(read_table(text)) == {b"alpha": b"one", b"beta": b"two", b"two": b"a", b"sp": b"q"}
