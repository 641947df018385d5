"""A request's head as it goes upstream; see `script`."""

from tests.unit.engine.script import GET, SENT, Script, forward, owning

from perijove.engine import plan
from perijove.engine.buffer import Buffer
from perijove.engine.const import FOUND
from perijove.engine.exchange import Exchange
from perijove.engine.head import Limits, RequestHead
from perijove.engine.peer import Peer
from perijove.engine.plan import FieldEdit
from perijove.engine.request import write_request


def test_the_target_goes_on_byte_for_byte() -> None:
    target = b"/user/%C3%A9/a%2Fb//c;d=e/./%7e?x=%2f&&y="
    Script(b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n" % target).expect(upstream=b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n" % target)
    Script(b"GET /? HTTP/1.1\r\nHost: h\r\n\r\n").expect(upstream=b"GET /? HTTP/1.1\r\nHost: h\r\n\r\n")


def test_a_length_of_zero_is_kept() -> None:
    Script(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").expect(
        upstream=b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
    )


def test_another_upgrade_is_a_plain_request() -> None:
    Script(
        b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n"
    ).expect(upstream=SENT)


def test_hop_by_hop_fields_stay_behind() -> None:
    lines = b"Connection: x-a\r\nX-A: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: x\r\nProxy-Connection: y\r\nProxy: z\r\n"
    Script(b"GET /a HTTP/1.1\r\nHost: h\r\n%bProxy-Authorization: q\r\n\r\n" % lines).expect(upstream=SENT)


FORGED = b"X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX_Real_IP: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\nX-Scheme: https\r\n"


def test_an_untrusted_client_tells_nothing_of_itself() -> None:
    Script(b"GET /a HTTP/1.1\r\nHost: h:81\r\n" + FORGED + b"\r\n", plan=owning()).expect(
        upstream=b"GET /a HTTP/1.1\r\nHost: h:81\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"
        b"X-Forwarded-Host: h:81\r\nX-Forwarded-Port: 81\r\nX-Scheme: http\r\nX-Real-IP: 192.0.2.1\r\n\r\n"
    )


def test_an_untrusted_client_tells_nothing_of_itself_with_a_later_request_either() -> None:
    exchange, decided = Exchange(Peer(b"192.0.2.1", 5, b"http", 80, False)), owning()
    sent = []
    for _ in range(3):
        head, source, out = RequestHead(), Buffer(), Buffer()
        source.append(b"GET /a HTTP/1.1\r\nHost: h\r\n" + FORGED + b"\r\n")
        assert head.scan(source, Limits()) == FOUND
        exchange.begin(head, decided)
        write_request(exchange, head, out)
        sent.append(out.copy())
    assert b"1.1.1.1" not in sent[0]
    assert sent == sent[:1] * 3


def test_absolute_form_replaces_host() -> None:
    Script(b"GET http://real/x HTTP/1.1\r\nHost: other\r\n\r\n").expect(upstream=b"GET /x HTTP/1.1\r\nHost: real\r\n\r\n")


def test_host_of_the_upstream_where_it_is_not_kept() -> None:
    Script(GET, plan=forward(preserve_host=False)).expect(upstream=b"GET /a HTTP/1.1\r\nHost: up:80\r\n\r\n")


def test_a_plan_holds_nothing_of_a_request() -> None:
    """Two clients of different identity, turn about, over one plan: each is told of itself only."""
    shared = owning(edits=(FieldEdit(b"X-Path", ((plan.PATH, b""),)),), varies=True)
    for number in range(4):
        path = b"/%d" % number
        sent = Script(b"GET %b HTTP/1.1\r\nHost: h%d\r\n\r\n" % (path, number), plan=shared).play().upstream
        assert b"X-Path: %b\r\n" % path in sent
        assert b"X-Forwarded-Host: h%d\r\n" % number in sent
