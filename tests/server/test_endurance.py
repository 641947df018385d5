"""A year in two minutes: reloads, renewals, killed workers and the next instance, under constant load.

Nothing may be lost, but what was inside a worker when it was killed; memory and descriptors are flat at the end.
PERIJOVE_ENDURANCE multiplies the rounds, for a longer run.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from tests.server.parts import WAIT, Application, Client, Origin, eventually, workers

TIMES = float(os.environ.get("PERIJOVE_ENDURANCE", "1"))
RELOADS, RENEWALS, KILLS, ROLLS = int(100 * TIMES), int(10 * TIMES), int(20 * TIMES), int(3 * TIMES)
CLIENTS = 8  # connections that can be inside a worker at once
SIZE = 3_000_000  # octets of a download


class Traffic:
    """Requests on kept connections, downloads, and WebSockets, over TLS, all the time. What goes wrong is kept, by kind."""

    def __init__(self, port: int, tls: ssl.SSLContext) -> None:
        self._port = port
        self._tls = tls
        self._stop = threading.Event()
        self.done: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.cut = 0  # WebSockets that ended with a FIN
        works = [self._keep_alive] * 3 + [self._new] * 1 + [self._download] * 2 + [self._tunnel] * 2
        assert len(works) == CLIENTS
        self._threads = [threading.Thread(target=self._run, args=(work,)) for work in works]
        for one in self._threads:
            one.start()

    def _run(self, work: Callable[[Client], None]) -> None:
        while not self._stop.is_set():
            try:
                with Client(self._port, tls=self._tls) as client:
                    work(client)
            except (OSError, AssertionError) as error:
                self.lost[f"{work.__name__}: {type(error).__name__}: {error}"[:200]] += 1

    def _keep_alive(self, client: Client) -> None:
        while not self._stop.is_set():
            got = client.ask("/seen")
            assert got.status == 200, got.status
            self.done["kept"] += 1
            if got.get(b"connection") == b"close":
                return
            time.sleep(0.002)

    def _new(self, client: Client) -> None:
        assert client.ask("/").status == 200
        self.done["new"] += 1
        time.sleep(0.01)

    def _download(self, client: Client) -> None:
        got = client.ask(f"/bytes/{SIZE}")
        assert (got.status, len(got.content)) == (200, SIZE)
        self.done["downloads"] += 1
        time.sleep(0.02)

    def _tunnel(self, client: Client) -> None:
        assert client.upgrade().status == 101
        while not self._stop.is_set():
            client.send(b"ping" * 16)
            got = client.exactly(64)
            if got == b"":
                self.cut += 1
                return
            assert got == b"ping" * 16
            self.done["messages"] += 1
            time.sleep(0.005)

    def flows(self) -> bool:
        """Tell whether all kinds go on."""
        before = self.done.copy()
        return eventually(
            lambda: all(self.done[kind] > before[kind] + 3 for kind in ("kept", "new", "downloads", "messages")), WAIT
        )

    def stop(self) -> None:
        self._stop.set()
        for one in self._threads:
            one.join()


class Service:
    """perijove with a socket from systemd, as whoever is asked for, and certificates that can be renewed."""

    def __init__(self, origin: Origin, authority: trustme.CA, user: str | None, command: list[str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="perijove-endurance-"))  # not pytest's, which only its owner may enter
        self._authority = authority
        self._command = command
        self._user = user
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.port: int = self.listening.getsockname()[1]
        self.renew()
        workers = "" if user is None else f'user = "{user}"\n'
        (self.folder / "hub.toml").write_text(
            f'listen = "127.0.0.1:{self.port}"\nto = "{origin.url}"\nworkers = 2\naccess-log = "{self.folder}/log/access"\n'
            f'{workers}[tls]\ncert = "{self.folder}/cert.pem"\nkey = "{self.folder}/key.pem"\n[timeouts]\ngrace = 3\n'
        )
        (self.folder / "log").mkdir()
        self.running: list[subprocess.Popen[bytes]] = []

    def own(self, name: str) -> None:
        entry = pwd.getpwnam(name)
        for one in (self.folder, *self.folder.rglob("*")):
            os.chown(one, entry.pw_uid, entry.pw_gid)

    def renew(self) -> int:
        """Write a new certificate, then its key; return its serial number."""
        issued = self._authority.issue_cert("localhost")
        for name, octets in (("cert", issued.cert_chain_pems[0].bytes()), ("key", issued.private_key_pem.bytes())):
            (self.folder / f"{name}.pem").write_bytes(octets)
        from cryptography import x509

        return x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes()).serial_number

    def serial(self) -> int:
        from cryptography import x509

        return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", self.port)).encode()).serial_number

    def log(self) -> str:
        return (self.folder / "stderr").read_text()

    def start(self) -> subprocess.Popen[bytes]:
        script = f"LISTEN_PID=$$ exec {' '.join(self._command)} -m perijove serve {self.folder}/hub.toml"
        with (self.folder / "stderr").open("ab") as log:
            process = subprocess.Popen(
                ["sh", "-c", script],
                env={**os.environ, "LISTEN_FDS": "1"},
                pass_fds=(3,),
                preexec_fn=lambda: os.dup2(self.listening.fileno(), 3),  # noqa: PLW1509
                stderr=log,
            )
        self.running.append(process)
        return process

    @property
    def workers(self) -> list[int]:
        return workers(self.running[-1].pid)

    def weight(self) -> tuple[int, float]:
        """Descriptors and MiB of memory, of all processes together."""
        pids = [self.running[-1].pid, *self.workers]
        memory = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * os.sysconf("SC_PAGE_SIZE")
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids), memory / (1 << 20)

    def stop(self) -> None:
        for one in self.running:
            if one.poll() is None:
                one.terminate()
            one.wait(WAIT)
        self.listening.close()
        shutil.rmtree(self.folder)


def unprivileged(user: str) -> list[str]:
    """A command that runs this Python, with what is installed for it, as `user`; one that this user may execute."""
    minor = f"python3.{sys.version_info.minor}"
    become = ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups", "env"]
    paths = [str(Path("src").resolve()), sysconfig.get_path("platlib")]
    for python in (sys.executable, os.path.realpath(sys.executable), f"/usr/bin/{minor}", f"/usr/local/bin/{minor}"):
        command = [*become, f"PYTHONPATH={':'.join(paths)}", "HOME=/nonexistent", python]
        tried = subprocess.run([*command, "-m", "perijove", "--version"], capture_output=True, check=False)
        if tried.returncode == 0 and b"compiled" in tried.stdout:
            return command
    raise AssertionError(f"no Python 3.{sys.version_info.minor} here that `{user}` may execute: {tried.stderr.decode()}")


@pytest.fixture(params=["the same user", "workers of another", "not root at all"])
def service(request: pytest.FixtureRequest, origin: Origin, authority: trustme.CA) -> Iterator[Service]:
    if os.geteuid() != 0 and request.param != "the same user":
        pytest.skip("only root can become somebody else")
    whole = request.param == "not root at all"
    made = Service(
        origin,
        authority,
        "nobody" if request.param == "workers of another" else None,
        unprivileged("nobody") if whole else [sys.executable],
    )
    if whole:
        made.own("nobody")
    else:
        made.folder.chmod(0o700)
    yield made
    made.stop()


@pytest.mark.timeout(600)
def test_a_year(service: Service, application: Application, client_tls: ssl.SSLContext) -> None:
    process = service.start()
    assert eventually(lambda: "listening on" in service.log(), WAIT), service.log()
    traffic = Traffic(service.port, client_tls)
    try:
        assert traffic.flows()
        _reloads_and_renewals(service, traffic, process)
        _kills(service, traffic)
        _rolls(service, traffic)
    finally:
        application.heads.clear()
        traffic.stop()
    assert "Traceback" not in service.log()
    assert "internal error" not in service.log()


def _reloads_and_renewals(service: Service, traffic: Traffic, process: subprocess.Popen[bytes]) -> None:
    """Nothing is lost, no WebSocket is cut, and nothing is left behind."""
    service_weight = None
    for number in range(RELOADS):
        process.send_signal(signal.SIGHUP)
        assert eventually(lambda number=number: service.log().count("perijove: reloaded") == number + 1, WAIT)
        if number == RELOADS // 5:  # what it holds after some is what it shall hold after many
            service_weight = service.weight()
    for _ in range(RENEWALS):
        serial = service.renew()
        assert eventually(lambda serial=serial: service.serial() == serial, WAIT)
        assert traffic.flows()
    assert not traffic.lost, traffic.lost
    assert traffic.cut == 0
    assert service_weight is not None
    descriptors, memory = service.weight()
    assert abs(descriptors - service_weight[0]) <= 2 * CLIENTS  # of connections that just come and go
    assert memory - service_weight[1] < 8, (service_weight, memory)


def _kills(service: Service, traffic: Traffic) -> None:
    """Lost is what was inside a worker, and nobody is refused."""
    for number in range(KILLS):
        victim = service.workers[number % 2]
        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda victim=victim: victim not in service.workers and len(service.workers) == 2, WAIT)
        assert traffic.flows()
    assert sum(traffic.lost.values()) <= KILLS * CLIENTS, traffic.lost
    assert not [what for what in traffic.lost if "Refused" in what], traffic.lost
    traffic.lost.clear()
    traffic.cut = 0


def _rolls(service: Service, traffic: Traffic) -> None:
    """Each instance finishes what it has while the next one serves. WebSockets end with a FIN when its time is over."""
    for _ in range(ROLLS):
        old = service.running[-1]
        started = service.log().count("listening on")
        old.terminate()
        service.start()
        assert eventually(lambda started=started: service.log().count("listening on") == started + 1, WAIT)
        assert old.wait(WAIT) == 0
        assert traffic.flows()
    assert not traffic.lost, traffic.lost
    assert traffic.cut <= ROLLS * 2
