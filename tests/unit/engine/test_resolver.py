"""Names of upstreams: asked in a thread, told in the loop."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.unit.engine.loopback import turn_for, turn_until, turning

from perijove.engine import resolver
from perijove.engine.plan import Timeouts
from perijove.engine.reactor import Reactor
from perijove.engine.resolver import Resolver, look_up
from perijove.engine.upstream import Address, Upstream

ONE: list[Address] = [(socket.AF_INET, ("192.0.2.1", 80))]
TWO: list[Address] = [(socket.AF_INET6, ("2001:db8::2", 80, 0, 0)), (socket.AF_INET, ("192.0.2.2", 80))]


class Names:
    """Stands for the system's names."""

    def __init__(self) -> None:
        self.known: dict[str, list[Address]] = {}
        self.asked: list[tuple[str, int]] = []
        self.threads: set[threading.Thread] = set()
        self.answer = threading.Event()
        self.answer.set()

    def look_up(self, host: str, port: int) -> list[Address]:
        self.threads.add(threading.current_thread())
        self.answer.wait(10)
        self.asked.append((host, port))
        return self.known.get(host, [])


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    made = Names()
    monkeypatch.setattr(resolver, "look_up", made.look_up)
    return made


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    with turning() as made:
        yield made


@pytest.fixture
def resolving(reactor: Reactor, names: Names) -> Iterator[Resolver]:
    before = set(threading.enumerate())
    with closing(Resolver(reactor)) as made:
        yield made
        names.answer.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()


def upstream(host: str) -> Upstream:
    made = Upstream(host, Timeouts())
    made.host = host
    made.port = 80
    return made


def test_answers_reach_the_upstream(resolving: Resolver, reactor: Reactor, names: Names) -> None:
    names.known = {"one": ONE, "two": TWO}
    one, two = upstream("one"), upstream("two")
    resolving.watch([one, two])
    turn_until(reactor, lambda: one.addresses and two.addresses)
    assert (one.addresses, two.addresses) == (ONE, TWO)
    assert names.asked == [("one", 80), ("two", 80)]
    assert threading.current_thread() not in names.threads


def test_the_loop_goes_on_meanwhile(resolving: Resolver, reactor: Reactor, names: Names) -> None:
    names.known = {"one": ONE}
    names.answer.clear()
    one = upstream("one")
    resolving.watch([one])
    turn_for(reactor, 0.05)
    assert (one.addresses, one.unresolved) == ([], False)
    names.answer.set()
    turn_until(reactor, lambda: one.addresses == ONE)


def test_literal_addresses_are_not_looked_up(resolving: Resolver, reactor: Reactor, names: Names) -> None:
    literal = upstream("")
    literal.addresses = ONE
    resolving.watch([literal])
    turn_for(reactor, 0.05)
    assert names.asked == []
    assert literal.addresses == ONE


def test_again_from_time_to_time(resolving: Resolver, reactor: Reactor, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "_AGAIN", 0.1)
    names.known = {"one": ONE}
    one = upstream("one")
    resolving.watch([one])
    turn_until(reactor, lambda: one.addresses == ONE)
    names.known = {"one": TWO}
    turn_until(reactor, lambda: one.addresses == TWO)
    turn_until(reactor, lambda: len(names.asked) > 3)


def test_a_failed_look_up_leaves_what_is_known_and_is_tried_again_soon(
    resolving: Resolver, reactor: Reactor, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver, "_AFTER_FAILURE", 0.1)
    one = upstream("one")
    one.addresses = ONE
    resolving.watch([one])
    turn_until(reactor, lambda: one.unresolved)
    assert one.addresses == ONE
    names.known = {"one": TWO}
    turn_until(reactor, lambda: one.addresses == TWO)
    assert not one.unresolved


def test_watch_replaces(resolving: Resolver, reactor: Reactor, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "_AGAIN", 0.1)
    names.known = {"one": ONE, "two": TWO}
    resolving.watch([upstream("one")])
    turn_until(reactor, lambda: names.asked)
    two = upstream("two")
    resolving.watch([two])
    turn_until(reactor, lambda: two.addresses)
    names.asked.clear()
    turn_until(reactor, lambda: len(names.asked) > 2)
    assert set(names.asked) == {("two", 80)}


def test_watching_nothing(resolving: Resolver, reactor: Reactor, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "_AGAIN", 0.1)
    names.known = {"one": ONE}
    resolving.watch([upstream("one")])
    turn_until(reactor, lambda: names.asked)
    resolving.watch([])
    turn_for(reactor, 0.3)  # one deadline was set already
    names.asked.clear()
    turn_for(reactor, 0.4)
    assert names.asked == []


def test_close_ends_the_thread(reactor: Reactor, names: Names) -> None:
    made = Resolver(reactor)
    made.watch([upstream("one")])
    turn_until(reactor, lambda: names.threads)
    (thread,) = names.threads
    made.close()
    made.close()
    thread.join(10)
    assert not thread.is_alive()


def test_close_while_a_name_is_looked_up(reactor: Reactor, names: Names) -> None:
    names.answer.clear()
    made = Resolver(reactor)
    made.watch([upstream("one")])
    turn_until(reactor, lambda: names.threads)
    (thread,) = names.threads
    made.close()
    names.answer.set()
    thread.join(10)
    assert not thread.is_alive()


# ------------------------------------------------------------------ the system's own look-up


def test_look_up_a_literal() -> None:
    assert look_up("127.0.0.1", 81) == [(socket.AF_INET, ("127.0.0.1", 81))]


def test_look_up_keeps_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(host: str, port: int, type: int) -> list[tuple[object, ...]]:
        assert type == socket.SOCK_STREAM
        return [(family, type, 6, "", address) for family, address in TWO]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert look_up("two", 80) == TWO


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_NONAME, "unknown"), OSError("no network")])
def test_look_up_that_fails(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert look_up("one", 80) == []


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", "\udc80"])
def test_names_that_cannot_be_names(host: str) -> None:
    assert look_up(host, 80) == []  # and the thread goes on
