"""What connections leave behind: nothing. What a slow client costs: a buffer, not a body."""

from __future__ import annotations

import hashlib
import resource
import time
from collections.abc import Callable, Iterator

import pytest
from tests.server.parts import Client, Conversation, Front, Origin, ask, download, eventually

TUNNELS = 5000
ABORTED = 2000
GIB = 1 << 30


@pytest.fixture
def many() -> Iterator[None]:
    """Enough descriptors for this process: each tunnel takes two of ours."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * TUNNELS
    if before[0] < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, before[1])))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


class Accepting:
    """A server that takes upgrades and says nothing more, without a thread for each connection."""

    def __init__(self) -> None:
        self.kept: list[Conversation] = []

    def __call__(self, conversation: Conversation) -> None:
        if conversation.head() is not None:
            conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
            self.kept.append(Conversation(conversation.sock.dup()))


def test_idle_tunnels(many: None, fronts: Callable[..., Front], origins: Callable[..., Origin]) -> None:
    accepting = Accepting()
    # All are opened before the first of them says a word.
    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origins(accepting).url}"\n[timeouts]\nheader = 600\n')
    descriptors, memory, most = front.descriptors(), front.rss(), []
    for _ in range(6):
        clients = [Client(front.port) for _ in range(TUNNELS)]
        for one in clients:
            assert one.upgrade().status == 101
        assert front.descriptors() == descriptors + 2 * TUNNELS
        most.append(front.rss())
        for one in (*clients, *accepting.kept):
            one.close()
        accepting.kept.clear()
        assert eventually(lambda: front.descriptors() == descriptors), front.descriptors()
    assert (most[0] - memory) * 1024 / TUNNELS <= 2  # KiB each; what the kernel holds is not ours
    # The allocator keeps arenas of the first round and fills them again; rounds that left something would add to them: four
    # rounds a KiB for each tunnel, which is more than this.
    assert max(most[-1], front.rss()) - most[1] < 2, most


def test_aborted_connections(front: Front, origin: Origin) -> None:
    """Opened and aborted at every point: before a word, in a head, while waiting, in a download, in a tunnel."""
    begun = [
        b"",
        b"GET / HT",
        b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /bytes/10000000 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nsome",
    ]

    def abort(count: int) -> None:
        for number in range(count):
            client = Client(front.port)
            client.send(begun[number % len(begun)])
            if number % 7 == 0:
                client.reset()
            else:
                client.close()

    abort(500)
    assert ask(front.port).status == 200
    assert eventually(lambda: len(origin.open) <= 1)
    descriptors, memory = front.descriptors(), front.rss()
    abort(ABORTED)
    assert ask(front.port).status == 200
    assert eventually(lambda: len(origin.open) <= 1)
    assert eventually(lambda: front.descriptors() <= descriptors), (front.descriptors(), descriptors)
    assert front.rss() - memory < 1


def test_a_slow_download(fronts: Callable[..., Front], origins: Callable[..., Origin]) -> None:
    """2 GiB to a client that reads 1 MB/s for 20 s, stops for 10 s, then reads at full speed."""
    block = hashlib.sha256(b"perijove").digest() * (1 << 15)
    sums = [hashlib.blake2b(), hashlib.blake2b()]

    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.sock.settimeout(60)
        conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * GIB))
        for number in range(2 * GIB // len(block)):
            piece = number.to_bytes(8, "big") + block[8:]
            sums[0].update(piece)
            conversation.send(piece)

    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origins(handler).url}"')
    most = front.rss()
    got = 0
    with download(front.port, "/") as response:
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < 20:
            if got < passed * 1_000_000:
                piece = response.read(100_000)
                sums[1].update(piece)
                got += len(piece)
            else:
                time.sleep(0.02)
            most = max(most, front.rss())
        before = front.cpu()
        time.sleep(10)
        most = max(most, front.rss())
        assert front.cpu() - before < 0.02
        while piece := response.read(1 << 20):
            sums[1].update(piece)
            got += len(piece)
        most = max(most, front.rss())
    assert got == 2 * GIB
    assert sums[0].digest() == sums[1].digest()
    assert most < 50
