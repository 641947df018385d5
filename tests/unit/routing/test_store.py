"""What is told of routes."""

import pytest

from perijove.routing.dynamic import BadTarget
from perijove.routing.store import Store, clean, prefix_of

HERE = {"target": "http://127.0.0.1:1", "user": "x"}


@pytest.mark.parametrize(
    ("path", "cleaned"), [("/", "/"), ("", "/"), ("/a", "/a"), ("/a/", "/a"), ("a/b/", "/a/b"), ("/a//", "/a/"), ("/ü", "/ü")]
)
def test_clean(path, cleaned):
    assert clean(path) == cleaned


def test_prefixes():
    assert prefix_of("/") == b""
    assert prefix_of("/user/ü") == "/user/ü".encode()


def test_put_get_remove():
    store = Store()
    made = store.put("/user/x/", HERE)
    assert store.get("/user/x") is made
    assert made.path == "/user/x"
    assert made.data == HERE
    assert store.remove("/user/x/") is made
    assert store.remove("/user/x") is None
    assert store.get("/user/x") is None


def test_a_route_keeps_its_number_and_leaves_it_when_it_goes(monkeypatch):
    monkeypatch.setattr("perijove.routing.store._NUMBERED", 2)
    store = Store()
    assert [store.put(path, HERE).number for path in ("/a", "/b", "/a", "/c")] == [0, 1, 0, -1]
    store.remove("/c")
    store.remove("/b")
    store.remove("/a")
    assert [store.put(path, HERE).number for path in ("/d", "/e", "/f")] == [1, 0, -1]


@pytest.mark.parametrize("target", ["nonsense", "ftp://x", "http://", "http://x:99999", "http+unix://"])
def test_where_no_route_can_lead(target):
    store = Store()
    with pytest.raises(BadTarget):
        store.put("/a", {"target": target})
    assert not store.routes
