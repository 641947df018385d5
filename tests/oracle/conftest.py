"""The player: one case is played while the next already starts, for most of the time of a case is a start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.oracle import case as cases
from tests.oracle.play import OURS, REAL, Candidate, play
from tests.oracle.stage import Certificates


def candidate() -> Candidate:
    """Return whom to test: with `ORACLE_CANDIDATE=apache` Apache itself, which must do what it did."""
    return REAL if os.environ.get("ORACLE_CANDIDATE") == "apache" else OURS


class Player:
    """Plays cases in the background."""

    def __init__(self) -> None:
        self.candidate = candidate()
        self._certificates = Certificates.make()
        self._pool = ThreadPoolExecutor(2)
        self._played: dict[str, Future[dict[str, Any]]] = {}

    def begin(self, name: str) -> None:
        """Play a case that will be asked for. Of most, that they are served says enough of the configuration."""
        if name not in self._played:
            case = cases.load(name)
            self._played[name] = self._pool.submit(play, case, self._certificates, self.candidate, case.is_verdict)

    def record(self, name: str) -> dict[str, Any]:
        """Return the record of a case."""
        self.begin(name)
        return self._played.pop(name).result()

    def close(self) -> None:
        """End what has begun."""
        self._pool.shutdown(cancel_futures=True)
        self._certificates.remove()


PLAYER = pytest.StashKey[Player]()


@pytest.fixture
def player(request: pytest.FixtureRequest) -> Player:
    return _player(request.config)


def _player(config: pytest.Config) -> Player:
    if PLAYER not in config.stash:
        config.stash[PLAYER] = Player()
        config.add_cleanup(config.stash[PLAYER].close)
    return config.stash[PLAYER]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    for one in (item, nextitem):
        if isinstance(one, pytest.Function) and one.originalname == "test_case" and Path(__file__).parent in one.path.parents:
            _player(one.config).begin(str(one.callspec.params["name"]))
    return (yield)
