"""Which route a request takes, and what of its path is forwarded."""

from __future__ import annotations

import json

import pytest
from tests.contract.conftest import Start
from tests.contract.differences import expected
from tests.contract.parts import Proxy, report
from tests.server.parts import Answer, Origin


def name(got: Answer) -> object:
    """Which server answered, else the status."""
    return json.loads(got.content)["name"] if got.status == 200 else got.status


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("", "one"),
        ("/", "one"),
        ("/x", "one"),
        ("/bx", "one"),
        ("/b", "two"),
        ("/b/", "two"),
        ("/b/x/y?z=/", "two"),
        ("/b?x=1", "two"),
        ("/B", "one"),
        ("/b%2Fx", "two"),
        ("%2Fb/x", "two"),
        ("/%62/x", "two"),
        ("/b;x", "one"),
        ("/b%3Fx", "one"),
        ("/b/c/d", "two"),
        ("x", 404),
        ("x/b", 404),
    ],
)
def test_longest_prefix_by_segment(proxy: Proxy, base: str, one: Origin, two: Origin, path: str, taken: object) -> None:
    proxy.add(base, one.url)
    proxy.add(f"{base}/b", two.url)
    proxy.add(f"{base}/b/c/d/e", one.url)
    got = proxy.ask(base + path)
    assert name(got) == taken
    if got.status == 200:
        assert report(got).target == base + path  # as it came


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("/has%20space", "/has%20space/x"),
        ("/@", "/%40/x"),
        ("/%40", "/@/x"),
        ("/~x", "/%7Ex/y"),
        ("/%C3%BC", "/%c3%bc/x"),
        ("/%E2%82%AC", "/%E2%82%AC"),
        ("/a%2Fb", "/a/b"),
        ("/a/b", "/a%2Fb/c"),
        ("/a%25b", "/a%25b"),
        ("/a%2520b", "/a%2520b"),
        ("/%5B%22%5D", "/%5B%22%5D/x?%zz"),
        ("/a+b", "/a+b"),
        ("/a%2Bb", "/a+b"),
    ],
)
def test_on_the_decoded_path(proxy: Proxy, base: str, one: Origin, route: str, path: str) -> None:
    proxy.add(base + route, one.url)
    assert report(proxy.ask(base + path)).target == base + path
    proxy.delete(base + route)
    assert proxy.ask(base + path).status == 404


@pytest.mark.parametrize("path", ["/a%20b", "/a%2520c"])
def test_decoded_once(proxy: Proxy, base: str, one: Origin, path: str) -> None:
    proxy.add(f"{base}/a%2520b", one.url)
    assert proxy.ask(base + path).status == 404


@pytest.mark.parametrize("path", ["/%ff", "/x/%c3/y"])
def test_not_utf_8(proxy: Proxy, base: str, one: Origin, path: str) -> None:
    proxy.add(base, one.url)
    assert proxy.ask(base + path).status == expected(proxy.kind, "path-not-utf-8")


@pytest.mark.parametrize("path", ["/%zz", "/%", "/x/%f", "/%%20"])
def test_malformed_percent(proxy: Proxy, base: str, one: Origin, path: str) -> None:
    proxy.add(base, one.url)
    assert proxy.ask(base + path).status == expected(proxy.kind, "path-malformed-percent")


@pytest.mark.parametrize("path", ["/toString", "/__proto__/x", "/constructor"])
def test_names_that_mean_something_to_the_program(proxy: Proxy, path: str) -> None:
    assert proxy.ask(path).status == expected(proxy.kind, "path-property-of-an-object")


@pytest.mark.parametrize("path", ["/x/../b", "/./b", "/x/%2e%2E/b", "/x/..%2Fb"])
def test_dot_segments(proxy: Proxy, base: str, one: Origin, two: Origin, path: str) -> None:
    """All readings lead to one route, or there is no saying whose it is."""
    proxy.add(base, one.url)
    got = report(proxy.ask(base + path))
    assert (got.target == base + path) == (expected(proxy.kind, "path-dot-segments-are-kept") or "2F" in path)
    proxy.add(f"{base}/x", two.url)
    if "x" in path and "2F" not in path:
        got = proxy.ask(base + path)
        assert got.status == expected(proxy.kind, "path-dot-segments-between-routes")
        assert got.status != 200 or name(got) == "one"


def test_leading_slashes(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    assert proxy.ask(f"//host{base}/x").status == expected(proxy.kind, "path-leading-slashes")


def test_backslash(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(f"{base}/a/b", one.url)
    assert proxy.ask(f"{base}/a\\b").status == expected(proxy.kind, "path-backslash")


def test_slashes_in_the_middle(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(f"{base}/a/b", one.url)
    assert proxy.ask(f"{base}/a//b").status == expected(proxy.kind, "path-empty-segments")
    assert report(proxy.ask(f"{base}/a/b//c")).target == f"{base}/a/b//c"


def test_absolute_form(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    assert report(proxy.ask(f"http://hub.example{base}/x?y=1")).target == f"{base}/x?y=1"


def test_default_target(start: Start, one: Origin, two: Origin) -> None:
    proxy = start("--default-target", one.url)
    assert set(proxy.routes()) == {"/"}
    assert set(proxy.routes()["/"]) == {"target", "last_activity"}
    proxy.add("/a", two.url)
    assert [name(proxy.ask(path)) for path in ("/", "/x", "/a/x", "/ax")] == ["one", "one", "two", "one"]
    proxy.add("/", two.url)  # it can be replaced, and deleted
    assert name(proxy.ask("/x")) == "two"
    assert proxy.delete("/") == 204
    assert name(proxy.ask("/x")) == 404


# ------------------------------------------------------------------ paths of targets


@pytest.mark.parametrize(
    ("target", "asked", "arrives"),
    [
        ("", "/x", "{base}/x"),
        ("/", "/x", "{base}/x"),
        ("/sub", "/x", "/sub{base}/x"),
        ("/sub/", "/x?y=1", "/sub{base}/x?y=1"),
        ("/sub/deep%20er", "", "/sub/deep%20er{base}"),
    ],
)
def test_target_with_a_path(proxy: Proxy, base: str, one: Origin, target: str, asked: str, arrives: str) -> None:
    proxy.add(base, one.url + target)
    assert report(proxy.ask(base + asked)).target == arrives.replace("{base}", base)


def test_target_with_a_query(proxy: Proxy, base: str, one: Origin) -> None:
    got = proxy.api("POST", base, {"target": f"{one.url}/sub?own=1"})
    assert got.status == expected(proxy.kind, "target-with-a-query")


@pytest.mark.parametrize("target", ["", "/", "/sub", "/sub/"])
def test_no_prepend_path(proxy_with: Start, base: str, one: Origin, target: str) -> None:
    proxy = proxy_with("--no-prepend-path")
    proxy.add(base, one.url + target)
    assert report(proxy.ask(f"{base}/x?y=1")).target == f"{base}/x?y=1"


@pytest.mark.parametrize(
    ("target", "asked", "arrives"),
    [
        ("", "", "/"),
        ("", "/", "/"),
        ("", "/x", "/x"),
        ("", "/x/?y=1", "/x/?y=1"),
        ("", "?y=1", "/?y=1"),
        ("/sub", "/x", "/sub/x"),
        ("/sub/", "/x", "/sub/x"),
        ("/sub", "", "/sub"),
        ("/sub", "?y=1", "/sub?y=1"),
        ("", "/x%2Fy%20z", "/x%2Fy%20z"),
    ],
)
def test_no_include_prefix(proxy_with: Start, base: str, one: Origin, target: str, asked: str, arrives: str) -> None:
    proxy = proxy_with("--no-include-prefix")
    proxy.add(base, one.url + target)
    assert report(proxy.ask(base + asked)).target == arrives


def test_no_include_prefix_at_the_root(proxy_with: Start, one: Origin) -> None:
    proxy = proxy_with("--no-include-prefix")
    proxy.add("/", one.url)
    assert report(proxy.ask("/x?y=1")).target == "/x?y=1"
    proxy.delete("/")


def test_no_include_prefix_that_is_escaped(proxy_with: Start, one: Origin) -> None:
    proxy = proxy_with("--no-include-prefix")
    proxy.add("/escaped/a%20b", one.url)
    assert report(proxy.ask("/escaped/a%20b/x")).target == expected(proxy.kind, "prefix-cut-when-escaped")


def test_neither(proxy_with: Start, base: str, one: Origin) -> None:
    proxy = proxy_with("--no-include-prefix", "--no-prepend-path")
    proxy.add(base, one.url + "/sub")
    assert report(proxy.ask(f"{base}/x")).target == "/x"


# ------------------------------------------------------------------ hosts


def host(proxy: Proxy, value: str, target: str = "/x") -> Answer:
    return proxy.raw(f"GET {target} HTTP/1.1\r\nHost: {value}\r\n\r\n".encode())


def test_host_routing(proxy_with: Start, one: Origin, two: Origin) -> None:
    proxy = proxy_with("--host-routing")
    proxy.add("/one.example", one.url)
    proxy.add("/one.example/deep/er", two.url)
    proxy.add("/two.example/", two.url)
    assert name(host(proxy, "one.example")) == "one"
    assert name(host(proxy, "one.example:8443")) == "one"
    assert name(host(proxy, "one.example", "/deep/er/x")) == "two"
    assert name(host(proxy, "one.example", "/deep/x")) == "one"
    assert name(host(proxy, "two.example", "/deep/x")) == "two"
    for other in ("three.example", "example", "x.one.example", "one.example.x"):
        assert name(host(proxy, other)) == 404
        assert name(host(proxy, other, "/one.example")) == 404
    assert report(host(proxy, "one.example", "/deep/er/x")).target == "/deep/er/x"  # the host is not in the path
    assert proxy.route("/one.example/deep/er")["host"] == "one.example"
    for path in ("/one.example", "/one.example/deep/er", "/two.example"):
        assert proxy.delete(path) == 204


def test_host_routing_root(proxy_with: Start, one: Origin, two: Origin) -> None:
    proxy = proxy_with("--host-routing")
    proxy.add("/", one.url)
    proxy.add("/two.example/a", two.url)
    assert name(host(proxy, "anything.example")) == "one"
    assert name(host(proxy, "two.example", "/b")) == "one"
    assert name(host(proxy, "two.example", "/a/b")) == "two"
    assert "host" not in proxy.routes()["/"]
    assert proxy.delete("/two.example/a") == proxy.delete("/") == 204


def test_host_routing_case(proxy_with: Start, one: Origin) -> None:
    proxy = proxy_with("--host-routing")
    proxy.add("/case.example", one.url)
    assert host(proxy, "Case.EXAMPLE").status == expected(proxy.kind, "host-case")
    proxy.delete("/case.example")


def test_host_routing_without_prefix(proxy_with: Start, one: Origin) -> None:
    proxy = proxy_with("--host-routing", "--no-include-prefix")
    proxy.add("/one.example/pre", one.url)
    assert report(host(proxy, "one.example", "/pre/and-something-longer")).target == expected(
        proxy.kind, "prefix-cut-with-hosts"
    )


def test_hosts_without_host_routing(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    assert {name(host(proxy, value, base)) for value in ("a", "b:1", "[::1]:8000")} == {"one"}
