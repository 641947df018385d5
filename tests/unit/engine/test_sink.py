"""Where lines go: whole, or not at all, and counted; and never waiting."""

import contextlib
import os
import pty
import resource
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from perijove.engine.sink import File, Pipe, Stream, over


def numbered(count: int, first: int = 0) -> list[bytes]:
    """Long lines that tell where they belong."""
    return [b"%07d %b\n" % (number, b"." * 190) for number in range(first, first + count)]


class Ends:
    """A pipe."""

    def __init__(self, blocking: bool = False) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self.writer, False)
        self._blocking = blocking

    def sink(self) -> Pipe:
        os.set_blocking(self.writer, self._blocking)
        made = over(self.writer)
        assert type(made) is Pipe
        return made

    def read(self) -> bytes:
        data = b""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.reader, 1 << 20):
                data += piece
        return data

    def fill(self) -> None:
        """Leave no room."""
        os.set_blocking(self.writer, False)
        for size in (65536, 4096, 1):
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(self.writer, b"#" * size)
        os.set_blocking(self.writer, self._blocking)


@pytest.fixture(params=[False, True], ids=["non-blocking", "blocking"])
def pipe(request: pytest.FixtureRequest) -> Iterator[Ends]:
    made = Ends(request.param)
    yield made
    os.close(made.reader)
    os.close(made.writer)


# ------------------------------------------------------------------ pipes


def test_lines_are_written(pipe: Ends) -> None:
    sink = pipe.sink()
    assert sink.write([b"one\n", b"two\n"]) == 0
    assert pipe.read() == b"one\ntwo\n"
    assert sink.write([b"three\n"]) == 0
    assert pipe.read() == b"three\n"


def test_a_full_pipe_loses_lines_and_counts_them(pipe: Ends) -> None:
    sink = pipe.sink()
    pipe.fill()
    begun = time.monotonic()
    assert sink.write([b"one\n", b"two\n"]) == 2
    assert time.monotonic() - begun < 1.0
    pipe.read()
    assert sink.write([b"three\n"]) == 0
    assert pipe.read() == b"three\n"


def test_a_pipe_takes_whole_lines_only(pipe: Ends) -> None:
    """Others may write to it, too: a line that is half written would be joined to one of theirs."""
    sink = pipe.sink()
    lines = numbered(1000)
    lost = sink.write(lines)
    got = pipe.read()
    assert 0 < lost < 1000
    assert got == b"".join(lines[: 1000 - lost])
    assert sink.write([b"end\n"]) == 0
    assert pipe.read() == b"end\n"


def test_a_line_that_is_too_long_loses_its_end(pipe: Ends) -> None:
    sink = pipe.sink()
    assert sink.write([b"a\n", b"x" * 10000 + b"\n", b"b\n"]) == 0
    assert pipe.read() == b"a\n" + b"x" * (sink.most - 1) + b"\nb\n"


def test_a_pipe_that_nobody_will_read_any_more() -> None:
    reader, writer = os.pipe()
    sink = over(writer)
    os.close(reader)
    assert sink.write([b"one\n", b"two\n"]) == 2
    sink.close()


def test_a_terminal_that_takes_a_part_gets_the_rest_later() -> None:
    """A terminal takes less than a pipe: what is there of a line is completed before anything else is said."""
    leader, follower = pty.openpty()
    os.set_blocking(leader, False)
    os.set_blocking(follower, False)
    sink = over(follower)
    try:
        lost, sent, text = 0, 0, b""
        for turn in range(20):
            lost += sink.write(numbered(200, sent))
            sent += 200
            if turn % 5 == 4:
                time.sleep(0.05)
                with contextlib.suppress(BlockingIOError):
                    while piece := os.read(leader, 65536):
                        text += piece
                        time.sleep(0.001)
        lost += sink.write([b"end\n"])
        time.sleep(0.05)
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(leader, 65536):
                text += piece
        lines = text.replace(b"\r", b"").splitlines(keepends=True)
        assert lost
        assert all(len(one) == 199 or one == b"end\n" for one in lines), [one for one in lines if len(one) != 199]
        assert len(lines) == sent + 1 - lost
    finally:
        sink.close()
        os.close(leader)


# ------------------------------------------------------------------ sockets


def test_a_stream_socket_is_not_waited_for() -> None:
    near, far = socket.socketpair()
    assert near.getblocking()
    sink = over(near.detach())
    assert type(sink) is Stream
    lost = sink.write(numbered(5000))
    assert lost
    far.setblocking(False)
    text = b""
    with contextlib.suppress(BlockingIOError):
        while True:
            text += far.recv(1 << 20)
    assert text == b"".join(numbered(5000 - lost))
    sink.close()
    far.close()


# ------------------------------------------------------------------ files


@pytest.fixture
def file(tmp_path: Path) -> Iterator[tuple[Path, File]]:
    path = tmp_path / "log"
    sink = over(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    assert isinstance(sink, File)
    yield path, sink
    sink.close()


@contextlib.contextmanager
def room(octets: int) -> Iterator[None]:
    """Have files grow no larger than so many octets (setrlimit(2)): what a full disk does, for this process only."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_all_lines_are_written_to_a_file(file: tuple[Path, File]) -> None:
    path, sink = file
    assert sink.write(numbered(1000)) == 0
    assert path.read_bytes() == b"".join(numbered(1000))


@pytest.mark.parametrize("octets", [0, 1, 198, 199, 200, 10 * 199, 10 * 199 + 5])
def test_a_disk_that_becomes_full_in_the_middle_of_a_line(file: tuple[Path, File], octets: int) -> None:
    path, sink = file
    with room(octets):
        assert sink.write(numbered(20)) == 20 - octets // 199
        assert sink.write(numbered(1, 20)) == 1
        assert path.read_bytes() == b"".join(numbered(octets // 199))
    assert sink.write([b"end\n"]) == 0
    assert path.read_bytes() == b"".join(numbered(octets // 199)) + b"end\n"


def test_a_line_of_another_process_is_not_joined_to_half_of_ours(file: tuple[Path, File]) -> None:
    path, sink = file
    other = over(os.open(path, os.O_WRONLY | os.O_APPEND))
    with room(5 * 199 + 70):
        assert sink.write(numbered(20)) == 15
    assert other.write([b"other\n"]) == 0
    assert sink.write([b"end\n"]) == 0
    assert path.read_bytes() == b"".join(numbered(5)) + b"other\nend\n"
    other.close()


def test_what_cannot_be_taken_back_is_completed(file: tuple[Path, File], monkeypatch: pytest.MonkeyPatch) -> None:
    path, sink = file

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "ftruncate", refuse)  # chattr(1) +a does so, but not in every container
    with room(5 * 199 + 70):
        assert sink.write(numbered(20)) == 14
        assert sink.write(numbered(1, 20)) == 1
    with room(5 * 199 + 90):
        assert sink.write(numbered(1, 21)) == 1
    assert sink.write([b"end\n"]) == 0
    assert path.read_bytes() == b"".join(numbered(6)) + b"end\n"


def test_a_file_that_is_not_only_appended_to(tmp_path: Path) -> None:
    """`2>FILE` of a shell: others write to it from where they are, so nothing is cut off."""
    fd = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    sink = over(os.dup(fd))
    assert type(sink) is Pipe
    os.write(fd, b"before\n")
    with room(7 + 199 + 70):
        assert sink.write(numbered(20)) == 18
    os_end = sink.write([b"end\n"])
    assert os_end == 0
    assert (tmp_path / "log").read_bytes() == b"before\n" + b"".join(numbered(2)) + b"end\n"
    sink.close()
    os.close(fd)


def test_a_disk_that_is_full() -> None:
    sink = over(os.open("/dev/full", os.O_WRONLY))
    assert sink.write([b"one\n", b"two\n"]) == 2
    sink.close()
