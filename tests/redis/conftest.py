"""A real Redis for each test, and as many perijoves as it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.redis.parts import Application, Origin, Replica, Server


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start Redises."""
    made: list[Server] = []

    def start(*settings: str, **given: object) -> Server:
        made.append(Server(tmp_path, *settings, **given))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for one in made:
        one.stop()


@pytest.fixture
def server(servers: Callable[..., Server]) -> Server:
    """An ordinary Redis."""
    return servers()


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[Callable[..., Replica]]:
    """Start perijoves."""
    made: list[Replica] = []

    def start(*options: str, **given: object) -> Replica:
        made.append(Replica(tmp_path, *options, **given))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for one in made:
        one.stop()
        log = one.log()
        assert "internal error" not in log, log
        assert "Traceback" not in log, log
        assert "never retrieved" not in log, log


@pytest.fixture
def three(server: Server, replicas: Callable[..., Replica]) -> list[Replica]:
    """Three that share it."""
    return [replicas("--redis", server.url) for _ in range(3)]


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A server that routes lead to."""
    made = Origin(Application())
    yield made
    made.stop()
