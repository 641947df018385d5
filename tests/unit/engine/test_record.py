"""The access log: what a line says, what it keeps to itself, and that nobody waits for it."""

import os
import re
import time
from collections.abc import Iterator

import pytest

from perijove.engine.buffer import Buffer
from perijove.engine.client import Client, Site
from perijove.engine.const import FORWARD, FOUND
from perijove.engine.exchange import Peer
from perijove.engine.head import Limits, RequestHead
from perijove.engine.plan import Plan, Table, Timeouts
from perijove.engine.reactor import Reactor
from perijove.engine.record import Record, masked

COMBINED = re.compile(
    rb'(?P<host>\S+) - - \[(?P<time>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d+) (?P<size>\d+) '
    rb'"(?P<referer>[^"]*)" "(?P<agent>[^"]*)"\n\Z'
)


def client() -> Client:
    site = Site(Table(None, {}, (), Timeouts()), Limits())
    return Client(Reactor(), site, Peer(b"192.0.2.7", 50000, b"https", 443, False))


def line(target: bytes = b"/a?b=c", fields: bytes = b"", status: int = 200, sent: int = 5) -> bytes:
    """Return the line for a request."""
    buffer, head, record, one = Buffer(), RequestHead(), Record(-1), client()
    buffer.append(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")
    assert head.scan(buffer, Limits()) == FOUND
    one.exchange.begin(head, Plan(FORWARD, Timeouts()))
    record.begin(one, head)
    one.exchange.status = status
    one.exchange.sent = sent
    record.finish(one)
    assert len(record.lines) == 1
    return record.lines[0]


def parts(text: bytes) -> dict[str, bytes]:
    found = COMBINED.match(text)
    assert found, text
    return found.groupdict()


def test_combined() -> None:
    before = int(time.time())
    said = parts(
        line(fields=b"Referer: https://hub.example/hub/home\r\nUser-Agent: Mozilla/5.0 (X11)\r\n", status=404, sent=77)
    )
    assert said.pop("time")
    assert said == {
        "host": b"192.0.2.7",
        "request": b"GET /a?b=c HTTP/1.1",
        "status": b"404",
        "size": b"77",
        "referer": b"https://hub.example/hub/home",
        "agent": b"Mozilla/5.0 (X11)",
    }
    stamp = parts(line())["time"].decode()
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}", stamp)
    shown = time.strptime(stamp[:-6], "%d/%b/%Y:%H:%M:%S")
    assert before <= time.mktime((*shown[:8], -1)) <= time.time()


def test_what_is_not_there_is_a_hyphen() -> None:
    said = parts(line())
    assert (said["referer"], said["agent"]) == (b"-", b"-")


def test_what_was_not_understood_is_a_hyphen() -> None:
    record, one = Record(-1), client()
    one.exchange.status = 400
    record.finish(one)
    said = parts(record.lines[0])
    assert (said["request"], said["status"], said["size"]) == (b"-", b"400", b"0")


SECRETS = [
    (b"/a?token=abc", b"/a?token=***"),
    (b"/a?b=c&token=abc&d=e", b"/a?b=c&token=***&d=e"),
    (b"/a?b=c;token=abc;d=e", b"/a?b=c;token=***;d=e"),
    (b"/hub/api/oauth2/authorize?code=x&state=y", b"/hub/api/oauth2/authorize?code=***&state=***"),
    (b"/a?access_token=x&auth_token=y&_xsrf=z&password=p", b"/a?access_token=***&auth_token=***&_xsrf=***&password=***"),
    (b"/a?token=x%20y%26z", b"/a?token=***"),
    (b"/a?token=x==", b"/a?token=***"),
    (b"/a?token=", b"/a?token="),
    (b"/a?tokens=abc&mytoken=abc", b"/a?tokens=abc&mytoken=abc"),
    (b"/token=abc", b"/token=abc"),
    (b"/a?b=token", b"/a?b=token"),
    (b"/a", b"/a"),
    (b"", b""),
]


@pytest.mark.parametrize(("target", "shown"), SECRETS)
def test_masked(target: bytes, shown: bytes) -> None:
    assert masked(target) == shown


@pytest.mark.parametrize(("target", "shown"), [secret for secret in SECRETS if secret[0]])
def test_secrets_are_written_nowhere(target: bytes, shown: bytes) -> None:
    said = parts(line(target, b"Referer: https://hub.example%b\r\n" % target))
    assert said["request"] == b"GET %b HTTP/1.1" % shown
    assert said["referer"] == b"https://hub.example" + shown


def test_a_secret_of_the_absolute_form() -> None:
    assert parts(line(b"http://a/b?token=abc"))["request"] == b"GET http://a/b?token=*** HTTP/1.1"


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        (b'a"b', rb"a\x22b"),
        (rb"a\b", rb"a\x5cb"),
        (b"a\tb", rb"a\x09b"),
        (b"\xff\xc3\xa4", rb"\xff\xc3\xa4"),
        (b'x" 200 0 "-" "y', rb"x\x22 200 0 \x22-\x22 \x22y"),
        (b"'a' b", b"'a' b"),
    ],
)
def test_quoting(agent: bytes, shown: bytes) -> None:
    text = line(fields=b"User-Agent: %b\r\nReferer: %b\r\n" % (agent, agent))
    assert text.count(b"\n") == 1
    said = parts(text)
    assert (said["agent"], said["referer"]) == (shown, shown)


def test_a_quote_in_the_target() -> None:
    assert parts(line(b'/a"b\\c'))["request"] == rb"GET /a\x22b\x5cc HTTP/1.1"


# ------------------------------------------------------------------ writing


class Pipe:
    """A log's pipe, of one page."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self.writer, False)

    def read(self) -> bytes:
        data = b""
        while True:
            try:
                piece = os.read(self.reader, 1 << 20)
            except BlockingIOError:
                return data
            if not piece:
                return data
            data += piece

    def fill(self) -> None:
        """Leave no room."""
        for size in (65536, 4096, 1):
            try:
                while True:
                    os.write(self.writer, b"#" * size)
            except BlockingIOError:
                pass


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    os.close(made.reader)
    os.close(made.writer)


def test_flush_writes_all_lines_at_once(pipe: Pipe) -> None:
    record = Record(pipe.writer)
    record.lines += [b"one\n", b"two\n"]
    record.flush()
    assert (pipe.read(), record.lines, record.dropped) == (b"one\ntwo\n", [], 0)
    record.lines.append(b"three\n")
    record.flush()
    assert pipe.read() == b"three\n"


def test_a_full_pipe_loses_lines_and_counts_them(pipe: Pipe) -> None:
    record = Record(pipe.writer)
    pipe.fill()
    record.lines += [b"one\n", b"two\n"]
    record.flush()
    assert (record.lines, record.dropped) == ([], 2)
    pipe.read()
    record.lines.append(b"three\n")
    record.flush()
    assert (pipe.read(), record.dropped) == (b"three\n", 2)


def test_a_descriptor_that_fails_loses_lines_and_counts_them(pipe: Pipe) -> None:
    record = Record(-1)
    record.lines += [b"one\n", b"two\n"]
    record.flush()
    record.lines += [b"three\n"]
    record.flush()
    assert (record.lines, record.dropped) == ([], 3)


def numbered(count: int, first: int = 0) -> list[bytes]:
    """Return long lines that tell where they belong."""
    return [b"%07d %b\n" % (number, b"." * 190) for number in range(first, first + count)]


def test_a_line_that_is_written_in_part_is_completed(pipe: Pipe) -> None:
    record = Record(pipe.writer)
    lines = numbered(1000)  # 199 octets each: no multiple of what a pipe takes
    record.lines += lines
    record.flush()
    record.lines += [b"end\n"]
    before = pipe.read()
    assert not before.endswith(b"\n")
    record.flush()
    text = before + pipe.read()
    kept = text.splitlines(keepends=True)
    # Every line that is there is whole, in order, and those that are not are counted.
    assert kept[:-1] == lines[: len(kept) - 1]
    assert kept[-1] == b"end\n"
    assert record.dropped == 1000 - (len(kept) - 1)


def test_the_rest_of_a_line_waits_until_there_is_room(pipe: Pipe) -> None:
    record = Record(pipe.writer)
    record.lines += numbered(1000)
    record.flush()
    for number in range(3):  # the pipe is full still
        record.lines += numbered(1, 2000 + number)
        record.flush()
    before = pipe.read()
    record.lines += [b"end\n"]
    record.flush()
    text = before + pipe.read()
    kept = text.splitlines(keepends=True)
    assert all(re.fullmatch(rb"\d{7} \.{190}\n|end\n", one) for one in kept), kept[-3:]
    assert kept[-1] == b"end\n"
    assert record.dropped == 1004 - len(kept)
