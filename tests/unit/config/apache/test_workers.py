import random

import pytest

from perijove.config.apache.directives.mod_proxy import Pass
from perijove.config.apache.scope import Kind, Scope
from perijove.config.apache.targets import target_of
from perijove.config.apache.workers import Index, Worker, workers
from perijove.config.apache.workers import url_of as name
from perijove.gateway.conditions import Pattern
from perijove.text.source import Source, Span


def a_pass(line: int, url: str, wild: bool = False, **parameters: str) -> Pass:
    return Pass("/", target_of(url), Span(Source("a.conf", ""), line), Pattern(b".") if wild else None, parameters)


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
    target = target_of(url)
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


def test_the_index_finds_what_looking_at_each_worker_finds() -> None:
    chance = random.Random(1)
    pieces = ("", "/", "a", "b/", "$1", "$2$3", r"\.", ".", "?", "$x")

    def url() -> str:
        return f"http://{chance.choice(('up', 'up:8', 'up:80', 'u$1', ''))}" + "".join(chance.choices(pieces, k=4))

    for _ in range(200):
        known = [Worker(url(), {}, chance.random() < 0.5) for _ in range(12)]
        index = Index(known)
        for _ in range(20):
            asked = url()
            near, longer = index.near(asked), index.longer(asked)
            assert [one for one in near if one.begins(asked)] == [one for one in known if one.begins(asked)]
            may = [
                one
                for one in known
                if one.begins(asked)
                or one.name.startswith(asked)
                or (one.wild and asked.startswith(one.name.partition("$")[0]))
            ]
            assert [one for one in longer if one in may] == may


def test_of_thousands_only_a_few_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    begins = Worker.begins
    monkeypatch.setattr(Worker, "begins", lambda self, url: looks.append(url) or begins(self, url))
    found = workers([server(*(a_pass(number, f"http://up/{number:04}/") for number in range(1, 2001)))])
    assert len(found) == 2000
    assert len(looks) < 2000
