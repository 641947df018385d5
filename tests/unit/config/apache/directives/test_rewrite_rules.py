from __future__ import annotations

from typing import Any

import pytest
from tests.unit.config.apache.directives.rewriting import configured

from perijove.config.apache.directives.rewrite_rules import walks
from perijove.config.apache.directives.rewrite_syntax import rule
from perijove.gateway.actions import Setting
from perijove.routing.conditions import SETTINGS
from perijove.text.source import Source, Span

SPAN = Span(Source("x.conf", "x"), 1)
UPGRADES = SETTINGS[Setting.UPGRADES]


def ask(rules: str, target: str, modules: str = "proxy rewrite", **request: Any) -> dict[str, Any]:
    server = configured(f"RewriteEngine On\n{rules}\nProxyPass / http://up:1/\n", frozenset(modules.split()))
    assert not server.faults
    answer = server.ask({"target": target, **request})
    assert answer is not None
    return answer


def test_upstreams_that_are_written_are_known_beforehand() -> None:
    seen = ask("RewriteRule ^/(.*) http://hub:8000/x/$1 [P]", "/a%20b?c")
    assert (seen["upstream"], seen["target"]) == ("http://hub:8000", b"/x/a%20b?c")


def test_an_authority_that_goes_on_with_a_capture() -> None:
    rules = "RewriteRule ^/~(.*)$ http://hub:80$1 [P]\nRewriteRule ^(.*)$ http://hub:8000$1 [P]"
    seen = ask(rules, "/a")
    assert (seen["upstream"], seen["target"]) == ("http://hub:8000", b"/a")
    seen = ask(rules, "/~99/a")
    assert (seen["upstream"], seen["target"]) == ("http://hub:8099", b"/a")
    assert ask(rules, "/~99999/a")["status"] == 400  # no such port


def test_websockets_are_passed_on_to_ws_and_to_nothing_else() -> None:
    rules = "RewriteCond %{HTTP:Upgrade} websocket [NC]\nRewriteRule /(.*) ws://hub:8000/$1 [P,L]"
    assert ask(rules, "/x", websocket=True)["settings"][UPGRADES] == b"*"
    assert ask(rules, "/x")["settings"][UPGRADES] == b""
    rules = "RewriteRule ^/(ws|http)/(.*) $1://hub:8000/$2 [P]"
    assert ask(rules, "/ws/x")["settings"][UPGRADES] == b"*"
    assert ask(rules, "/http/x")["settings"][UPGRADES] == b""


def test_nothing_is_forwarded_without_mod_proxy() -> None:
    assert ask("RewriteRule ^/ http://hub:8000/ [P]", "/x", "rewrite")["status"] == 403


@pytest.mark.parametrize(
    ("rule", "rounds"),
    [("^ - [N]", 9_999), ("^ - [N=5]", 4), ("^(.*)$ $1 [N=2]", 1), ("^(.*)$ $1$1 [N]", 8), ("^(/.*)$ $1/ [N]", 9_999)],
)
def test_what_never_ends_is_refused(rule: str, rounds: int) -> None:
    seen = ask(f"RewriteRule {rule}", "/" + 100 * "x")
    assert seen["status"] == 500
    assert seen["state"].counts[b"server"] <= rounds
    assert len(seen["state"].held) <= 16_380


def test_sections_that_send_a_request_round_and_round() -> None:
    rules = "<Location /a>\nRewriteRule ^ /b\n</Location>\n<Location /b>\nRewriteRule ^ /a\n</Location>"
    seen = ask(rules, "/a")
    assert seen["status"] == 500
    assert seen["state"].counts[b"redirects"] == 11


def test_nobody_writes_fields_by_way_of_a_redirect() -> None:
    rules = "RewriteRule ^/(.*)$ http://o.example/$1 [R,NE,L]"
    assert ask(rules, "/a%0d%0aSet-Cookie:%20x=1")["status"] == 500
    assert ask(rules, "/a%0d%0aSet-Cookie:%20x=1")["location"] == b""


def test_nobody_writes_request_lines_by_way_of_a_capture() -> None:
    split = "/a%20HTTP/1.1%0d%0aHost:%20x"
    assert ask("RewriteRule ^/(.*)$ http://hub:8000/$1 [P,NE]", split)["status"] == 403
    assert ask("RewriteRule ^/(.*)$ http://hub:8000/?$1 [P]", split)["status"] == 403
    assert ask("RewriteRule ^/(.*)$ /?$1 [PT]", split)["status"] == 403


def test_a_question_mark_of_a_capture_begins_no_query() -> None:
    assert ask("RewriteRule ^/(.*)$ http://hub:8000/$1 [P]", "/a%3Fadmin=1")["status"] == 403
    seen = ask("RewriteRule ^/(.*)$ http://hub:8000/$1 [P,UnsafeAllow3F]", "/a%3Fadmin=1")
    assert seen["target"] == b"/a?admin=1"


def test_a_request_cannot_name_a_host_where_a_path_was_meant() -> None:
    seen = ask("RewriteRule ^/go/(.*)$ $1 [PT]", "/go/proxy:http://evil/")
    assert (seen["upstream"], seen["target"]) == ("http://up:1", b"/proxy:http:/evil/")


def test_variables_of_a_rule_are_there_for_others() -> None:
    notes = ask("RewriteRule ^/(.*)$ - [E=A:$1,E=B:x:y,E=C]\nRewriteRule ^ - [E=!C]", "/v")["state"].notes
    assert {name: value for name, value in notes.items() if name[:1] != b"\0"} == {b"a": b"v", b"b": b"x:y"}


def test_whether_it_matters_where_a_files_name_ends() -> None:
    assert walks([rule("^x y [DPI]", SPAN, ())])
    assert walks([rule("^x http://h/%{REQUEST_FILENAME} [P]", SPAN, ())])
    assert not walks([rule("^x http://h/$1 [P]", SPAN, ()), rule("^y - [F]", SPAN, ())])
