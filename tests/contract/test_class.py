"""What a hub's proxy class promises the hub: the cases by which jupyterhub-traefik-proxy tests its own (tests/proxytest.py there).

The hub's class for configurable-http-proxy is asked, and perijove's; each speaks to a command that runs already.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Coroutine, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from jupyterhub.objects import Hub, Server
from jupyterhub.proxy import ConfigurableHTTPProxy
from jupyterhub.utils import url_escape_path, url_path_join
from tests.contract.conftest import Start
from tests.contract.parts import TOKEN, Proxy
from tests.server.parts import Origin

from perijove.jupyterhub.proxy import PerijoveProxy

PATHS = [
    "/",
    "/has%20space/foo/",
    "/missing-trailing/slash",
    "/has/@/",
    "/has/" + quote("üñîçø∂é"),
    "/~tilde/",
    "/" + quote("秀樹") + "/",
    "/plus%2Band%26and%3D/",
    "/percent%25/",
    "/user/a.b-c_d/name%20d/",
]
HOSTS = ["host.name/path/", "other.host/path/no/slash", "other.host/", "sub.other.host/" + quote("é") + "/"]


class Asked:
    """A proxy class, and the loop in which it is asked."""

    def __init__(self, proxy: Proxy, by_host: bool = False) -> None:
        self.proxy = proxy
        self._runner = asyncio.Runner()
        hub = Hub(ip="127.0.0.1", port=1, base_url="/hub/", routespec="/")
        kind = PerijoveProxy if proxy.kind == "perijove" else ConfigurableHTTPProxy
        api = f"http://127.0.0.1:{proxy.api_port}"
        self.made: Any = kind(should_start=False, api_url=api, auth_token=TOKEN, host_routing=by_host)
        self.made.app, self.made.hub = SimpleNamespace(hub=hub), hub

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def add(self, routespec: str, target: str, **data: object) -> None:
        self.do(self.made.add_route(routespec, target, copy.deepcopy(data)))

    def routes(self) -> dict[str, dict[str, Any]]:
        """Return all routes, without what changes from moment to moment."""
        found = self.do(self.made.get_all_routes())
        for one in found.values():
            one["data"].pop("last_activity")
            one["data"].pop("host", None)
        return found

    def close(self) -> None:
        """Have no route left, and end."""
        for routespec in self.routes():
            self.do(self.made.delete_route(routespec))
        assert self.routes() == {}
        self.end()

    def end(self) -> None:
        self._runner.close()


@pytest.fixture
def asked(proxy: Proxy) -> Iterator[Asked]:
    made = Asked(proxy)
    yield made
    made.close()


@pytest.fixture
def asked_by_host(proxy_with: Start) -> Iterator[Asked]:
    made = Asked(proxy_with("--host-routing"), by_host=True)
    yield made
    made.close()


def slashed(routespec: str) -> str:
    return routespec if routespec.endswith("/") else routespec + "/"


def goes_round(asked: Asked, routespec: str, one: Origin, path: str, host: str = "hub.example") -> None:
    """A route is added, asked for, used and removed."""
    asked.add(routespec, one.url, user="name", test="test1")
    expected = {"routespec": slashed(routespec), "target": one.url, "data": {"user": "name", "test": "test1"}}
    assert asked.routes() == {slashed(routespec): expected}
    found = asked.do(asked.made.get_route(routespec))
    assert found["routespec"], found["target"] == (slashed(routespec), one.url)
    for target in (path, slashed(path) + "something"):
        got = asked.proxy.raw(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert got.status == 200
        assert target.encode() in got.content  # as it was sent
    asked.do(asked.made.delete_route(routespec))
    assert asked.do(asked.made.get_route(routespec)) is None
    got = asked.proxy.raw(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert got.status == 404


@pytest.mark.parametrize("routespec", PATHS)
def test_add_get_delete(asked: Asked, one: Origin, routespec: str) -> None:
    goes_round(asked, routespec, one, routespec)


@pytest.mark.parametrize("routespec", HOSTS)
def test_add_get_delete_by_host(asked_by_host: Asked, one: Origin, routespec: str) -> None:
    host, _, path = routespec.partition("/")
    goes_round(asked_by_host, routespec, one, "/" + path, host)


def test_hosts_where_there_are_none_and_paths_where_there_must_be(asked: Asked, asked_by_host: Asked, one: Origin) -> None:
    for made, wrong in (asked, HOSTS), (asked_by_host, PATHS[1:]):
        for routespec in wrong:
            for work in (made.made.add_route(routespec, one.url, {}), made.made.delete_route(routespec)):
                with pytest.raises(ValueError):
                    made.do(work)
            with pytest.raises(ValueError):
                made.do(made.made.get_route(routespec))
        assert made.routes() == {}


def test_all_routes(asked: Asked) -> None:
    told = {"/proxy/path1": {"test": "test1"}, "/proxy/path2/": {}, "/proxy/path3/": {"test": "test2"}}
    for number, (routespec, data) in enumerate(told.items()):
        asked.add(routespec, f"http://127.0.0.1:{9000 + number}", **data)
    assert asked.routes() == {
        slashed(routespec): {"routespec": slashed(routespec), "target": f"http://127.0.0.1:{9000 + number}", "data": data}
        for number, (routespec, data) in enumerate(told.items())
    }


def test_data_is_kept_as_it_was_told(asked: Asked, one: Origin) -> None:
    data = {
        "user": "秀樹",
        "server_name": "",
        "none": None,
        "yes": True,
        "number": 1.5,
        "large": 2**53 - 1,
        "list": [1, {"a": []}, "x"],
        "nested": {"a": {"b": '\u0001\t"\\/'}},
        "": "nameless",
        "<script>": "</script>",
    }
    asked.add("/data/", one.url, **data)
    assert asked.routes()["/data/"]["data"] == data
    asked.add("/data/", one.url, user="other")  # in place of it, not merged
    assert asked.routes()["/data/"]["data"] == {"user": "other"}


def test_many_at_once(asked: Asked, one: Origin) -> None:
    """All are there when they are answered; what is left is exact, whatever order they came in."""
    made = asked.made
    names = [f"/many/user-{number}/" for number in range(200)]

    async def work() -> None:
        await asyncio.gather(*(made.add_route(name, one.url, {"user": name}) for name in names))
        await asyncio.gather(
            *(made.delete_route(name) for name in names[::2]),
            *(made.add_route(name, one.url, {"user": name, "again": True}) for name in names[1::4]),
            *(made.add_route(f"{name}named/", one.url, {"user": name}) for name in names[1::2]),
        )

    asked.do(work())
    routes = asked.routes()
    assert sorted(routes) == sorted([*names[1::2], *(f"{name}named/" for name in names[1::2])])
    assert {name for name, found in routes.items() if "again" in found["data"]} == set(names[1::4])
    for name in names[:8]:
        assert asked.proxy.ask(name).status == (404 if name in names[::2] else 200)


def test_again_and_elsewhere(asked: Asked, one: Origin, two: Origin) -> None:
    """A route that is added again leads to the last target; one that is not there may be removed."""
    for _ in range(5):
        for to, name in (one, b'"one"'), (two, b'"two"'):
            asked.add("/again/", to.url)
            assert asked.routes()["/again/"]["target"] == to.url
            assert name in asked.proxy.ask("/again/x").content
    for _ in range(2):
        asked.do(asked.made.delete_route("/again/"))
    assert asked.routes() == {}


def test_host_and_origin_arrive(asked: Asked, one: Origin) -> None:
    asked.add("/user/name/", one.url)
    got = asked.proxy.ask("/user/name/", fields=b"Origin: https://hub.example:8443\r\n")
    assert b"hub.example:8443" in got.content
    assert b"https://hub.example:8443" in got.content


@pytest.mark.parametrize("name", ["zoe", "50fia", "秀樹", "~TestJH", "has@", "a b", "x--1"])
def test_the_hub_finds_what_is_missing_and_what_is_too_much(asked: Asked, name: str) -> None:
    made = asked.made
    asked.do(made.check_routes({}, {}))
    assert sorted(asked.routes()) == ["/"]
    spec = url_path_join("/user", url_escape_path(name), "/")
    server = Server(ip="127.0.0.1", port=1025, base_url=spec)
    spawner = SimpleNamespace(name="", server=server, proxy_spec=spec, ready=True, pending=None, _log_name=name)
    users = {name: SimpleNamespace(name=name, proxy_spec=spec, spawners={"": spawner})}
    asked.do(made.add_user(users[name], ""))
    before = asked.routes()
    assert sorted(before) == ["/", spec]
    asked.do(made.check_routes(users, {}))
    assert asked.routes() == before
    asked.do(made.delete_user(users[name]))
    assert sorted(asked.routes()) == ["/"]
    asked.do(made.check_routes(users, {}))
    assert asked.routes() == before
    asked.add("/user/gone/", "http://127.0.0.1:1", user="gone")
    asked.do(made.check_routes(users, {}))
    assert asked.routes() == before


def test_a_restart(start: Start, kind: str, one: Origin, tmp_path: Path) -> None:
    """The hub's check brings back what a restart of the proxy has lost; perijove has lost nothing, where it is told to keep it."""
    options = ("--routes-file", str(tmp_path / "routes.json")) if kind == "perijove" else ()
    first = Asked(start(*options))
    first.do(first.made.check_routes({}, {}))
    first.add("/user/x%20y/", one.url, user="x y")
    before = first.routes()
    first.end()
    first.proxy.stop()
    again = Asked(start(*options))
    assert again.routes() == (before if kind == "perijove" else {})
    again.do(again.made.check_routes({}, {}))
    assert sorted(again.routes()) == ["/"]
    again.close()
