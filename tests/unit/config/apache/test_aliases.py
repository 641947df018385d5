from perijove.config.apache.aliases import redirect
from perijove.config.apache.directives.mod_alias import Redirecting
from perijove.config.apache.flow import Flow
from perijove.gateway.conditions import Always, Pattern
from perijove.gateway.rules import Redirect, Refuse
from perijove.gateway.templates import Template, Variable
from perijove.text.source import Source, Span

SPAN = Span(Source("a.conf", "x"), 1, 1)
ORIGIN: Template = (b"http://", Variable.HOST)


def made(one: Redirecting) -> list[object]:
    flow = Flow()
    redirect(flow, one, Always(), ORIGIN)
    return [rule.do for rule in flow.rules()]


def test_a_query_is_added_unless_there_is_one() -> None:
    (plain,) = made(Redirecting(301, "/a", None, "https://h.test/", SPAN))
    (query,) = made(Redirecting(301, "/a", None, "https://h.test/?x", SPAN))
    assert isinstance(plain, Redirect)
    assert isinstance(query, Redirect)
    assert plain.location[-1] is Variable.SEARCH
    assert query.location[-1] is not Variable.SEARCH


def test_a_path_is_one_of_the_server() -> None:
    (found,) = made(Redirecting(302, "/a", None, "/b", SPAN))
    assert isinstance(found, Redirect)
    assert found.location[:2] == ORIGIN


def test_what_is_gone_leads_nowhere() -> None:
    assert made(Redirecting(410, "/a", None, "", SPAN)) == [Refuse(410)]


def test_what_a_pattern_found_may_bring_a_query() -> None:
    _, with_query, without = made(Redirecting(302, "", Pattern(b"^/(.*)"), "/b/$1", SPAN))
    assert isinstance(with_query, Redirect)
    assert isinstance(without, Redirect)
    assert Variable.SEARCH not in with_query.location
    assert without.location[-1] is Variable.SEARCH
