"""Actions that change what later steps see of a request, or what is written of it.

Knows the state of a request. Must not know conditions, nor in which order steps are taken, nor what becomes of the request.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from perijove.engine.edits import edit_request
from perijove.engine.state import Action, State

if TYPE_CHECKING:
    from perijove.engine.edits import FieldOperation
    from perijove.engine.texts import Text

_LONGEST: Final = 16_380  # of a held text: twice the longest request line of httpd (LimitRequestLine), as there


class SetNote(Action):
    """Set a variable."""

    __slots__ = ("name", "value")

    def __init__(self, name: bytes, value: Text) -> None:
        self.name = name
        self.value = value

    def act(self, state: State) -> bool:
        """Do it."""
        state.note(self.name, self.value.text(state))
        return True


class UnsetNote(Action):
    """Forget a variable."""

    __slots__ = ("name",)

    def __init__(self, name: bytes) -> None:
        self.name = name

    def act(self, state: State) -> bool:
        """Do it."""
        if self.name in state.notes:
            del state.notes[self.name]
        return True


class Set(Action):
    """Set a setting."""

    __slots__ = ("_after", "_last", "_made", "number", "value")

    def __init__(self, number: int, value: object) -> None:
        self.number = number
        self.value = value
        # What was made of others, by their ids. There are as many as rules can make, so the same are made once.
        self._after: dict[int, tuple[tuple[object, ...], tuple[object, ...]]] = {}
        self._last: tuple[object, ...] | None = None  # mostly the next request's, too, and what was made of it
        self._made: tuple[object, ...] | None = None

    def act(self, state: State) -> bool:
        """Do it."""
        before = state.settings
        if before is self._last and self._made is not None:
            state.settings = self._made
            return True
        found = self._after.get(id(before))
        if found is None:
            after = before
            if before[self.number] != self.value:
                after = (*before[: self.number], self.value, *before[self.number + 1 :])
            found = self._after[id(before)] = (before, after)  # what is kept keeps its id
        self._last = before
        state.settings = self._made = found[1]
        return True


class SetMore(Set):
    """Set more of a setting that is pairs of a key and a value: of a key the last value counts."""

    __slots__ = ()

    def act(self, state: State) -> bool:
        """Do it."""
        before = state.settings
        found = self._after.get(id(before))
        if found is None:
            pairs: Any = before[self.number]
            more: Any = self.value
            value = tuple((dict(pairs) | dict(more)).items())
            after = before if value == pairs else (*before[: self.number], value, *before[self.number + 1 :])
            found = self._after[id(before)] = (before, after)  # what is kept keeps its id
        state.settings = found[1]
        return True


class Select(Action):
    """Choose an edit of a field, which is made later."""

    __slots__ = ("bit",)

    def __init__(self, number: int) -> None:
        self.bit = 1 << number

    def act(self, state: State) -> bool:
        """Do it."""
        state.selected |= self.bit
        return True


class EditNow(Action):
    """Edit a field of the request, before it is decided on."""

    __slots__ = ("operations",)

    def __init__(self, operation: FieldOperation) -> None:
        self.operations = (operation,)

    def act(self, state: State) -> bool:
        """Do it."""
        state.snapshot()
        edit_request(self.operations, state)
        return True


class TrustField(Action):
    """The client's address is what a field says, as far as those who say it are trusted (remoteip_modify_request)."""

    __slots__ = ("inside", "lower", "name", "networks", "passed")

    def __init__(self, name: bytes, networks: tuple[Any, ...], inside: tuple[Any, ...], passed: bytes) -> None:
        self.name = name
        self.lower = name.lower()
        self.networks = networks
        self.inside = inside
        self.passed = passed

    def act(self, state: State) -> bool:
        """Do it."""
        rest: bytes | None = state.field(self.lower)
        if not rest:
            return True
        at = ipaddress.ip_address(state.address.decode("latin-1")) if state.address[:1] != b"u" else None
        passed: list[bytes] = []
        address = state.address
        while rest:
            inside = _within(at, self.inside)
            if (self.networks or self.inside) and not inside and not _within(at, self.networks):
                break
            before, comma, last = rest.rpartition(b",")
            try:
                said = ipaddress.ip_address(last.strip(b" \t").decode("latin-1"))
            except ValueError:
                break
            if not inside and _is_private(said):
                break
            if not inside:
                passed.append(address)
            address = str(said).encode()
            at = said
            rest = before.rstrip(b" \t") if comma else b""
        if address == state.address:
            return True
        state.address = address
        state.snapshot()
        lines = [line for line in state.lines or [] if line[0].lower() != self.lower]
        if rest:
            lines.append((self.name, rest))
        if passed and self.passed:
            lower = self.passed.lower()
            lines = [line for line in lines if line[0].lower() != lower]
            lines.append((self.passed, b", ".join(passed)))
        state.lines = lines
        return True


def _within(address: Any, networks: tuple[Any, ...]) -> bool:
    for network in networks:  # noqa: SIM110
        if address is None or (network.version == address.version and address in network):
            return True
    return False


_GLOBAL6: Final = ipaddress.ip_network("2000::/3")
_PRIVATE4: Final = tuple(
    ipaddress.ip_network(one) for one in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
)


def _is_private(address: Any) -> bool:
    if address.version == 6:
        return address not in _GLOBAL6
    return _within(address, _PRIVATE4)


class Hold(Action):
    """Hold a text."""

    __slots__ = ("made",)

    def __init__(self, made: Text) -> None:
        self.made = made

    def act(self, state: State) -> bool:
        """Do it."""
        held = self.made.text(state)
        if len(held) > _LONGEST:
            state.status = 500
            return False
        state.held = held
        return True


class SplitQuery(Action):
    """Take the query from the held text."""

    __slots__ = ("append", "discard", "last")

    def __init__(self, append: bool, last: bool, discard: bool) -> None:
        self.append = append
        self.last = last
        self.discard = discard

    def act(self, state: State) -> bool:
        """Do it."""
        if self.discard:
            state.query = None
        held = state.held
        at = held.rfind(b"?") if self.last else held.find(b"?")
        if at < 0:
            return True
        query = held[at + 1 :]
        state.held = held[:at]
        if self.append:
            if query:
                query = query + b"&" + (state.query or b"")
            else:
                query = state.query or b""
        state.query = query.removesuffix(b"&") or None
        return True


class Count(Action):
    """Count how often it is done."""

    __slots__ = ("most", "what")

    def __init__(self, what: bytes, most: int) -> None:
        self.what = what
        self.most = most

    def act(self, state: State) -> bool:
        """Do it."""
        if state.counts is None:
            state.counts = {}
        count = state.counts.get(self.what, 0) + 1
        state.counts[self.what] = count
        if count > self.most:
            state.status = 500
            return False
        return True


class Withdraw(Action):
    """Forget where the request was to be sent."""

    __slots__ = ()

    def act(self, state: State) -> bool:
        """Do it."""
        state.upstream = None
        state.target = state.origin = state.onward = b""
        return True


class Rewrite(Action):
    """Change path and query."""

    __slots__ = ("handling", "path", "query")

    def __init__(self, path: Text, query: Text | None, handling: str) -> None:
        self.path = path
        self.query = query
        self.handling = handling

    def act(self, state: State) -> bool:
        """Do it."""
        query = b"" if self.query is None else self.query.text(state)
        state.path = self.path.text(state)
        before = state.query
        if self.handling == "replace":
            state.query = query or None
        elif self.handling == "append":
            state.query = query + b"&" + before if query and before else query or before
        elif self.handling == "discard":
            state.query = None
        return True
