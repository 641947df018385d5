"""What the server tests are made of: perijove in a process of its own, servers behind it that do as they are told, raw clients."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from perijove.demo.processes import Process, descendants, free_port

WAIT = 30.0  # seconds for which anything may take; what is quick fails quickly all the same
LATE = 5.0  # seconds by which what is in time may be late: the machine may be busy with something else


def eventually(true: Callable[[], object], seconds: float = WAIT) -> bool:
    """Wait until something is true; tell whether it became so."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def pattern(size: int) -> bytes:
    """Octets that differ from place to place, so that any that are lost or doubled show."""
    block = b"".join(b"%08x" % number for number in range(0, min(size, 1 << 20) + 8, 8))
    return (block[: 1 << 20] * (size // (1 << 20) + 1))[:size]


# ------------------------------------------------------------------ perijove


def workers(pid: int) -> list[int]:
    """Tell which processes serve for one that was started; any may end while it is looked at."""
    found: list[int] = []
    for child in descendants(pid):
        with contextlib.suppress(OSError):  # FileNotFoundError, ProcessLookupError: it has ended since
            if b"server.child" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
    return found


def runs(pid: int) -> bool:
    """Tell whether a process is there; one that has ended, and that nobody has asked for yet, is not (proc(5), state Z)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def quiet(spent: Callable[[], float], limit: float, seconds: float = 3.0) -> bool:
    """Tell whether so many seconds come in which no more CPU is spent; what was begun before may take its time."""

    def one() -> bool:
        before = spent()
        time.sleep(seconds)
        return spent() - before <= limit

    return any(one() for _ in range(4))


_PORTS = 3  # free ones that are tried


class Front:
    """`perijove serve` with a TOML file, or another dialect's; `{port}` in it is a free port, which is `port`."""

    def __init__(self, folder: Path, text: str, *, port: int = 0, dialect: str = "toml") -> None:
        for _ in range(_PORTS):
            self.port = port or free_port()
            self.file = folder / f"{self.port}.{dialect}"
            self.write(text)
            command = [sys.executable, "-m", "perijove", "serve", str(self.file)]
            self.process = Process("perijove", command, folder / f"{self.port}.log")
            if not eventually(lambda: "listening on" in self.log() or self.process.exited() is not None, WAIT):
                raise AssertionError(self.log())
            if port or "already in use" not in self.log():  # another test of the machine may have been faster
                break

    def write(self, text: str) -> None:
        self.file.write_text(text.replace("{port}", str(self.port)))

    def log(self) -> str:
        return self.process.log.read_text()

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    @property
    def workers(self) -> list[int]:
        """The processes that serve."""
        return workers(self.process.pid)

    @property
    def worker(self) -> int:
        """The one that serves."""
        (pid,) = self.workers
        return pid

    def cpu(self) -> float:
        """Seconds of CPU so far, of all threads (proc(5), schedstat: nanoseconds)."""
        total = 0
        for task in Path(f"/proc/{self.worker}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def rss(self) -> float:
        """Resident memory, MiB."""
        pages = int(Path(f"/proc/{self.worker}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.worker}/fd"))

    def exited(self, seconds: float = WAIT) -> bool:
        return eventually(lambda: self.process.exited() is not None, seconds)

    def stop(self) -> None:
        self.process.stop(5.0)


# ------------------------------------------------------------------ behind it


@dataclass
class Head:
    """A head as it came over the wire."""

    raw: bytes
    first: list[bytes] = field(default_factory=list)
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        line, _, rest = self.raw.partition(b"\r\n")
        self.first = line.split(b" ", 2)
        for one in rest.split(b"\r\n"):
            name, colon, value = one.partition(b":")
            if colon:
                self.fields.append((name.lower(), value.strip()))

    def get(self, name: bytes) -> bytes | None:
        return next((value for known, value in self.fields if known == name), None)

    def all(self, name: bytes) -> list[bytes]:
        return [value for known, value in self.fields if known == name]

    @property
    def target(self) -> bytes:
        return self.first[1]


class Conversation:
    """A connection that is read message by message."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(WAIT)
        self.buffer = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def more(self) -> bool:
        """Read what there is; False at the end."""
        data = self.sock.recv(1 << 18)
        self.buffer += data
        return bool(data)

    def until(self, mark: bytes) -> bytes:
        """Return what comes up to and with `mark`, or up to the end."""
        start = 0
        while (at := self.buffer.find(mark, start)) < 0:
            start = max(0, len(self.buffer) - len(mark))
            if not self.more():
                out, self.buffer = self.buffer, b""
                return out
        out, self.buffer = self.buffer[: at + len(mark)], self.buffer[at + len(mark) :]
        return out

    def exactly(self, size: int) -> bytes:
        """Return `size` octets, or what there was before the end."""
        pieces = [self.buffer[:size]]
        self.buffer = self.buffer[size:]
        left = size - len(pieces[0])
        while left:
            data = self.sock.recv(min(left, 1 << 20))
            if not data:
                break
            pieces.append(data)
            left -= len(data)
        return b"".join(pieces)

    def rest(self) -> bytes:
        """Return everything up to the end. Raises ConnectionResetError if that is a reset."""
        while self.more():
            pass
        out, self.buffer = self.buffer, b""
        return out

    def head(self) -> Head | None:
        """Return the next head, or None at the end."""
        raw = self.until(b"\r\n\r\n")
        return Head(raw) if raw.endswith(b"\r\n\r\n") else None

    def chunked(self) -> bytes:
        """Return chunked content, its trailer left out. Strict: anything odd is an AssertionError."""
        content = b""
        while True:
            line = self.until(b"\r\n")
            assert re.fullmatch(rb"[0-9a-fA-F]+(;[^\r\n]*)?\r\n", line), (line, len(content))
            size = int(line.split(b";")[0], 16)
            if size == 0:
                while self.until(b"\r\n") != b"\r\n":
                    pass
                return content
            piece = self.exactly(size + 2)
            assert len(piece) == size + 2, "cut"
            assert piece.endswith(b"\r\n")
            content += piece[:-2]

    def content(self, head: Head) -> bytes:
        """Return a request's content."""
        if head.get(b"transfer-encoding"):
            return self.chunked()
        return self.exactly(int(head.get(b"content-length") or 0))

    def reset(self) -> None:
        """End with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        self.sock.close()


Handler = Callable[[Conversation], None]


def _bind(sock: socket.socket, host: str, port: int) -> None:
    """Bind to a port, or to any that the system does not give away by itself.

    Notebooks' kernels are told such a port seconds before they listen on it: in tests beside these it would be taken.
    """
    while True:
        try:
            sock.bind((host, port or free_port()))
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE:
                raise
        else:
            return


class Origin:
    """A server behind perijove: `handler` is given each connection, in a thread of its own."""

    def __init__(
        self,
        handler: Handler,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        family: int = socket.AF_INET,
        path: str = "",
    ) -> None:
        self.handler = handler
        self.heads: list[Head] = []  # of the requests of `served`
        self.accepted = 0
        self.open: set[socket.socket] = set()
        self.faults: list[BaseException] = []
        self._tls = tls
        self._threads: list[threading.Thread] = []
        self._socket = socket.socket(socket.AF_UNIX if path else family)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if path:
            self._socket.bind(path)
        else:
            _bind(self._socket, "::1" if family == socket.AF_INET6 else "127.0.0.1", port)
        self._socket.listen(4096)
        self.port = 0 if path else self._socket.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            self.accepted += 1
            if self.port:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.open.add(sock)
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        used = sock
        try:
            if self._tls is not None:
                used = self._tls.wrap_socket(sock, server_side=True)
                self.open.discard(sock)
                self.open.add(used)
            self.handler(Conversation(used))
        except OSError:
            pass  # the other side went away, or the test did
        except BaseException as error:
            self.faults.append(error)
        finally:
            self.open.discard(used)
            used.close()

    def stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._socket.close()
        self._accepting.join(WAIT)

    def stop(self) -> None:
        """End it as a killed process ends: nothing is listening, every connection is closed."""
        self.stop_listening()
        for sock in list(self.open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(WAIT)
        assert not self.faults, self.faults


def answer(content: bytes = b"", status: bytes = b"200 OK", fields: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, fields, len(content), content)


class Application:
    """An ordinary server: what it does is in the path."""

    def __init__(self) -> None:
        self.heads: list[Head] = []
        self.go = threading.Event()  # what it waits for in the middle of /slow and /events

    def __call__(self, conversation: Conversation) -> None:
        while (head := conversation.head()) is not None:
            self.heads.append(head)
            path = head.target.split(b"?")[0].decode()
            content = conversation.content(head)
            _, _, rest = path[1:].partition("/")
            if path.startswith("/bytes/"):
                data = pattern(int(rest))
                conversation.send(answer(b"") if not data else b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data))
                if head.first[0] != b"HEAD" and data:
                    conversation.send(data)
            elif path == "/echo":
                conversation.send(answer(content))
            elif path == "/seen":
                conversation.send(answer(head.raw))
            elif path == "/chunks":
                conversation.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")
            elif path == "/until-close":
                conversation.send(b"HTTP/1.1 200 OK\r\n\r\nabcde")
                return
            elif path == "/events":
                conversation.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
                self.go.wait(WAIT)
                conversation.send(b"data: 2\n\n")
                return
            elif path == "/ws":
                conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
                while conversation.buffer or conversation.more():
                    data, conversation.buffer = conversation.buffer, b""
                    conversation.send(data)
                conversation.send(b"bye")  # the other side has ended; it may still be told something
                return
            elif path == "/hang":
                conversation.rest()
                return
            else:
                conversation.send(answer(b"hello"))


# ------------------------------------------------------------------ clients


@dataclass
class Answer:
    """A response."""

    head: Head
    content: bytes

    @property
    def status(self) -> int:
        return int(self.head.first[1])

    def get(self, name: bytes) -> bytes | None:
        return self.head.get(name)


class Client(Conversation):
    """A client that sends octets as they are."""

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", path: str = "") -> None:
        if path:
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(path)
        else:
            sock = socket.create_connection((host, port), WAIT)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            sock = tls.wrap_socket(sock, server_hostname="localhost", suppress_ragged_eofs=False)
        super().__init__(sock)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *why: object) -> None:
        self.close()

    def ask(self, target: str, *, method: str = "GET", fields: bytes = b"", content: bytes | None = None) -> Answer:
        """Send a request and return its response."""
        length = b"" if content is None else b"Content-Length: %d\r\n" % len(content)
        first = f"{method} {target} HTTP/1.1\r\nHost: hub.example:8443\r\n".encode()
        self.send(first + fields + length + b"\r\n" + (content or b""))
        return self.response(method)

    def response(self, method: str = "GET") -> Answer:
        """Read a final response, interim ones left out. Strict about its framing."""
        while True:
            head = self.head()
            assert head is not None, f"the connection ended without a response: {self.buffer!r}"
            if not head.first[1].startswith(b"1") or head.first[1] == b"101":
                break
        status = int(head.first[1])
        if method == "HEAD" or status in (101, 204, 304):
            return Answer(head, b"")
        if head.get(b"transfer-encoding"):
            return Answer(head, self.chunked())
        length = head.get(b"content-length")
        if length is None:
            return Answer(head, self.rest())
        content = self.exactly(int(length))
        assert len(content) == int(length), "cut"
        return Answer(head, content)

    def upgrade(self, target: str = "/ws", fields: bytes = b"") -> Answer:
        """Ask for a WebSocket."""
        asked = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
        return self.ask(target, fields=asked + fields)

    def ended(self, seconds: float = WAIT) -> bool:
        """Tell whether the connection ends, by FIN or by RST, with nothing more to read."""
        self.sock.settimeout(seconds)
        try:
            return not self.buffer and self.sock.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            self.sock.settimeout(WAIT)


def ask(port: int, target: str = "/", *, tls: ssl.SSLContext | None = None, **settings: object) -> Answer:
    """One request on a connection of its own."""
    with Client(port, tls=tls) as client:
        return client.ask(target, **settings)  # type: ignore[arg-type]


@contextlib.contextmanager
def download(port: int, target: str) -> Iterator[http.client.HTTPResponse]:
    """A response that is read piece by piece."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
    connection.request("GET", target)
    response = connection.getresponse()
    try:
        yield response
    finally:
        response.close()
        connection.close()


class Load:
    """Requests on new and on kept connections, all the time."""

    def __init__(self, port: int) -> None:
        self.statuses: Counter[object] = Counter()
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(kept,)) for kept in (True, True, False, False)]
        for one in self._threads:
            one.start()

    def _run(self, kept: bool) -> None:
        client = Client(self._port)
        while not self._stop.is_set():
            try:
                got = client.ask("/")
                self.statuses[got.status] += 1
                again = not kept or got.get(b"connection") == b"close"
            except (OSError, AssertionError) as error:
                self.statuses[type(error).__name__] += 1
                again = True
            if again:
                client.close()
                client = Client(self._port)
        client.close()

    def stop(self) -> Counter[object]:
        self._stop.set()
        for one in self._threads:
            one.join()
        return self.statuses
