"""Sockets of all slots: opened for what is new, closed for what is gone, and all or none."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from perijove.demo.processes import free_port
from perijove.gateway.model import Address, TcpAddress, UnixAddress
from perijove.server.listening import Listening
from perijove.server.sockets import CannotListen


def two_slots() -> list[Any]:
    return [SimpleNamespace(sockets={}) for _ in range(2)]


def tcp() -> TcpAddress:
    return TcpAddress("127.0.0.1", free_port())


def connects(address: Address) -> bool:
    if isinstance(address, UnixAddress):
        with socket.socket(socket.AF_UNIX) as sock:
            return sock.connect_ex(address.path) == 0
    with socket.socket() as sock:
        return sock.connect_ex((address.host, address.port)) == 0


@pytest.fixture
def slots() -> list[Any]:
    return two_slots()


@pytest.fixture
def listening(slots: list[Any]) -> Iterator[Listening]:
    made = Listening(slots, [])
    yield made
    made.close()


def test_each_slot_has_its_own(slots: list[Any], listening: Listening) -> None:
    first, second = tcp(), tcp()
    listening.open([first])
    kept = slots[0].sockets[first]
    assert len({one.fileno() for slot in slots for one in slot.sockets[first]}) == 2
    listening.open([first, second])
    assert slots[0].sockets[first] is kept  # what waits in its queue is not lost
    listening.close_but([second])
    assert [list(slot.sockets) for slot in slots] == [[second]] * 2
    assert (connects(first), connects(second)) == (False, True)


def test_all_or_none(slots: list[Any], listening: Listening) -> None:
    good, taken = tcp(), tcp()
    with socket.create_server((taken.host, taken.port)), pytest.raises(CannotListen):
        listening.open([good, taken])
    assert [slot.sockets for slot in slots] == [{}, {}]
    assert not connects(good)


def test_a_unix_socket_is_shared_and_goes_with_the_last(tmp_path: Path, slots: list[Any], listening: Listening) -> None:
    address = UnixAddress(str(tmp_path / "s"))
    listening.open([address])
    names = [one.getsockname() for slot in slots for one in slot.sockets[address]]
    assert names == [address.path] * 2
    assert connects(address)
    listening.close_but([])
    assert not Path(address.path).exists()


def test_what_systemd_hands_over_is_shared_and_not_removed(
    tmp_path: Path, slots: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = UnixAddress(str(tmp_path / "s"))
    with socket.socket(socket.AF_UNIX) as handed:
        handed.bind(address.path)
        handed.listen()
        # sd_listen_fds(3): descriptors from 3 on; here they are others, so it is asked for where they are.
        monkeypatch.setattr("perijove.server.systemd._FIRST", copy := os.dup(handed.fileno()))
        monkeypatch.setenv("LISTEN_FDS", "1")
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        listening = Listening(slots, [address])
        listening.open([address])
        assert connects(address)
        listening.close()
        with pytest.raises(OSError):
            os.fstat(copy)
        assert connects(address)  # it is systemd's, who goes on listening
