"""What systemd and perijove tell each other: readiness, reloads, the watchdog, sockets that are handed over.

Knows sd_notify(3) and sd_listen_fds(3). Without systemd's variables in the environment all of it does nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterable
from typing import Final

from perijove.gateway.model import Address, TcpAddress, UnixAddress

_FIRST: Final = 3  # SD_LISTEN_FDS_START
_EVERYWHERE: Final = ("0.0.0.0", "::")


def notify(*lines: str) -> None:
    """Tell systemd, one assignment a line: `READY=1`, `STATUS=…`. It need not be there, nor listen."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path[:1] not in ("/", "@"):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.sendto("\n".join(lines).encode(), "\0" + path[1:] if path[0] == "@" else path)


def reloading() -> None:
    """Tell systemd that a reload has begun; `READY=1` ends it (Type=notify-reload)."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def watchdog() -> float:
    """Return every how many seconds systemd wants to hear `WATCHDOG=1`: half of what it waits; 0 if it does not."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    wanted = os.environ.get("WATCHDOG_USEC", "")
    return int(wanted) / 2e6 if wanted.isdecimal() else 0.0


def handed_over() -> list[socket.socket]:
    """Return the listening sockets that were handed over. To be called once: they are this process' from then on."""
    count = os.environ.pop("LISTEN_FDS", "")
    mine = os.environ.pop("LISTEN_PID", "") == str(os.getpid())
    os.environ.pop("LISTEN_FDNAMES", None)
    if not mine or not count.isdecimal():
        return []
    found = []
    for descriptor in range(_FIRST, _FIRST + int(count)):
        os.set_inheritable(descriptor, False)
        with contextlib.suppress(OSError):
            one = socket.socket(fileno=descriptor)
            one.setblocking(False)
            found.append(one)
    return found


def match(sockets: Iterable[socket.socket], addresses: Iterable[Address]) -> dict[Address, list[socket.socket]]:
    """Return the sockets that are bound to each of these addresses, where there are any."""
    found: dict[Address, list[socket.socket]] = {}
    for address in addresses:
        fitting = [one for one in sockets if _fits(one, address)]
        if fitting:
            found[address] = fitting
    return found


def _fits(sock: socket.socket, address: Address) -> bool:
    name = sock.getsockname()
    if isinstance(address, UnixAddress):
        return bool(name == address.path)
    assert isinstance(address, TcpAddress)
    if not isinstance(name, tuple) or name[1] != address.port:
        return False
    return name[0] in _EVERYWHERE if not address.host else name[0] in (address.host, *_numbers(address.host))


def _numbers(host: str) -> list[str]:
    try:
        return [str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except OSError:
        return []
