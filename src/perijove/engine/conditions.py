"""Conditions as they run.

Knows a `State`, and texts made of it. Each condition has one method, `holds`. Must not know what is done when it does.
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from typing import TYPE_CHECKING, Any, Final

from perijove.engine.state import State
from perijove.engine.texts import Text

if TYPE_CHECKING:
    from perijove.engine.pattern import Match, Pattern


_DIGITS: Final = 40  # of a number; any that is longer is too large
_LARGEST: Final = (1 << 63) - 1


class Test:
    """Something that holds of a request, or does not."""

    __slots__ = ()

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        raise NotImplementedError


def groups_of(found: Match, pattern: Pattern) -> tuple[bytes | None, ...]:
    """Return all that a pattern found, its groups by number."""
    return tuple([found.group(number) for number in range(pattern.groups + 1)])


class Constant(Test):
    """Always, or never."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        return self.value


_slashes: Final = re.compile(rb"//+").sub


class PathPrefix(Test):
    """Paths under a prefix, by whole segments; if `merged`, any number of slashes in a path is as good as one."""

    __slots__ = ("every", "merged", "prefix", "size")

    def __init__(self, prefix: bytes, merged: bool = False) -> None:
        self.prefix = prefix
        self.merged = merged
        self.size = len(prefix)
        self.every = prefix.endswith(b"/")  # whatever follows is a segment of its own

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        path = state.path
        if not path.startswith(self.prefix):
            if not self.merged or b"//" not in path:
                return False
            path = _slashes(b"/", path)
            if not path.startswith(self.prefix):
                return False
        return self.every or len(path) == self.size or path[self.size] == 0x2F


class PathIs(Test):
    """One path."""

    __slots__ = ("path",)

    def __init__(self, path: bytes) -> None:
        self.path = path

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        return state.path == self.path


class PathMatches(Test):
    """Paths in which a pattern is found; if `merged`, any number of slashes in a path is as good as one."""

    __slots__ = ("merged", "names", "pattern")

    def __init__(self, pattern: Pattern, names: tuple[tuple[int, bytes], ...], merged: bool = False) -> None:
        self.pattern = pattern
        self.names = names
        self.merged = merged

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        path = state.path
        if self.merged and b"//" in path:
            path = _slashes(b"/", path)
        found = self.pattern.search(path)
        if found is None:
            return False
        state.captures = groups_of(found, self.pattern)
        for number, name in self.names:
            state.note(name, state.captures[number] or b"")
        return True


class Matches(Test):
    """Texts in which a pattern is found."""

    __slots__ = ("captures", "keeps", "pattern", "subject")

    def __init__(self, subject: Text, pattern: Pattern, captures: bool, keeps: bool) -> None:
        self.subject = subject
        self.pattern = pattern
        self.captures = captures
        self.keeps = keeps

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        found = self.pattern.search(self.subject.text(state))
        if found is None:
            if self.captures:
                state.captures = ()
            return False
        if self.captures or self.keeps:
            groups = groups_of(found, self.pattern)
            if self.captures:
                state.captures = groups
            if self.keeps:
                state.kept = groups
        return True


class Compares(Test):
    """Two texts that compare in a certain way."""

    __slots__ = ("how", "left", "right")

    def __init__(self, left: Text, how: str, right: Text) -> None:
        self.left = left
        self.how = how
        self.right = right

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        left: Any = self.left.text(state)
        right: Any = self.right.text(state)
        how = self.how
        if how == "same":
            return bool(left == right)
        if how == "same without case":
            return bool(left.lower() == right.lower())
        if how == "shorter or less":
            return bool((len(left), left) < (len(right), right))
        if how == "longer or more":
            return bool((len(left), left) > (len(right), right))
        if how.endswith("number"):
            left, right = _number(left), _number(right)
        if how.startswith("same"):
            return bool(left == right)
        return bool(left < right) if how in ("less", "smaller number") else bool(left > right)


def _number(text: bytes) -> int:
    """Return the number that a text begins with, as strtoll(3) does: what is too large is the largest."""
    text = text.lstrip()
    size = 1 if text[:1] in (b"-", b"+") else 0
    while size < len(text) and text[size] in b"0123456789":
        size += 1
    if size > _DIGITS:
        return -_LARGEST - 1 if text[:1] == b"-" else _LARGEST
    try:
        return max(-_LARGEST - 1, min(int(text[:size]), _LARGEST))
    except ValueError:
        return 0


class OnDisk(Test):
    """A path under which the disk has something."""

    __slots__ = ("kind", "subject")

    def __init__(self, subject: Text, kind: str) -> None:
        self.subject = subject
        self.kind = kind

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        kind = self.kind
        try:
            found = os.stat(self.subject.text(state), follow_symlinks=kind != "symbolic link")
        except (OSError, ValueError):  # ValueError: a path with a zero octet
            return False
        if kind == "directory":
            return stat.S_ISDIR(found.st_mode)
        if kind == "symbolic link":
            return stat.S_ISLNK(found.st_mode)
        if kind == "executable":
            return bool(found.st_mode & 0o111)
        if kind == "anything":
            return True
        return stat.S_ISREG(found.st_mode) and (kind == "file" or found.st_size > 0)


class Within(Test):
    """An address within networks."""

    __slots__ = ("networks", "subject")

    def __init__(self, subject: Text, networks: tuple[Any, ...]) -> None:
        self.subject = subject
        self.networks = networks

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        try:
            address = ipaddress.ip_address(self.subject.text(state).decode("latin-1"))
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        for network in self.networks:  # noqa: SIM110
            if network.version == address.version and address in network:
                return True
        return False


class NotEmpty(Test):
    """A text that is not empty."""

    __slots__ = ("subject",)

    def __init__(self, subject: Text) -> None:
        self.subject = subject

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        return bool(self.subject.text(state))


class Destined(Test):
    """That it is known where the request goes."""

    __slots__ = ()

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        return bool(state.origin) or bool(state.onward)


class HasNote(Test):
    """A variable that was set for the request."""

    __slots__ = ("name",)

    def __init__(self, name: bytes) -> None:
        self.name = name

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        return self.name in state.notes


class SettingIs(Test):
    """A setting that has a value."""

    __slots__ = ("number", "value")

    def __init__(self, number: int, value: object) -> None:
        self.number = number
        self.value = value

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        return state.settings[self.number] == self.value


class All(Test):
    """All of these."""

    __slots__ = ("of",)

    def __init__(self, of: tuple[Test, ...]) -> None:
        self.of = of

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        for one in self.of:  # noqa: SIM110 - a generator is a call for each
            if not one.holds(state):
                return False
        return True


class Either(Test):
    """One of these."""

    __slots__ = ("of",)

    def __init__(self, of: tuple[Test, ...]) -> None:
        self.of = of

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        for one in self.of:  # noqa: SIM110
            if one.holds(state):
                return True
        return False


class Not(Test):
    """The contrary."""

    __slots__ = ("of",)

    def __init__(self, of: Test) -> None:
        self.of = of

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        return not self.of.holds(state)


class Apart(Test):
    """A condition that sees the groups of its own patterns only."""

    __slots__ = ("groups", "of")

    def __init__(self, of: Test, groups: str) -> None:
        self.of = of
        self.groups = groups

    def holds(self, state: State) -> bool:
        """Tell whether it holds."""
        before = state.captures
        state.captures = ()
        holds = self.of.holds(state)
        if self.groups == "captures" and holds:
            return True
        found: tuple[bytes | None, ...] = state.captures
        if self.groups == "kept" and holds and found:
            state.kept = found
        state.captures = before
        return holds
