"""What passes through: bodies of every framing, as they arrive, over every kind of connection."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.server.parts import WAIT, Application, Client, Conversation, Front, Handler, Origin, answer, ask, pattern

TWENTY = 20_000_000


def test_connections_are_kept_on_both_sides(front: Front, origin: Origin) -> None:
    with Client(front.port) as client:
        for _ in range(10):
            assert client.ask("/").content == b"hello"
    assert origin.accepted == 1


def test_target_and_host_go_on_byte_for_byte(front: Front, application: Application) -> None:
    for target in ("/a%2Fb//c;d=e?", "/?", "/%E4%ff?x=%2F", "/a/./b", "//a", "/'()*,\"<>\\^`{|}"):
        ask(front.port, target)
        assert application.heads[-1].target == target.encode()
        assert application.heads[-1].all(b"host") == [b"hub.example:8443"]


def test_pipelined(front: Front) -> None:
    with Client(front.port) as client:
        requests = b"".join(b"GET /bytes/%d HTTP/1.1\r\nHost: a\r\n\r\n" % size for size in range(200))
        client.send(requests)
        for size in range(200):
            assert client.response().content == pattern(size)


@pytest.mark.parametrize("target", ["/bytes/5", "/chunks", "/until-close"])
def test_http_1_0_client(front: Front, target: str) -> None:
    with Client(front.port) as client:
        client.send(f"GET {target} HTTP/1.0\r\n\r\n".encode())
        got = client.response()
        assert len(got.content) == 5
        assert got.get(b"transfer-encoding") is None
        assert client.ended()


def test_http_1_0_keep_alive(front: Front) -> None:
    with Client(front.port) as client:
        for _ in range(3):
            client.send(b"GET /bytes/5 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            got = client.response()
            assert got.content == pattern(5)
            assert got.get(b"connection") == b"keep-alive"


def test_http_1_0_server(fronts: Callable[..., Front], origins: Callable[..., Origin]) -> None:
    def old(conversation: Conversation) -> None:
        head = conversation.head()
        assert head is not None
        conversation.send(b"HTTP/1.0 200 OK\r\n\r\nold " + head.target)

    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origins(old).url}"')
    with Client(front.port) as client:
        for target in (b"/1", b"/2"):
            assert client.ask(target.decode()).content == b"old " + target


def test_head_204_304(fronts: Callable[..., Front], origins: Callable[..., Origin]) -> None:
    def handler(conversation: Conversation) -> None:
        while (head := conversation.head()) is not None:
            if head.target == b"/304":
                conversation.send(b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 7\r\n\r\n')
            elif head.target == b"/204":
                conversation.send(b"HTTP/1.1 204 No Content\r\n\r\n")
            else:
                conversation.send(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" + (b"" if head.first[0] == b"HEAD" else b"content")
                )

    origin = origins(handler)
    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"')
    with Client(front.port) as client:
        for _ in range(3):
            assert client.ask("/", method="HEAD").get(b"content-length") == b"7"
            assert client.ask("/304").get(b"content-length") == b"7"
            assert client.ask("/204").get(b"content-length") is None
            assert client.ask("/").content == b"content"
    assert origin.accepted == 1


def test_chunked_both_ways(front: Front, application: Application) -> None:
    with Client(front.port) as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b"3\r\nabc\r\n", b"1;x=y\r\n", b"d\r\n", b"0\r\nX-T: 1\r\n\r\n"):
            client.send(piece)
        assert client.response().content == b"abcd"
        assert application.heads[-1].get(b"content-length") is None
        assert client.ask("/chunks").content == b"abcde"
        assert client.ask("/until-close").content == b"abcde"  # framed anew: the client's connection stays
        assert client.ask("/").content == b"hello"


def test_expect_continue(front: Front) -> None:
    with Client(front.port) as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        client.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):  # the server behind is asked, not answered for; ours does not care for Expect
            client.sock.recv(1)
        client.sock.settimeout(WAIT)
        client.send(b"abc")
        assert client.response().content == b"abc"


def test_interim_responses(fronts: Callable[..., Front], origins: Callable[..., Origin]) -> None:
    def handler(conversation: Conversation) -> None:
        head = conversation.head()
        assert head is not None
        conversation.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        conversation.content(head)
        conversation.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(b"done"))

    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origins(handler).url}"')
    with Client(front.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        first = client.head()
        assert first is not None
        assert first.first[1] == b"100"
        client.send(b"abc")
        hints = client.head()
        assert hints is not None
        assert (hints.first[1], hints.get(b"link")) == (b"103", b"</a>")
        assert client.response().content == b"done"


def test_events_arrive_as_they_are_sent(front: Front, application: Application) -> None:
    with Client(front.port) as client:
        client.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.head() is not None
        assert client.until(b"data: 1\n\n\r\n").endswith(b"data: 1\n\n\r\n")  # while the server waits for `go`
        application.go.set()
        assert client.chunked() == b"data: 2\n\n"


def test_an_upload_arrives_as_it_is_sent(fronts: Callable[..., Front], origins: Callable[..., Origin]) -> None:
    first = threading.Event()

    def handler(conversation: Conversation) -> None:
        head = conversation.head()
        assert head is not None
        assert conversation.exactly(5) == b"first"
        first.set()
        assert conversation.exactly(6) == b"second"
        conversation.send(answer(b"both"))

    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origins(handler).url}"')
    with Client(front.port) as client:
        client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nfirst")
        assert first.wait(WAIT)
        client.send(b"second")
        assert client.response().content == b"both"


def exchange_20_mb(connection: http.client.HTTPConnection) -> None:
    data = pattern(TWENTY)
    connection.request("GET", f"/bytes/{TWENTY}")
    assert connection.getresponse().read() == data
    connection.request("PUT", "/echo", body=data)
    assert connection.getresponse().read() == data
    connection.request("PUT", "/echo", body=iter([data[:7], data[7:]]), encode_chunked=True)
    assert connection.getresponse().read() == data
    connection.close()


def test_20_mb(front: Front) -> None:
    exchange_20_mb(http.client.HTTPConnection("127.0.0.1", front.port, timeout=WAIT))


def test_20_mb_over_tls_both_sides(secured: Callable[[Handler], Front], client_tls: ssl.SSLContext) -> None:
    front = secured(Application())
    exchange_20_mb(http.client.HTTPSConnection("localhost", front.port, timeout=WAIT, context=client_tls))
    with Client(front.port, tls=client_tls) as client:
        assert client.ask("/seen").content.count(b"X-Forwarded-Proto: https") == 1
        assert client.sock.selected_alpn_protocol() is None  # type: ignore[attr-defined]
        client.send(b"".join(b"GET /bytes/%d HTTP/1.1\r\nHost: a\r\n\r\n" % size for size in (100_000, 20_000, 3)))
        for size in (100_000, 20_000, 3):
            assert client.response().content == pattern(size)


@pytest.mark.parametrize("name", ["wrong.example", None])
def test_an_upstream_certificate_is_verified(
    fronts: Callable[..., Front],
    origins: Callable[..., Origin],
    certificate: dict[str, Path],
    server_tls: ssl.SSLContext,
    name: str | None,
) -> None:
    """Neither another name's nor one of an authority that was not named is taken; with `verify = false` both are."""
    origin = origins(Application(), tls=server_tls)
    trusted = f'ca = "{certificate["ca"]}"\nserver-name = "{name}"' if name else ""
    text = f'listen = "127.0.0.1:{{port}}"\n[[route]]\nupstream = "u"\n[upstream.u]\nurl = "https://127.0.0.1:{origin.port}"\n{trusted}\n'
    assert ask(fronts(text).port).status == 502
    assert ask(fronts(text + "verify = false\n").port).status == 200


def test_alpn(fronts: Callable[..., Front], origin: Origin, certificate: dict[str, Path], authority: object) -> None:
    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\n[tls]\ncert = "{certificate["pair"]}"\nkey = "{certificate["pair"]}"\n'
    )
    context = ssl.create_default_context(cafile=str(certificate["ca"]))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with Client(front.port, tls=context) as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"  # type: ignore[attr-defined]
        assert client.ask("/").status == 200


def test_plain_http_on_a_tls_listener(
    fronts: Callable[..., Front], origin: Origin, certificate: dict[str, Path], client_tls: ssl.SSLContext
) -> None:
    front = fronts(
        f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"\n[tls]\ncert = "{certificate["pair"]}"\nkey = "{certificate["pair"]}"\n'
    )
    with Client(front.port) as client:
        got = client.ask("/")
        assert got.status == 400
        assert b"https" in got.content
    with Client(front.port) as client:
        client.send(b"neither\r\n")
        assert client.ended()
    with Client(front.port, tls=client_tls) as client:
        assert client.ask("/").status == 200


def test_ipv6_unix_and_names(fronts: Callable[..., Front], origins: Callable[..., Origin], tmp_path: Path) -> None:
    application = Application()
    six = origins(application, family=socket.AF_INET6)
    path = origins(application, path=str(tmp_path / "origin"))
    named = origins(application)
    assert path.port == 0
    front = fronts(
        f'listen = ["[::1]:{{port}}", "unix:{tmp_path}/front"]\n'
        f'[[route]]\npath = "/six/"\nto = "http://[::1]:{six.port}"\n'
        f'[[route]]\npath = "/unix/"\nto = "unix:{tmp_path}/origin"\n'
        f'[[route]]\npath = "/name/"\nto = "http://localhost:{named.port}"\n'
    )
    for settings in ({"host": "::1"}, {"path": f"{tmp_path}/front"}):
        with Client(front.port, **settings) as client:  # type: ignore[arg-type]
            for target in ("/six/x", "/unix/x", "/name/x"):
                assert client.ask(target).content == b"hello", target
    front.stop()
    assert not (tmp_path / "front").exists()
