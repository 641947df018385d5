"""Operators' limits over the wire: who is kept out, by how much, and that everybody else is not."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.server.parts import Answer, Client, Conversation, Front, Origin, answer, eventually, quiet

from perijove.demo.processes import free_port
from perijove.engine import slots
from perijove.engine.reactor import Reactor
from perijove.gateway.model import Limits
from perijove.server.limits import Notices, line

Start = Callable[..., Front]


class Hub:
    """Takes WebSockets on any path, and echoes; `/forbidden` refuses them; all else is answered with `hello`."""

    def __call__(self, conversation: Conversation) -> None:
        while (head := conversation.head()) is not None:
            conversation.content(head)
            if head.get(b"upgrade") and b"forbidden" not in head.target:
                conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
                while conversation.buffer or conversation.more():
                    data, conversation.buffer = conversation.buffer, b""
                    conversation.send(data)
                return
            conversation.send(answer(b"hello"))


@pytest.fixture
def start(fronts: Callable[..., Front], origins: Callable[..., Origin], tmp_path: Path) -> Start:
    """Start perijove with these limits."""
    origin = origins(Hub())

    def begin(limits: str, text: str = "", count: int = 1) -> Front:
        front = fronts(
            f'listen = "127.0.0.1:{{port}}"\nworkers = {count}\nto = "{origin.url}"\naccess-log = "{tmp_path / "log"}"\n'
            f"{text}\n[limits]\n{limits}\n"
        )
        front.folder = tmp_path  # type: ignore[attr-defined]
        return front

    return begin


@contextlib.contextmanager
def many(count: int, port: int, **settings: object) -> Iterator[list[Client]]:
    """So many connections."""
    made = [Client(port, **settings) for _ in range(count)]  # type: ignore[arg-type]
    try:
        yield made
    finally:
        for one in made:
            one.close()


def once(port: int, target: str = "/", fields: bytes = b"", host: str = "127.0.0.1") -> int:
    """Return the status of a request on a connection of its own."""
    with Client(port, host=host) as client:
        return client.ask(target, fields=fields).status


def upgrade(client: Client, target: str) -> Answer:
    return client.upgrade(target)


def bound(address: str, port: int) -> Client:
    """A client that comes from another address of loopback."""
    client = Client.__new__(Client)
    sock = socket.create_connection(("127.0.0.1", port), 15.0, source_address=(address, 0))
    Conversation.__init__(client, sock)
    return client


# ------------------------------------------------------------------ requests


def test_rate(start: Start) -> None:
    """A burst passes, the next are refused; after the time that they are told, it works again."""
    front = start('requests-per-client = "20/m"\nburst = 5')
    with Client(front.port) as client:
        answers = [client.ask("/") for _ in range(8)]
        assert [one.status for one in answers] == [200] * 5 + [429] * 3
        refused = answers[-1]
        assert refused.get(b"retry-after") == b"3"
        assert refused.get(b"cache-control") == b"no-store"
        assert refused.get(b"connection") is None
        assert b"too many requests" in refused.content
        time.sleep(3.0)
        assert client.ask("/").status == 200
        assert client.ask("/").status == 429
    with bound("127.0.0.9", front.port) as other:
        assert other.ask("/").status == 200


def test_retry_after_is_true(start: Start) -> None:
    front = start('requests-per-client = "20/m"\nburst = 1')
    with Client(front.port) as client:
        assert client.ask("/").status == 200
        told = int(client.ask("/").get(b"retry-after") or 0)
        assert told == 3
        time.sleep(told - 2)
        assert client.ask("/").status == 429
        time.sleep(2)
        assert client.ask("/").status == 200


def test_two_workers_share_the_rate(start: Start) -> None:
    front = start('requests-per-client = "1/m"\nburst = 10', count=2)
    statuses = [once(front.port) for _ in range(40)]
    assert statuses.count(200) == 10
    assert statuses.count(429) == 30


def test_json_where_it_is_asked_for(start: Start) -> None:
    front = start('requests-per-client = "1/m"\nburst = 1')
    with Client(front.port) as client:
        client.ask("/")
        got = client.ask("/", fields=b"Accept: application/json\r\n")
        assert json.loads(got.content)["status"] == 429


def test_content_of_a_refused_request_ends_the_connection(start: Start) -> None:
    front = start('requests-per-client = "1/m"\nburst = 1')
    with Client(front.port) as client:
        client.ask("/")
        got = client.ask("/", method="POST", content=bytes(100_000))
        assert (got.status, got.get(b"connection")) == (429, b"close")
        assert client.ended()


def test_one_line_for_many_refusals(start: Start) -> None:
    front = start('requests-per-client = "1/m"\nburst = 1')
    with Client(front.port) as client:
        for _ in range(200):
            client.ask("/")
        assert eventually(lambda: "perijove: limit: " in front.log())
        for _ in range(5):
            client.ask("/")
            time.sleep(0.2)
    found = re.findall(
        r"limit: (\d+) requests? of 127\.0\.0\.1 refused in \d+ s: limits\.requests-per-client is (\S+)", front.log()
    )
    assert len(found) == 1, front.log()
    assert 1 <= int(found[0][0]) <= 199
    log = front.folder / "log"  # type: ignore[attr-defined]
    assert eventually(lambda: log.read_text().count('" 429 ') == 204)


def test_behind_a_trusted_proxy_clients_are_who_it_says(start: Start) -> None:
    front = start('requests-per-client = "1/m"\nburst = 2\nconnections-per-client = 3', 'trust = "127.0.0.1"')
    with many(10, front.port) as clients:
        for number, one in enumerate(clients):
            for _ in range(2):
                assert one.ask("/", fields=b"X-Forwarded-For: 198.51.100.%d\r\n" % number).status == 200
        assert clients[0].ask("/", fields=b"X-Forwarded-For: 198.51.100.3\r\n").status == 429
        assert clients[0].ask("/", fields=b"X-Forwarded-For: 198.51.100.200\r\n").status == 200
        assert clients[1].ask("/", fields=b"X-Forwarded-For: 203.0.113.9, 198.51.100.3\r\n").status == 429
        for _ in range(5):
            assert clients[2].ask("/").status == 200  # the proxy's own
    log = front.folder / "log"  # type: ignore[attr-defined]
    assert eventually(lambda: log.read_text().count("198.51.100.3 - - [") == 4)


def test_who_is_not_trusted_cannot_be_somebody_else(start: Start) -> None:
    front = start('requests-per-client = "1/m"\nburst = 2')
    with Client(front.port) as client:
        statuses = [client.ask("/", fields=b"X-Forwarded-For: 198.51.100.%d\r\n" % number).status for number in range(5)]
    assert statuses == [200, 200, 429, 429, 429]


def test_ipv6_clients_are_networks(start: Start) -> None:
    front = start('requests-per-client = "1/m"\nburst = 2', 'trust = "127.0.0.1"')
    statuses = [once(front.port, fields=b"X-Forwarded-For: 2001:db8:0:1::%x\r\n" % number) for number in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert once(front.port, fields=b"X-Forwarded-For: 2001:db8:0:2::1\r\n") == 200


def test_every_kind_of_answer_counts(start: Start) -> None:
    front = start('requests-per-client = "1/m"\nburst = 2', '[[route]]\npath = "/x"\nrespond = { body = "x" }')
    assert [once(front.port, "/x") for _ in range(3)] == [200, 200, 429]


# ------------------------------------------------------------------ connections of a client


def test_connections_of_a_client(start: Start) -> None:
    """Those beyond are told so at their first request, and end; those that stand are not touched."""
    front = start("connections-per-client = 3")
    with many(3, front.port) as clients:
        assert [one.ask("/").status for one in clients] == [200] * 3
        with Client(front.port) as fourth:
            got = fourth.ask("/")
            assert (got.status, got.get(b"connection")) == (429, b"close")
            assert int(got.get(b"retry-after") or 0) > 0
            assert b"too many connections" in got.content
            assert fourth.ended()
        with bound("127.0.0.9", front.port) as other:
            assert other.ask("/").status == 200
        assert [one.ask("/").status for one in clients] == [200] * 3
        clients[0].close()
        assert eventually(lambda: once(front.port) == 200)
    assert eventually(lambda: "limits.connections-per-client is 3" in front.log())


def test_what_is_only_let_in_to_be_refused_is_bounded_too(start: Start) -> None:
    front = start("connections-per-client = 3")
    with many(3, front.port) as clients, many(3, front.port) as told, many(5, front.port) as closed:
        assert all(one.ended() for one in closed)
        for one in told:
            assert one.ask("/").status == 429
        assert [one.ask("/").status for one in clients] == [200] * 3
    assert eventually(lambda: once(front.port) == 200)


def test_two_workers_share_the_count(start: Start) -> None:
    front = start("connections-per-client = 10", count=2)
    with many(10, front.port) as clients:
        assert [one.ask("/").status for one in clients] == [200] * 10
        assert [once(front.port) for _ in range(10)] == [429] * 10


def test_what_a_killed_worker_had_is_given_back(start: Start) -> None:
    front = start("connections-per-client = 20\ntunnels-per-user = 20", count=2)
    with many(20, front.port) as clients:
        assert [upgrade(one, "/user/alice/ws").status for one in clients] == [101] * 20
        assert once(front.port) == 429
        before = front.workers
        os.kill(before[0], signal.SIGKILL)
        assert eventually(lambda: before[0] not in front.workers)
        left = [one for one in clients if not one.ended(0.5)]
        assert 0 < len(left) < 20
        assert eventually(lambda: len(set(front.workers) - set(before)) == 1)
        assert eventually(lambda: once(front.port) == 200)
        with many(20 - len(left), front.port) as more:
            assert [upgrade(one, "/user/alice/ws").status for one in more] == [101] * (20 - len(left))
            assert once(front.port) == 429
    assert eventually(lambda: once(front.port) == 200)


def test_tls_is_closed_before_the_handshake(start: Start, certificate: dict[str, Path], client_tls: ssl.SSLContext) -> None:
    pair = certificate["pair"]
    front = start(f'connections-per-client = 2\n[tls]\ncert = "{pair}"\nkey = "{pair}"')
    with many(2, front.port, tls=client_tls) as clients:
        assert [one.ask("/").status for one in clients] == [200] * 2
        with Client(front.port) as plain:
            assert plain.ended()
        with pytest.raises(OSError):
            Client(front.port, tls=client_tls)
        assert [one.ask("/").status for one in clients] == [200] * 2


def announced(port: int, address: bytes) -> Client:
    client = Client(port)
    client.send(b"PROXY TCP4 %b 10.0.0.1 50000 443\r\n" % address if address else b"PROXY UNKNOWN\r\n")
    return client


def test_whom_a_balancer_announces(start: Start) -> None:
    front = start("connections-per-client = 2", 'proxy-protocol = "127.0.0.1"')
    made = [announced(front.port, address) for address in [b"192.0.2.7"] * 3 + [b"192.0.2.8"] * 2 + [b""] * 5]
    assert [one.ask("/").status for one in made] == [200] * 2 + [429] + [200] * 2 + [200] * 5
    for one in made:
        one.close()


def test_what_is_announced_over_tls(start: Start, certificate: dict[str, Path], client_tls: ssl.SSLContext) -> None:
    pair = certificate["pair"]
    front = start(f'connections-per-client = 1\n[tls]\ncert = "{pair}"\nkey = "{pair}"', 'proxy-protocol = "127.0.0.1"')
    with contextlib.ExitStack() as stack:
        for address, passes in ((b"192.0.2.7", True), (b"192.0.2.7", False), (b"192.0.2.8", True)):
            client = announced(front.port, address)
            stack.callback(client.close)
            if not passes:
                assert client.ended()
                continue
            client.sock = client_tls.wrap_socket(client.sock, server_hostname="localhost")
            assert client.ask("/").status == 200


def test_a_unix_socket_s_peers_have_no_address(
    start: Start, fronts: Callable[..., Front], origin: Origin, tmp_path: Path
) -> None:
    limits = '[limits]\nconnections-per-client = 2\nrequests-per-client = "1/m"\nburst = 3\n'
    front = fronts(f'listen = ["127.0.0.1:{{port}}", "unix:{tmp_path}/s"]\nto = "{origin.url}"\n{limits}')
    with many(5, 0, path=f"{tmp_path}/s") as clients:
        for one in clients:
            assert one.ask("/").status == 200
        statuses = [clients[0].ask("/", fields=b"X-Forwarded-For: 192.0.2.1\r\n").status for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
    assert once(front.port) == 200


# ------------------------------------------------------------------ connections in all


@pytest.mark.parametrize("count", [1, 2])
def test_connections_in_all(start: Start, count: int) -> None:
    """More wait, are served when others end, and waiting costs nothing."""
    front = start("connections = 4", count=count)
    with many(4, front.port) as clients:
        assert [one.ask("/").status for one in clients] == [200] * 4
        with Client(front.port) as fifth:
            fifth.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            fifth.sock.settimeout(0.7)
            with pytest.raises(TimeoutError):
                fifth.sock.recv(1)
            fifth.sock.settimeout(15)
            assert quiet(lambda: spent(front), 0.030)
            assert [one.ask("/").status for one in clients] == [200] * 4
            clients[0].close()
            assert fifth.response().status == 200
    assert eventually(lambda: "new connections wait until others end" in front.log())
    assert once(front.port) == 200


def spent(front: Front) -> float:
    """Seconds of CPU of perijove and its workers."""
    total = 0
    for pid in [front.process.pid, *front.workers]:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


# ------------------------------------------------------------------ tunnels


def test_tunnels_of_a_user(start: Start) -> None:
    front = start("tunnels-per-user = 2", count=2)
    with many(2, front.port) as alice, many(2, front.port) as bob, Client(front.port) as more:
        assert [upgrade(one, "/user/alice/api/kernels/1/channels").status for one in alice] == [101] * 2
        for target in (
            "/user/alice/api",
            "/user/%61lice/x",
            "/user/alice/named/api",
            "//user/./alice/x",
            "/jupyter/user/alice/x",
        ):
            got = upgrade(more, target)
            assert (got.status, got.get(b"retry-after")) == (429, b"10"), target
            assert b"too many notebooks" in got.content
        assert more.ask("/user/alice/lab").status == 200
        assert [upgrade(one, "/user/bob/api").status for one in bob] == [101] * 2
        alice[0].send(b"still there")
        assert alice[0].exactly(11) == b"still there"
        alice[1].close()
        assert eventually(lambda: upgrade(more, "/user/alice/api").status == 101)
    assert eventually(lambda: re.search(r"tunnels? of alice refused in \d+ s: limits\.tunnels-per-user is 2", front.log()))


def test_the_host_is_no_way_round(start: Start) -> None:
    front = start("tunnels-per-user = 1")
    with Client(front.port) as one, Client(front.port) as other:
        assert upgrade(one, "/user/alice/x").status == 101
        other.send(
            b"GET /user/alice/x HTTP/1.1\r\nHost: other.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n"
        )
        assert other.response().status == 429


def test_what_does_not_become_a_tunnel_is_given_back(start: Start) -> None:
    front = start("tunnels-per-user = 2")
    with Client(front.port) as client:
        for _ in range(5):
            assert upgrade(client, "/user/alice/forbidden").status == 200
        with many(2, front.port) as clients:
            assert [upgrade(one, "/user/alice/x").status for one in clients] == [101] * 2
            assert upgrade(client, "/user/alice/x").status == 429
        assert eventually(lambda: upgrade(client, "/user/alice/x").status == 101)


def test_tunnels_of_nobody_are_not_bounded(start: Start) -> None:
    front = start("tunnels-per-user = 1")
    with many(5, front.port) as clients:
        targets = ["/services/x/ws", "/services/x/ws", "/hub/ws", "/user", "/user/"]
        assert [upgrade(one, target).status for one, target in zip(clients, targets, strict=True)] == [101] * 5


def test_a_name_is_not_believed_by_the_log(start: Start) -> None:
    front = start("tunnels-per-user = 1")
    with Client(front.port) as one, Client(front.port) as other:
        assert upgrade(one, "/user/a%0Aperijove:%20all%20is%20well%1b[2J/x").status == 101
        assert upgrade(other, "/user/a%0Aperijove:%20all%20is%20well%1b[2J/x").status == 429
    assert eventually(lambda: "a?perijove: all is well?[2J refused" in front.log())


# ------------------------------------------------------------------ who is told


LIMITS = Limits(requests_per_client=20.0, tunnels_per_user=5, connections=9)


@pytest.mark.parametrize(
    ("limit", "noted", "text"),
    [
        (
            slots.LIMITED_RATE,
            {b"192.0.2.1": 37},
            "37 requests of 192.0.2.1 refused in 10 s: limits.requests-per-client is 20/s",
        ),
        (slots.LIMITED_TUNNELS, {b"alice": 1}, "1 tunnel of alice refused in 10 s: limits.tunnels-per-user is 5"),
        (slots.LIMITED_RATE, {b"192.0.2.1": 2, b"192.0.2.2": 7}, "9 requests of 2 clients (7 of 192.0.2.2) refused"),
        (slots.LIMITED_RATE, {b"192.0.2.1": 2, b"": 1}, "3 requests of 1000 clients and more (2 of 192.0.2.1) refused"),
        (slots.LIMITED_CONNECTIONS, {b"": 3}, "accepting paused 3 times in 10 s): limits.connections is 9"),
    ],
)
def test_line(limit: int, noted: dict[bytes, int], text: str) -> None:
    assert text in line(limit, noted, 10, LIMITS)


def test_many_clients_need_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("perijove.server.limits._say", said.append)
    notices = Notices(Reactor(), LIMITS)
    for number in range(5000):
        notices.refused(slots.LIMITED_RATE, b"192.0.2.%d" % number)
    notices.reactor.now += 1
    notices.on_timeout()
    assert len(said) == 1
    assert said[0].startswith("limit: 5000 requests of 1000 clients and more (")
    notices.refused(slots.LIMITED_RATE, b"192.0.2.1")
    notices.refused(slots.LIMITED_BODY, b"192.0.2.1")
    notices.reactor.now += 1
    notices.on_timeout()
    assert [one.split(" of ")[0] for one in said[1:]] == ["limit: 1 request"]  # of the other limit
    assert "limits.body" in said[1]
    notices.reactor.now += 10
    notices.on_timeout()
    assert "limits.requests-per-client" in said[2]


# ------------------------------------------------------------------ off, on, and changed


def test_no_limits(start: Start) -> None:
    front = start("")
    with many(100, front.port) as clients:
        assert {one.ask("/").status for one in clients} == {200}
        assert {upgrade(one, "/user/alice/x").status for one in clients} == {101}


@pytest.mark.parametrize("count", [1, 2])
def test_limits_that_a_reload_brings(start: Start, count: int) -> None:
    """What is open is counted from then on, as if the limit had always been."""
    front = start("", count=count)
    without = front.file.read_text()
    with many(4, front.port) as clients, Client(front.port) as fifth:
        assert [upgrade(one, "/user/alice/x").status for one in clients] == [101] * 4
        assert fifth.ask("/").status == 200
        reload(front, without + "connections-per-client = 5\ntunnels-per-user = 4\n")
        assert once(front.port) == 429
        assert upgrade(fifth, "/user/alice/x").status == 429
        reload(front, without)
        assert upgrade(fifth, "/user/alice/x").status == 101
        clients.pop().close()
        reload(front, without + "connections-per-client = 5\ntunnels-per-user = 4\n")
        with Client(front.port) as sixth:
            assert upgrade(sixth, "/user/alice/x").status == 429  # four, with the fifth's
            assert once(front.port) == 429
            clients.pop().close()
            assert eventually(lambda: upgrade(sixth, "/user/alice/x").status == 101)

    def statuses() -> list[int]:
        with many(6, front.port) as clients:
            return [one.ask("/").status for one in clients]

    assert eventually(lambda: statuses() == [200] * 5 + [429])  # nothing is below nothing


def reload(front: Front, text: str) -> None:
    count = front.log().count("perijove: reloaded")
    front.write(text)
    front.signal(signal.SIGHUP)
    assert eventually(lambda: front.log().count("perijove: reloaded") == count + 1), front.log()


def test_metrics(start: Start) -> None:
    port = free_port()
    front = start(
        'requests-per-client = "1/m"\nburst = 10\ntunnels-per-user = 1\nconnections-per-client = 5\nbody = 10',
        f'metrics = "127.0.0.1:{port}"',
    )
    with many(5, front.port) as clients:
        assert upgrade(clients[0], "/user/alice/x").status == 101
        assert upgrade(clients[1], "/user/alice/x").status == 429
        assert once(front.port) == 429  # not counted as a request: it is refused before
        assert [clients[2].ask("/").status for _ in range(9)] == [200] * 8 + [429]
    assert eventually(lambda: once(front.port) == 429)
    with bound("127.0.0.9", front.port) as client:
        assert client.ask("/", method="POST", content=bytes(11)).status == 413
    with Client(port) as client:
        client.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        page = client.response().content.decode()
    found = dict(re.findall(r'perijove_limited_total\{limit="([a-z-]+)",worker="0"\} ([0-9.]+)', page))
    assert float(found["body"]) == 1
    assert float(found["tunnels-per-user"]) == 1
    assert float(found["requests-per-client"]) >= 1
    assert float(found["connections"]) == 0
    assert float(found["connections-per-client"]) >= 1


def test_chunked_content_beyond_the_limit(start: Start) -> None:
    front = start("body = 10")
    with Client(front.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n" + bytes(20) + b"\r\n0\r\n\r\n")
        assert client.response().status == 413
    assert eventually(lambda: "limits.body is 10" in front.log())
