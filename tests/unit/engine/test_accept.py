"""Taking connections: whose they are, and that they neither block nor outlive the process."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from perijove.engine.accept import accept, local_address


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def listening(stack: ExitStack, family: int, name: object) -> socket.socket:
    sock = stack.enter_context(socket.socket(family))
    sock.bind(name)  # type: ignore[arg-type]
    sock.listen()
    sock.setblocking(False)
    return sock


def taken(stack: ExitStack, sock: socket.socket) -> tuple[int, int, bytes, int]:
    found = accept(sock)
    assert found is not None
    stack.callback(os.close, found[0])
    return found


def test_tcp(stack: ExitStack) -> None:
    sock = listening(stack, socket.AF_INET, ("127.0.0.1", 0))
    assert accept(sock) is None
    client = stack.enter_context(socket.create_connection(sock.getsockname(), source_address=("127.0.0.3", 0)))
    fd, family, address, port = taken(stack, sock)
    assert (family, address, port) == (socket.AF_INET, b"127.0.0.3", client.getsockname()[1])
    assert local_address(fd) == b"127.0.0.1"
    assert not os.get_blocking(fd)
    assert not os.get_inheritable(fd)
    with socket.socket(fileno=os.dup(fd)) as same:
        assert same.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert accept(sock) is None


def test_unix(stack: ExitStack, tmp_path: Path) -> None:
    sock = listening(stack, socket.AF_UNIX, str(tmp_path / "gate"))
    client = stack.enter_context(socket.socket(socket.AF_UNIX))
    client.connect(str(tmp_path / "gate"))
    fd, family, address, port = taken(stack, sock)
    assert (family, address, port) == (socket.AF_UNIX, b"", 0)
    assert local_address(fd) == b""
    assert not os.get_blocking(fd)


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="the kernel has no IPv6 here")
@pytest.mark.parametrize(("to", "address"), [("::1", b"::1"), ("127.0.0.1", b"127.0.0.1")])
def test_ipv6(to: str, address: bytes, stack: ExitStack) -> None:
    """On a socket for both, an IPv4 address is told as one (RFC 4291 §2.5.5.2)."""
    sock = stack.enter_context(socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True))
    sock.setblocking(False)
    client = stack.enter_context(socket.create_connection((to, sock.getsockname()[1])))
    fd, family, told, port = taken(stack, sock)
    assert (family, told, port) == (socket.AF_INET6, address, client.getsockname()[1])
    assert local_address(fd) == address


def test_what_cannot_be_accepted_from() -> None:
    with socket.socket() as sock:
        sock.setblocking(False)
        with pytest.raises(OSError) as failed:  # it does not listen
            accept(sock)
        assert failed.value.errno == errno.EINVAL


def test_the_address_of_what_is_gone() -> None:
    with socket.socket() as sock:
        fd = sock.fileno()
    assert local_address(fd) == b""
