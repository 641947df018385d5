"""The checks of `test_hub.py`, run as a table: what passes and what fails behind some proxy, which may be another than perijove.

A check that is written there is one here: nothing has to be listed twice.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import websocket
from tests.e2e import test_hub
from tests.e2e.person import Kernel, Person, Site

# What perijove promises beside being a proxy.
_OURS: Final = {"test_a_token_is_written_nowhere"}
PASSED: Final = "passed"


def checks() -> Iterator[tuple[str, Callable[..., None], dict[str, Any]]]:
    """Yield the checks in their order: the name, the function, and the arguments that are given there."""
    for name, function in vars(test_hub).items():
        if not name.startswith("test_") or name in _OURS:
            continue
        short = name.removeprefix("test_")
        marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
        if not marks:
            yield short, function, {}
        for mark in marks:
            for value in mark.args[1]:
                yield f"{short}[{value}]", function, {mark.args[0]: value}


class _Visit:
    """What checks ask for, by the names that `conftest.py` has for it. It is made when it is first asked for, and once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._made: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        if name not in self._made:
            try:
                self._made[name] = getattr(self, f"_{name}")()
            except Exception as error:
                self._made[name] = error
        made = self._made[name]
        if isinstance(made, Exception):
            raise made
        return made

    def _newcomer(self) -> Person:
        return Person(self._site, self._site.user("bob"))

    def _person(self) -> Person:
        person = Person(self._site, self._site.user("alice"))
        assert person.log_in().status_code == 302
        person.events = person.spawn()  # type: ignore[attr-defined]
        return person

    def _kernel(self) -> Kernel:
        return Kernel(self.get("person"))

    def close(self) -> None:
        for name in ("kernel", "person", "newcomer"):
            made = self._made.get(name)
            if isinstance(made, Person) and name == "person":
                made.hub("DELETE", f"users/{made.name}/server")
            if isinstance(made, Person | Kernel):
                made.close()


def outcomes(site: Site) -> dict[str, str]:
    """Return what becomes of every check: `PASSED`, or why not."""
    visit = _Visit(site)
    table: dict[str, str] = {}
    try:
        for name, function, arguments in checks():
            table[name] = PASSED
            try:
                asked = {one: visit.get(one) for one in inspect.signature(function).parameters if one not in arguments}
                function(**asked, **arguments)
            except (Exception, pytest.fail.Exception) as error:
                table[name] = _why(error)
    finally:
        visit.close()
    return table


def _why(error: BaseException) -> str:
    """Return what is the same wherever it fails in the same way: a refusal's status, or what was asserted."""
    if isinstance(error, websocket.WebSocketBadStatusException):
        return f"WebSocket: {error.status_code}"
    said = (str(error).splitlines() or [""])[-1].strip()
    return f"{type(error).__name__}: {re.sub(r'[0-9]{4,}|0x[0-9a-f]+', '#', said)[:80]}"
