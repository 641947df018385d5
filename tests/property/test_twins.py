"""The leaves that exist twice give the same results: the pure form is loaded beside the compiled one.

Octets arrive cut at any point, heads and buffers are used again, and whatever can be asked of either twin is asked of both.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import types
from collections import Counter
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.property.grammar import requests, responses

from perijove import engine
from perijove.engine import buffer, fields, head, line
from perijove.engine.const import FOUND, MORE, READ_SIZE

SETTINGS = settings(max_examples=2500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
LIMITS = [(), (), (), (40, 200, 4), (20, 60, 2), (60, 100, 200), (100, 1000, 50, False, 20)]


@pytest.fixture(autouse=True, scope="module")
def compiled() -> None:
    if engine.KIND == "compiled":
        return
    if os.environ.get("PERIJOVE_PURE", "0") in ("", "0") and os.environ.get("PERIJOVE_REQUIRE_COMPILED") == "1":
        pytest.fail("the compiled engine is required, and is not built")
    pytest.skip("there is one engine only")


def pure(name: str) -> types.ModuleType:
    """Load the `.py` of a leaf under another name."""
    path = Path(engine.__file__).parent / f"{name}.py"
    loader = SourceFileLoader(f"pure_{name}", str(path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


pure_buffer, pure_head, pure_line = pure("buffer"), pure("head"), pure("line")


def test_they_are_twins() -> None:
    for one, other in ((buffer, pure_buffer), (head, pure_head), (line, pure_line)):
        assert str(one.__file__).endswith(".so")
        assert str(other.__file__).endswith(".py")
        assert one.__name__.rpartition(".")[2] == other.__name__.removeprefix("pure_")
    assert buffer.COMPILER
    assert not pure_buffer.COMPILER


# ------------------------------------------------------------------ heads

SHARED = ("size", "minor", "length", "declared", "repeats", "nominated", "keep_alive", "upgrade")
OF_REQUESTS = (*SHARED, "method", "target", "path", "host", "expect", "absolute")
OF_RESPONSES = (*SHARED, "status", "reason")
NUMBERS = range(1, fields.COUNT)


class Reader:
    """One twin: a buffer, a head, and all that it says."""

    def __init__(self, buffers: Any, heads: Any, limits: tuple[int, ...], to_head: bool | None) -> None:
        self.buffer = buffers.Buffer()
        self.out = buffers.Buffer()
        self.limits = heads.Limits(*limits)
        self.to_head = to_head  # None: requests are read
        self.head = heads.RequestHead() if to_head is None else heads.ResponseHead()

    def scan(self) -> int:
        if self.to_head is None:
            return int(self.head.scan(self.buffer, self.limits))
        return int(self.head.scan(self.buffer, self.limits, self.to_head))

    def says(self, names: set[bytes], drop: int, dropped: frozenset[bytes], tail: bytes) -> list[object]:
        """Return all that can be asked of a head that was found, and what is written of it."""
        one = self.head
        said: list[object] = [(name, getattr(one, name)) for name in (OF_REQUESTS if self.to_head is None else OF_RESPONSES)]
        said += [(number, one.has(number), one.field(number), one.values(number)) for number in NUMBERS]
        said += [(name, one.named(name)) for name in sorted(names)]
        if self.to_head is None:
            one.write(self.out, one.target, drop, dropped, tail)
        else:
            one.write(self.out, drop, dropped, tail)
        said.append(self.out.copy())
        self.out.clear()
        return said

    def skip(self) -> None:
        """Take the head and as much of its content as is there off the buffer."""
        self.buffer.drop(self.head.size)
        self.buffer.drop(max(0, min(self.head.length, self.buffer.size())))


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    points = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return (data[a:b] for a, b in pairwise(points))


def compare(
    data: bytes, cuts: list[int], limits: tuple[int, ...], drop: int, dropped: set[bytes], tail: bytes, to_head: bool | None
) -> int:
    """Let both read `data`; return how many heads they found."""
    one = Reader(buffer, head, limits, to_head)
    other = Reader(pure_buffer, pure_head, limits, to_head)
    names = {line.partition(b":")[0].lower() for line in data.split(b"\r\n")}
    found = 0
    for piece in pieces(data, cuts):
        one.buffer.append(piece)
        other.buffer.append(piece)
        while True:
            verdict = one.scan()
            assert other.scan() == verdict
            if verdict == MORE:
                break
            if verdict != FOUND:
                return found
            found += 1
            assert one.says(names, drop, frozenset(dropped), tail) == other.says(names, drop, frozenset(dropped), tail)
            one.skip()
            other.skip()
            assert one.buffer.copy() == other.buffer.copy()
            if not one.buffer.size():
                break
    return found


cuts = st.lists(st.integers(0, 500), max_size=4)
limits = st.sampled_from(LIMITS)
drops = st.one_of(
    st.sampled_from([0, fields.REQUEST_DROP, fields.RESPONSE_DROP | fields.OWNED]),
    st.sets(st.sampled_from(NUMBERS), max_size=4).map(lambda chosen: fields.mask(*chosen)),
)
dropped_names = st.sets(st.sampled_from([b"a", b"0", b"x-a", b"cookie", b"x_real_ip", b"server"]), max_size=2)
tails = st.sampled_from([b"", b"Via: x\r\n", b"A: 1\r\nB: 2\r\n"])


def test_requests() -> None:
    counts: Counter[bool] = Counter()

    @SETTINGS
    @given(requests(), cuts, limits, drops, dropped_names, tails)
    @example(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked \t\r\n\r\n", [], (), 0, set(), b"")
    def check(data: bytes, cuts: list[int], limits: tuple[int, ...], drop: int, dropped: set[bytes], tail: bytes) -> None:
        # Twice the same, so that what is kept of a head for the next one is used.
        counts[compare(data + data, cuts, limits, drop, dropped, tail, None) > 1] += 1

    check()
    assert counts[True] > 0.1 * counts.total(), counts


def test_responses() -> None:
    counts: Counter[bool] = Counter()

    @SETTINGS
    @given(responses(), cuts, limits, drops, dropped_names, tails, st.booleans())
    @example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t \r\n\r\n", [], (), 0, set(), b"", False)
    def check(
        data: bytes, cuts: list[int], limits: tuple[int, ...], drop: int, dropped: set[bytes], tail: bytes, to_head: bool
    ) -> None:
        counts[compare(data + data, cuts, limits, drop, dropped, tail, to_head) > 0] += 1

    check()
    assert counts[True] > 0.3 * counts.total(), counts


# ------------------------------------------------------------------ buffers

blobs = st.one_of(st.binary(max_size=20), st.integers(0, 200_000).map(lambda size: b"0123456789abcdef" * (size // 16)))
sizes = st.one_of(st.integers(0, 30), st.integers(0, 200_000))
which = st.integers(0, 1)
operations = st.one_of(
    st.tuples(st.just("append"), which, blobs),
    st.tuples(st.sampled_from(["peek", "drop", "move", "recv", "relay"]), which, sizes),
    st.tuples(st.sampled_from(["clear", "copy", "send", "drain"]), which, st.none()),
    st.tuples(st.just("fill"), which, blobs),
)


class Pair:
    """Two buffers of one twin, and a connection to write to and one to read from."""

    def __init__(self, buffers: Any) -> None:
        self.buffers = [buffers.Buffer(), buffers.Buffer()]
        self.sockets = [*socket.socketpair(), *socket.socketpair()]
        for one in self.sockets:
            one.setblocking(False)
        self.source, self.filling, self.draining, self.sink = (one.fileno() for one in self.sockets)

    def close(self) -> None:
        for one in self.sockets:
            one.close()

    def act(self, what: str, which: int, value: Any) -> object:
        """Do one thing; return all that can be seen of it."""
        one = self.buffers[which]
        said: object = None
        try:
            if what == "append":
                one.append(value)
            elif what == "drop":
                one.drop(value)
            elif what == "peek":
                said = one.peek(value)
            elif what == "copy":
                said = one.copy()
            elif what == "clear":
                one.clear()
            elif what == "move":
                one.move(self.buffers[1 - which], min(value, one.size()))
            elif what == "recv":
                said = one.recv(self.source, min(value + 1, READ_SIZE))
            elif what == "relay":
                said = one.relay(self.source, self.sink, min(value + 1, READ_SIZE))
            elif what == "send" and one.size():
                said = one.send(self.sink)
            elif what == "fill":
                said = os.write(self.filling, value)
            elif what == "drain":
                said = os.read(self.draining, 1 << 20)
        except BlockingIOError:
            said = "full, or empty"  # the connection of the test
        return said, [(each.size(), each.peek(7)) for each in self.buffers]


@SETTINGS
@given(st.lists(operations, max_size=25))
def test_buffers(steps: list[tuple[str, int, Any]]) -> None:
    one, other = Pair(buffer), Pair(pure_buffer)
    try:
        for what, at, value in steps:
            assert one.act(what, at, value) == other.act(what, at, value)
        for at in (0, 1):
            assert one.buffers[at].copy() == other.buffers[at].copy()
    finally:
        one.close()
        other.close()


# ------------------------------------------------------------------ lines of the log

values = st.one_of(st.binary(max_size=60), st.text(st.characters(max_codepoint=126), max_size=60).map(str.encode))
names = frozenset((b"token", b"code", b"x-amz-signature", b"_xsrf"))
urls = st.lists(
    st.sampled_from([*b"?&;#=%/-", *b"aZ9_"]).map(lambda octet: bytes((octet,))) | st.sampled_from(sorted(names))
).map(b"".join)


@SETTINGS
@given(
    values, values, values, values, values, st.integers(0, 1), st.integers(0, 1 << 62), st.sampled_from([line.ALL, 0, 7, 30])
)
def test_lines(
    address: bytes, method: bytes, target: bytes, referer: bytes, agent: bytes, minor: int, sent: int, most: int
) -> None:
    said = (address, b"now", method, target, minor, 200 + minor, sent, referer, agent, most)
    assert line.combined(*said) == pure_line.combined(*said)


@SETTINGS
@given(urls)
def test_what_may_hide_something(url: bytes) -> None:
    assert line.may_hide(url, names) == pure_line.may_hide(url, names)
