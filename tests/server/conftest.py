"""Parts for the server tests: all on loopback, each on free ports, ended with the test."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.server.parts import Application, Front, Handler, Origin


@pytest.fixture
def origins() -> Iterator[Callable[..., Origin]]:
    """Start servers."""
    made: list[Origin] = []

    def start(handler: Handler, **settings: object) -> Origin:
        made.append(Origin(handler, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for one in made:
        one.stop()


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def origin(origins: Callable[..., Origin], application: Application) -> Iterator[Origin]:
    """An ordinary server."""
    yield origins(application)
    application.go.set()  # else whoever waits for it in there is waited for


@pytest.fixture
def fronts(tmp_path: Path) -> Iterator[Callable[..., Front]]:
    """Start perijoves."""
    made: list[Front] = []

    def start(text: str, **settings: Any) -> Front:
        made.append(Front(tmp_path, text, **settings))
        return made[-1]

    yield start
    for one in made:
        one.stop()
        log = one.log()
        assert "internal error" not in log, log
        assert "Traceback" not in log, log


@pytest.fixture
def front(fronts: Callable[..., Front], origin: Origin) -> Front:
    """perijove in front of the ordinary server."""
    return fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\n')


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files: the certificate with its key of localhost, and the authority's."""
    folder = tmp_path_factory.mktemp("tls")
    issued = authority.issue_cert("localhost", "127.0.0.1", "hub.example")
    issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "pair.pem"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return {"pair": folder / "pair.pem", "ca": folder / "ca.pem"}


@pytest.fixture(scope="session")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="session")
def server_tls(certificate: dict[str, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate["pair"])
    return context


@pytest.fixture
def secured(
    fronts: Callable[..., Front], origins: Callable[..., Origin], certificate: dict[str, Path], server_tls: ssl.SSLContext
) -> Callable[[Handler], Front]:
    """Start perijove with TLS on both sides, in front of a server with this handler."""

    def start(handler: Handler) -> Front:
        origin = origins(handler, tls=server_tls)
        return fronts(
            f'listen = "127.0.0.1:{{port}}"\n[tls]\ncert = "{certificate["pair"]}"\nkey = "{certificate["pair"]}"\n'
            f'[[route]]\nupstream = "u"\n[upstream.u]\nurl = "https://localhost:{origin.port}"\nca = "{certificate["ca"]}"\n'
        )

    return start
