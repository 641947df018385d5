import pytest

from perijove.config.apache.directives.mod_proxy import Pass, url_of
from perijove.config.apache.scope import Kind, Scope
from perijove.config.apache.workers import Worker, workers
from perijove.config.apache.workers import url_of as name
from perijove.gateway.conditions import Pattern
from perijove.text.source import Source, Span


def a_pass(line: int, url: str, wild: bool = False, **parameters: str) -> Pass:
    return Pass("/", url_of(url), Span(Source("a.conf", ""), line), Pattern(b".") if wild else None, parameters)


def server(*passes: Pass) -> Scope:
    return Scope(Kind.SERVER, frozenset(), None, said={"proxy-pass": list(passes)})


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("HTTP://Up.Test:80/A", "http://up.test/A"),
        ("http://up.test:8000", "http://up.test:8000"),
        ("https://up.test:443/", "https://up.test/"),
    ],
)
def test_names(url: str, says: str) -> None:
    target = url_of(url)
    assert target is not None
    assert name(target) == says


def test_a_url_that_begins_as_a_worker_shares_it() -> None:
    found = workers([server(a_pass(1, "http://up/", upgrade="websocket"), a_pass(2, "http://up/x/"))])
    assert [(one.name, dict(one.parameters)) for one in found] == [("http://up/", {"upgrade": "websocket"})]


def test_the_longest_name_is_first_and_sections_stand_where_they_stand() -> None:
    scope = server(a_pass(3, "http://up/"))
    scope.sections.append(Scope(Kind.LOCATION, frozenset(), None, said={"proxy-pass": [a_pass(2, "http://up/x/")]}))
    assert [one.name for one in workers([scope])] == ["http://up/x/", "http://up/"]
    scope.sections[0].said["proxy-pass"] = [a_pass(4, "http://up/x/")]
    assert [one.name for one in workers([scope])] == ["http://up/"]


def test_a_pattern_has_a_worker_of_its_own() -> None:
    found = workers([server(a_pass(1, "http://up/"), a_pass(2, "http://up/$1/x", wild=True))])
    assert [(one.name, one.wild) for one in found] == [("http://up/$1/x", True), ("http://up/", False)]


@pytest.mark.parametrize(
    ("worker", "url", "begins"),
    [
        (Worker("http://up/a", {}), "http://up/ab", True),
        (Worker("http://up/a", {}), "http://up/b", False),
        (Worker("http://up/$1/x", {}, True), "http://up/y/z/xx", True),
        (Worker("http://up/$1/x", {}, True), "http://up/y", False),
        (Worker("http://up/$1", {}, True), "http://up/xy", True),
        (Worker("http://up/$1", {}, True), "http://up/", False),  # it is shorter
        (Worker("http://up/", {}), "http://up", True),  # it gets a path
        (Worker("http://up/", {}), "http://up?x", True),
        (Worker("http://up/", {}), "http://upper/", False),
    ],
)
def test_which_urls_are_a_workers(worker: Worker, url: str, begins: bool) -> None:
    assert worker.begins(url) is begins
