"""The two commands that keep the same contract, each started with the options a test asks for."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.parts import Proxy, Reporter
from tests.server.parts import Origin

from perijove.demo.node import proxy_command

# Who is asked: the reference and ours. CONTRACT=chp or CONTRACT=perijove asks one.
KINDS = tuple(os.environ.get("CONTRACT", "chp perijove").split())
_HERE = Path(__file__).parent
_NUMBERS = itertools.count(1)


# Files of which configurable-http-proxy is not asked: what only perijove has; and what is known to fail, unless PAINS=1.
_NOT_OF_CHP = ("test_own",) if "PAINS" in os.environ else ("test_own", "test_pains")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left = [item for item in items if item.path.stem in _NOT_OF_CHP and item.path.parent == _HERE and "[chp" in item.name]
    if left:
        gone = set(left)
        items[:] = [item for item in items if item not in gone]
        config.hook.pytest_deselected(items=left)


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def command(kind: str) -> list[str]:
    """The words that run it."""
    if kind == "perijove":
        return [sys.executable, "-m", "perijove", "chp"]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path(__file__).parents[2] / ".cache")
    return proxy_command(cache / "perijove" / "demo" / "node")


Start = Callable[..., Proxy]


def _starter(kind: str, command: list[str], folder: Path, made: list[Proxy]) -> Start:
    def start(*options: str, **settings: Any) -> Proxy:
        made.append(Proxy(kind, command, folder, options, **settings))
        return made[-1]

    return start


@pytest.fixture
def start(kind: str, command: list[str], tmp_path: Path) -> Iterator[Start]:
    """Start one for this test alone."""
    made: list[Proxy] = []
    yield _starter(kind, command, tmp_path, made)
    for one in made:
        one.stop()


@pytest.fixture(scope="module")
def proxy_with(kind: str, command: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start one that the tests of the file share, or return the one with these options that runs already."""
    made: list[Proxy] = []
    known: dict[tuple[str, ...], Proxy] = {}
    begin = _starter(kind, command, tmp_path_factory.mktemp(kind), made)

    def start(*options: str) -> Proxy:
        if options not in known:
            known[options] = begin(*options)
        return known[options]

    yield start
    for one in made:
        one.stop()


@pytest.fixture
def proxy(proxy_with: Start) -> Proxy:
    """One without any option, shared."""
    return proxy_with()


@pytest.fixture
def base() -> str:
    """A prefix that no other test uses: proxies are shared."""
    return f"/t{next(_NUMBERS)}"


@pytest.fixture(scope="session")
def upstreams() -> Iterator[Callable[..., Origin]]:
    """Start servers that report what reached them."""
    made: list[Origin] = []

    def start(name: str = "one", **settings: Any) -> Origin:
        made.append(Origin(Reporter(name), **settings))
        return made[-1]

    yield start
    for one in made:
        one.stop()


@pytest.fixture(scope="session")
def one(upstreams: Callable[..., Origin]) -> Origin:
    return upstreams("one")


@pytest.fixture(scope="session")
def two(upstreams: Callable[..., Origin]) -> Origin:
    return upstreams("two")
