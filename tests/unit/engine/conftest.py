"""A world, with and without TLS, for all tests of a client's connection."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import trustme
from tests.unit.engine.loopback import Far, turn_for, turning
from tests.unit.engine.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with ExitStack() as stack:
        reactor = stack.enter_context(turning())
        made = World(reactor, stack)
        yield made
        turn_for(reactor, 0.02)
        for client in made.made:
            client.close()
            client.close()
        assert made.site.connections == 0
        made.upstream.close_idle()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("a.example").configure_cert(context)
    return context


@pytest.fixture
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # as server.tls makes it
    authority.configure_trust(context)
    return context


@pytest.fixture
def secure(world: World, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> Callable[[], Far]:
    """Make a client that has done its handshake; the upstream speaks TLS as well."""
    world.upstream.tls = client_tls
    world.upstream.server_name = "a.example"

    def make() -> Far:
        client = world.client(server_tls)
        client.sock = client_tls.wrap_socket(
            client.sock, server_hostname="a.example", do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
        world.stack.callback(client.sock.close)
        client.handshake()
        return client

    return make
