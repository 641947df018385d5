"""Listening sockets."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from typing import Final

from perijove.gateway.model import Address, TcpAddress, UnixAddress

_BACKLOG: Final = 4096  # asyncio's 100 is a limit that bursts of page loads reach; the kernel caps it (somaxconn)


class CannotListen(Exception):
    """An address cannot be listened on; the text says why, and what to do."""


def listen(address: Address) -> list[socket.socket]:
    """Return listening, non-blocking sockets for an address; a host name may have several.

    Raises:
        CannotListen: somebody else does, the address is not ours, or privileges are missing.
    """
    if isinstance(address, UnixAddress):
        return [_unix(address.path)]
    if not address.host:
        return [_everywhere(address.port)]
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise CannotListen(f"cannot listen on {address}: {error.strerror or error}") from None
    made: list[socket.socket] = []
    missing: OSError | None = None
    for family, _, _, _, name in dict.fromkeys(found):
        try:
            made.append(_tcp(family, name))
        except OSError as error:
            missing = error
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):  # "localhost" without IPv6 is no fault
                _close(made)
                raise CannotListen(_why(address, error)) from None
    if not made:
        assert missing is not None
        raise CannotListen(_why(address, missing))
    return made


def listen_slots(address: Address, slots: int) -> list[list[socket.socket]]:
    """Return listening sockets for an address, a list for each of so many workers.

    TCP: sockets of their own, over which the kernel spreads connections (SO_REUSEPORT, socket(7)). Unix: one that all share.

    Raises:
        CannotListen: as `listen`; SO_REUSEPORT does not let a second perijove in.
    """
    first = listen(address)
    if isinstance(address, UnixAddress) or slots == 1:
        return [[one.dup() for one in first] if slot else first for slot in range(slots)]
    # Bound without the option, `first` has shown that the address is free. It makes room for those with the option.
    names = [(one.family, one.getsockname()) for one in first]
    _close(first)
    made: list[list[socket.socket]] = []
    try:
        for _ in range(slots):
            made.append([])
            for family, name in names:
                made[-1].append(_tcp(family, name, shared=True))
    except OSError as error:
        for some in made:
            _close(some)
        raise CannotListen(_why(address, error)) from None
    return made


def _close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()


def _everywhere(port: int) -> socket.socket:
    """Listen on all addresses: one socket for both families where there is IPv6."""
    try:
        try:
            return _tcp(socket.AF_INET6, ("::", port))
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise
            return _tcp(socket.AF_INET, ("0.0.0.0", port))
    except OSError as error:
        raise CannotListen(_why(TcpAddress("", port), error)) from None


def _tcp(family: int, name: object, *, shared: bool = False) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            everywhere = isinstance(name, tuple) and name[0] == "::"
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if everywhere else 1)
        made.bind(name)  # type: ignore[arg-type]
        made.listen(_BACKLOG)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


def _unix(path: str) -> socket.socket:
    address = UnixAddress(path)
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(os.stat(path).st_mode):
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(path) == errno.ECONNREFUSED:
                    os.unlink(path)  # left behind by a process that was killed
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o007)  # the group may connect: that is how a front proxy is let in
    try:
        made.bind(path)
        made.listen(_BACKLOG)
        made.setblocking(False)
    except OSError as error:
        made.close()
        raise CannotListen(_why(address, error)) from None
    finally:
        os.umask(before)
    return made


def _why(address: Address, error: OSError) -> str:
    text = f"cannot listen on {address}: {error.strerror}"
    if error.errno == errno.EADDRINUSE:
        return f"cannot listen on {address}: the address is already in use; stop who uses it, or choose another port"
    if error.errno == errno.EACCES and isinstance(address, TcpAddress) and address.port < 1024:
        return f"{text}; ports below 1024 need root or CAP_NET_BIND_SERVICE"
    return text
