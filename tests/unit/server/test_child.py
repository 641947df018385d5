"""A worker never looks for cycles among what is old (`_COLLECTS`): so there must be none."""

from __future__ import annotations

import gc
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from tests.server.parts import Application, Client, Origin, eventually

from perijove.config.chp import Options, Tls, gateway
from perijove.engine.counters import unshared
from perijove.server.limits import Memory
from perijove.server.worker import Given, Worker


@pytest.fixture
def origin() -> Iterator[Origin]:
    made = Origin(Application())
    yield made
    made.stop()


class Running:
    """A worker, in a thread of ours."""

    def __init__(self, pem: bytes | None, path: str) -> None:
        tls = Tls() if pem is None else Tls(key=path, cert=path)
        self.gateway = gateway(Options(port=0, api_port=1, tls=tls))
        self.files = {} if pem is None else {path: pem}
        self.worker = Worker(unshared(), Memory(1), 0)
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        self.port = listening.getsockname()[1]
        self.worker.apply(self.gateway, Given({self.gateway.listeners[0].address: [listening]}, self.files))
        self._asked: list[Callable[[], object]] = []
        self._stop = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop:
            self.worker.reactor.turn(0.01)
            while self._asked:
                self._asked.pop(0)()
        for acceptors in self.worker.acceptors.values():
            for one in acceptors:
                one.close()
        for client in self.worker.connections():
            client.close()
        self.worker.destinations.replace(())

    def do(self, what: Callable[[], object]) -> None:
        """Have it done between two turns of its loop."""
        done = threading.Event()
        self._asked.append(lambda: (what(), done.set()))
        assert done.wait(15)

    def stop(self) -> None:
        self._stop = True
        self._thread.join()


@pytest.fixture(params=["plain", "tls"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Running, ssl.SSLContext | None]]:
    context, pem = None, None
    if request.param == "tls":
        authority = trustme.CA()
        pem = authority.issue_cert("localhost").private_key_and_cert_chain_pem.bytes()
        context = ssl.create_default_context()
        authority.configure_trust(context)
    made = Running(pem, str(tmp_path / "pair.pem"))
    yield made, context
    made.stop()


def use(running: Running, origin: Origin, tls: ssl.SSLContext | None) -> None:
    """Everything that begins and ends in a worker."""
    worker, port = running.worker, running.port
    running.do(lambda: worker.destinations.change([(b"", origin.url, -1), (b"/dead", "http://127.0.0.1:1", -1)]))
    with Client(port, tls=tls) as client:
        for path in ("/x", "/bytes/100000", "/chunks"):
            assert client.ask(path).status == 200
        assert client.ask("/echo", method="POST", content=b"x" * 100000).status == 200
    with Client(port, tls=tls) as client:
        assert client.ask("/dead").status == 503
    with Client(port, tls=tls) as client:
        assert client.ask("/until-close").status == 200
    with Client(port, tls=tls) as client:
        assert client.upgrade().status == 101
        client.send(b"abc")
        assert client.exactly(3) == b"abc"
    with Client(port, tls=tls) as client:
        client.send(b"nonsense\r\n\r\n")
        client.rest()
    for path, some in ("/bytes/10000000", 1000), ("/hang", 0):  # who goes away in the middle
        with Client(port, tls=tls) as client:
            client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            client.exactly(some)
    running.do(lambda: worker.apply(running.gateway, Given({}, running.files)))
    running.do(lambda: worker.destinations.replace(()))
    assert eventually(lambda: not worker.connections())


def test_what_is_given_up_is_gone(running: tuple[Running, ssl.SSLContext | None], origin: Origin) -> None:
    """Seen to fail with a plan of routes that led to what led to it (`Destinations.dynamic`)."""
    worker, tls = running
    use(worker, origin, tls)  # what is made once, and kept
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        use(worker, origin, tls)
        gc.collect()
        found = Counter(type(one).__qualname__ for one in gc.garbage if type(one).__module__.startswith("perijove"))
        assert not found
    finally:
        gc.set_debug(0)
        gc.enable()
        gc.garbage.clear()
