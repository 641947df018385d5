"""Fields that are edited one after the other, where a plan says more than which lines stay behind and which are added.

Knows field lines as names and values, and what may be done to them. Must not know buffers, sockets or why something is edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.engine import fields
from perijove.engine.conditions import groups_of

if TYPE_CHECKING:
    from perijove.engine.conditions import Test
    from perijove.engine.pattern import Pattern
    from perijove.engine.state import State
    from perijove.engine.texts import Text

Line = tuple[bytes, bytes]  # name as it was written, value

# Spaces for controls, but for a tab.
_WITHOUT_CONTROLS: Final = bytes(32 if octet == 127 or (octet < 32 and octet != 9) else octet for octet in range(256))

SET: Final = 0
ADD: Final = 1
DEFAULT: Final = 2
REMOVE: Final = 3
APPEND: Final = 4
MERGE: Final = 5
EDIT: Final = 6
EDIT_ALL: Final = 7
PREFIX: Final = 8  # of a URL
ATTRIBUTE: Final = 9  # of a cookie
ECHO: Final = 10  # of the request, in the response


class FieldOperation:
    """Something that is done to a field."""

    __slots__ = ("always", "kind", "lower", "name", "old", "pattern", "test", "value")

    def __init__(
        self,
        kind: int,
        name: bytes,
        value: Text | None,
        pattern: Pattern | None,
        test: Test | None,
        always: bool = False,
        old: Text | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.lower = name.lower()
        self.value = value
        self.pattern = pattern
        self.test = test  # what else must hold when it is done
        self.old = old  # what is replaced: a prefix of a URL, an attribute of a cookie
        self.always = always  # of a response: in the table that answers of our own have, too


def edit_request(operations: tuple[FieldOperation, ...], state: State) -> None:
    """Edit the request's fields, `state.lines`: each operation sees what those before it have done."""
    assert state.lines is not None
    for one in operations:
        if one.test is None or one.test.holds(state):
            state.lines = _done(state.lines, one, state)


_NONE: Final[list[Line]] = []


def edited(
    lines: list[Line],
    operations: tuple[FieldOperation, ...],
    state: State,
    before: list[Line] = _NONE,
    behind: list[Line] = _NONE,
) -> list[Line]:
    """Return a response's lines after these operations (`do_headers_fixup`, modules/metadata/mod_headers.c).

    Each of them sees what those before it have done, between lines of the other table: those that count before these,
    or behind them.
    """
    mapped: set[int] = set()  # lines whose prefix was replaced
    cookies: set[tuple[int, bytes]] = set()  # lines, and the attribute that was replaced in each
    for one in operations:
        if one.test is not None and not one.test.holds(state):
            continue
        was = lines
        if one.kind == PREFIX:
            lines = _prefixed(lines, one, state, mapped)
        elif one.kind == ATTRIBUTE:
            lines = _cookies(lines, one, state, cookies)
        else:
            lines = _done(lines, one, state)
        if lines is not was:
            state.out = before + lines + behind
    return lines


_URLS: Final = frozenset((b"location", b"content-location", b"uri", b"destination"))


def _prefixed(lines: list[Line], one: FieldOperation, state: State, mapped: set[int]) -> list[Line]:
    """Replace a prefix in lines that have a URL, each line by the first rule that fits it (ap_proxy_location_reverse_map)."""
    assert one.value is not None
    assert one.old is not None
    prefix = one.old.text(state)
    out = lines.copy()
    for number, line in enumerate(lines):
        if number in mapped or line[0].lower() not in _URLS:
            continue
        part = _path(line[1]) if prefix[:1] == b"/" else line[1]
        if prefix and part[: len(prefix)].lower() == prefix.lower():
            mapped.add(number)
            out[number] = (line[0], clean(one.value.text(state)) + part[len(prefix) :])
    return out


def _path(url: bytes) -> bytes:
    """Return what is behind a URL's authority; all of it, if there is nothing."""
    at = url.find(b"://")
    slash = url.find(b"/", at + 3) if at >= 0 else -1
    return url if slash < 0 else url[slash:]


def _cookies(lines: list[Line], one: FieldOperation, state: State, mapped: set[tuple[int, bytes]]) -> list[Line]:
    """Replace an attribute of cookies, each by the first rule that fits it (ap_proxy_cookie_reverse_map).

    Path fits by its beginning, but is then replaced whole; Domain as a whole. Of several the last counts.
    """
    assert one.value is not None
    assert one.old is not None
    old = one.old.text(state)
    out = lines.copy()
    for number, line in enumerate(lines):
        if line[0].lower() != b"set-cookie" or (number, one.lower) in mapped:
            continue
        parts = line[1].split(b";")
        for at in range(len(parts) - 1, 0, -1):
            name, equals, text = parts[at].partition(b"=")
            if not equals or name.strip().lower() != one.lower:
                continue
            if text.startswith(old) if one.lower == b"path" else text.lower() == old.lower():
                parts[at] = name + b"=" + clean(one.value.text(state))
                out[number] = (line[0], b";".join(parts))
                mapped.add((number, one.lower))
            break
    return out


def _done(lines: list[Line], one: FieldOperation, state: State) -> list[Line]:
    name = one.lower
    kind = one.kind
    if kind == ECHO:
        assert one.pattern is not None
        return lines + [line for line in state.lines or () if one.pattern.search(line[0]) is not None]
    there = _places(lines, name)
    if kind == REMOVE:
        return [line for at, line in enumerate(lines) if at not in there] if there else lines
    if kind in (EDIT, EDIT_ALL):
        # What is edited is taken out and added again (do_headers_fixup, modules/metadata/mod_headers.c).
        others = [line for at, line in enumerate(lines) if at not in there]
        return others + [(lines[at][0], _replaced(lines[at][1], one, state)) for at in there]
    if kind == DEFAULT and there:
        return lines
    assert one.value is not None
    value = clean(one.value.text(state))
    if kind == ADD or not there:
        return [*lines, (one.name, value)]
    first = there[0]
    if kind == SET:
        # apr_table_setn: the first takes the value, the others go.
        out = [line for at, line in enumerate(lines) if at == first or at not in there] if len(there) > 1 else lines.copy()
        out[first] = (one.name, value)
        return out
    # apr_table_mergen: to the first, whatever else there is.
    before = lines[first][1]
    if kind == MERGE and value in [part.strip(b" \t") for part in before.split(b",")]:
        return lines
    out = lines.copy()
    out[first] = (lines[first][0], before + b", " + value)
    return out


def _places(lines: list[Line], name: bytes) -> list[int]:
    """Return where lines of a name (lower case) are."""
    size = len(name)
    return [at for at, line in enumerate(lines) if len(line[0]) == size and line[0].lower() == name]


def clean(value: bytes) -> bytes:
    """Return a value without what would end its line, nor other controls, which strict recipients refuse (RFC 9110 §5.5)."""
    return value.translate(_WITHOUT_CONTROLS)


def _replaced(value: bytes, one: FieldOperation, state: State) -> bytes:
    assert one.pattern is not None
    assert one.value is not None
    out = b""
    while True:
        found = one.pattern.search(value)
        if found is None:
            return out + value
        before = state.captures
        state.captures = groups_of(found, one.pattern)
        out += value[: found.start()] + clean(one.value.text(state))
        state.captures = before
        if found.end() == found.start():  # nothing was taken: step on, or it would be found for ever
            out += value[found.end() : found.end() + 1]
            value = value[found.end() + 1 :]
            if not value:
                return out
        else:
            value = value[found.end() :]
        if one.kind == EDIT:
            return out + value


def kept(lines: list[Line], drop: int, nominated: frozenset[bytes]) -> list[Line]:
    """Return the lines whose name is not among those to drop."""
    numbers = fields.NUMBERS
    out: list[Line] = []
    for line in lines:
        lower = line[0].lower()
        number = numbers.get(lower, 0)  # OTHER
        if not drop >> number & 1 and lower not in nominated:
            out.append(line)
    return out


def joined(lines: list[Line]) -> bytes:
    """Return lines as they go over the wire."""
    return b"".join([b"%b: %b\r\n" % line for line in lines])


def compacted(lines: list[Line], name: bytes) -> list[Line]:
    """Return lines with all of a name (lower case) as one list without white space (Apache's Vary)."""
    there = _places(lines, name)
    if not there:
        return lines
    parts = [part for at in there for part in lines[at][1].replace(b",", b" ").split()]
    first = there[0]
    out = [line for at, line in enumerate(lines) if at == first or at not in there]
    unique: list[bytes] = []
    for part in parts:
        if part and part.lower() not in [one.lower() for one in unique]:
            unique.append(part)
    out[first] = (lines[first][0], b",".join(unique))
    return out


def first_of(lines: list[Line], name: bytes) -> bytes:
    """Return the value of the first of a name (lower case), or nothing."""
    for its, value in lines:
        if its.lower() == name:
            return value
    return b""
