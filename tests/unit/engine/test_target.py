"""Paths of request targets."""

import pytest

from perijove.engine.target import behind, climbs, inside, normal


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        (b"/", b"/"),
        (b"/a", b"/a"),
        (b"/a/", b"/a/"),
        (b"/a/b", b"/a/b"),
        (b"//", b"/"),
        (b"//a//b", b"/a/b"),
        (b"/a//", b"/a/"),
        (b"/./a/./b/.", b"/a/b/"),
        (b"/a/../b", b"/b"),
        (b"/a/..", b"/"),
        (b"/a/b/..", b"/a/"),
        (b"/a/b/../..", b"/"),
        (b"/..", None),
        (b"/a/../..", None),
        (b"/../a", None),
        (b"/a/../../a", None),
        (b"//..", None),  # an empty segment is no floor to climb from
        (b"/./..", None),
        (b"/...", b"/..."),
        (b"/a../b", b"/a../b"),
        (b"/.a", b"/.a"),
        (b"/..a", b"/..a"),
        (b"/%2e%2e", None),
        (b"/%2E.", None),
        (b"/.%2e/a", None),
        (b"/a/%2e%2e/b", b"/b"),
        (b"/a/%2e/b", b"/a/b"),
        (b"/a%2fb", b"/a/b"),
        (b"/a%2F..%2fb", b"/b"),
        (b"/%2f..", None),
        (b"/..%2f", None),
        (b"/%2f%2fa", b"/a"),
        (b"/%61", b"/a"),
        (b"/%c3%a4", b"/\xc3\xa4"),
        (b"/%", b"/%"),
        (b"/%zz", b"/%zz"),
        (b"/%252e%252e", b"/%2e%2e"),  # decoded once: that is how often an upstream decodes
        (b"/a;x/b", b"/a;x/b"),
        (b"/a\\..\\b", b"/a\\..\\b"),
    ],
)
def test_normal(path: bytes, plain: bytes | None) -> None:
    assert normal(path) == plain


@pytest.mark.parametrize("path", [b"/", b"/a", b"/a/", b"//a/./b//../c%2f%2e%2e/d/", b"/%61%2f"])
def test_what_is_normal_stays_so(path: bytes) -> None:
    plain = normal(path)
    assert plain is not None
    assert normal(plain) == plain


@pytest.mark.parametrize(
    ("target", "does"),
    [
        (b"/a", False),
        (b"/a/..", False),
        (b"/..", True),
        (b"/%2e%2e/", True),
        (b"/a%2f..%2f..", True),
        (b"/a?/../..", False),  # a query has no path
        (b"/..?a", True),
        (b"*", False),
    ],
)
def test_climbs(target: bytes, does: bool) -> None:
    assert climbs(target) is does


@pytest.mark.parametrize(
    ("path", "prefix", "lies"),
    [
        (b"/a", b"/", True),
        (b"/", b"/", True),
        (b"/a", b"/a", True),
        (b"/a/", b"/a", True),
        (b"/a/b", b"/a", True),
        (b"/ab", b"/a", False),
        (b"/a", b"/a/", False),
        (b"/a/", b"/a/", True),
        (b"/a/b", b"/a/", True),
        (b"/A", b"/a", False),
        (b"/b/a", b"/a", False),
        (b"/a%2fb", b"/a", False),
        (b"/a;b", b"/a", False),
        (b"*", b"/", False),
        (b"", b"/", False),
    ],
)
def test_inside(path: bytes, prefix: bytes, lies: bool) -> None:
    assert inside(path, prefix) is lies


@pytest.mark.parametrize(
    ("target", "mount", "name"),
    [
        (b"/user/alice/lab", b"/", b"alice"),
        (b"/user/alice", b"/", b"alice"),
        (b"/user/al%69ce/lab?user/bob/", b"/", b"alice"),
        (b"/%75ser/alice/", b"/", b"alice"),
        (b"/user%2Falice/", b"/", b"alice"),
        (b"//user/./alice//x", b"/", b"alice"),
        (b"/user/bob/../alice/x", b"/", b"alice"),
        (b"/user/alice/files/user/bob/x", b"/", b"alice"),
        (b"/jupyter/user/alice/x", b"/jupyter/", b"alice"),
        (b"/jupyter/user/alice/x", b"/jupyter", b"alice"),
        (b"/jupyter/user/alice/x", b"/", b"alice"),
        (b"/user/x/user/alice/", b"/user/x/", b"alice"),
        (b"/user/x/user/alice/", b"/user/x", b"alice"),
        (b"/user/a%2540b/", b"/", b"a%40b"),
        (b"/user/J%C3%BCrgen/x", b"/", "Jürgen".encode()),
        (b"/user/", b"/", b""),
        (b"/user", b"/", b""),
        (b"/users/alice/", b"/", b""),
        (b"/services/x/", b"/", b""),
        (b"/user/../..", b"/", b""),
        (b"*", b"/", b""),
    ],
)
def test_behind(target: bytes, mount: bytes, name: bytes) -> None:
    assert behind(target, mount, b"user") == name
