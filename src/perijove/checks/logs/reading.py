"""Go through a log, line by line, and count what is known of it. Logs may have gigabytes, and any octets.

What is kept is bounded: of each family, some places it may be about, each with where it was seen first and last. Knows the tables
of messages, and how each kind of line begins. Must not know configurations.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from perijove.checks.logs import apache, jupyter
from perijove.checks.logs.family import Tie

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from perijove.checks.logs.family import Family

_CHUNK: Final = 1 << 20
_LONGEST: Final = 1 << 14  # octets of a line that are looked at
_SHOWN: Final = 400  # of them that are shown
_MOST: Final = 64  # places that a family may be about; all others are one
_TELL: Final = 200_000  # lines from one word on progress to the next

_code: Final = re.compile(rb"\b(AH\d{5})\b").search
_colours: Final = re.compile(rb"\x1b\[[0-9;]*m").sub
# [Fri Nov 27 10:00:00.123456 2026] [proxy:error] [pid 1:tid 2] …; before 2.4 there is no module.
_apache_head: Final = re.compile(
    rb"\[(?P<time>(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat) [^\]]{10,40})\] \[(?:[\w-]*:)?(?P<level>emerg|alert|crit|error|warn|notice|info|debug|trace\d)\]"
).search
# [W 2026-11-27 10:00:00.123 JupyterHub base:39] …; [W 10:00:00.123 NotebookApp] …
_jupyter_head: Final = re.compile(rb"\[(?P<level>[DIWEC]) (?P<time>(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(?:\.\d+)?)\s+\w+").search
# 2026-11-27T10:00:00.123Z [ConfigProxy] error: …; before 5.0 there is no date.
_proxy_head: Final = re.compile(
    rb"(?P<time>(?:\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d(?:\.\d+)?Z?) \[ConfigProxy\] (?P<level>\w+):"
).search
_QUIET: Final = frozenset((b"notice", b"info", b"debug", b"D", b"I"))
_echoes: Final = re.compile(f"{apache.ECHOES}|{jupyter.ECHOES}".encode()).search
# What differs from user to user and from kernel to kernel.
_various: Final = re.compile(rb"(?<=/user/)[^/]+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{20,}|\?.*").sub


class File(Protocol):
    """A file of octets, packed or not."""

    def read(self, size: int, /) -> bytes:
        """Return the next octets, at most so many; none at the end."""


def _by_code() -> dict[bytes, list[Family]]:
    found: dict[bytes, list[Family]] = {}
    for one in apache.FAMILIES:
        for code in one.codes:
            found.setdefault(code.encode(), []).append(one)
    return found


_CODES: Final = _by_code()
_MARKS: Final = tuple((mark.encode(), one) for one in jupyter.FAMILIES for mark in one.marks)
_QUIET_MARKS: Final = tuple((mark, one) for mark, one in _MARKS if one.quiet)


@dataclass(slots=True)
class Seen:
    """One thing that a log says again and again."""

    family: Family
    said: dict[str, str]  # what the groups of its pattern found, the first time
    text: str
    line: int
    time: str
    last_line: int = 0
    last_time: str = ""
    codes: Counter[bytes] = field(default_factory=Counter)


@dataclass(slots=True)
class Log:
    """What was in a log."""

    name: str
    kind: str = ""
    lines: int = 0
    explained: int = 0
    unknown: int = 0
    unknown_line: int = 0  # the first of them
    seen: dict[tuple[str, bytes], Seen] = field(default_factory=dict)


def read(name: str, file: File, progress: Callable[[str], None] | None = None) -> Log:
    """Go through a log.

    Raises:
        OSError: it cannot be read.
        EOFError: it is packed, and ends too early.
    """
    found = Log(name)
    kinds: Counter[str] = Counter()
    headed = False  # a line before had a head: what has none goes on with it
    for line in _lines(file):
        found.lines += 1
        if progress is not None and found.lines % _TELL == 0:
            progress(f"{name}: {found.lines:,} lines")
        if b"\x1b" in line:
            line = _colours(b"", line)
        head, kind = _headed(line)
        if head is not None:
            headed = True
            kinds[kind] += 1
        if _explained(found, line, head):
            continue
        quiet = (
            head["level"] in _QUIET or head["level"].startswith(b"trace") if head is not None else headed or not line.strip()
        )
        if not quiet:
            found.unknown += 1
            found.unknown_line = found.unknown_line or found.lines
    found.kind = " and ".join(one for one, _ in kinds.most_common()) or "no log that is known"
    return found


def _lines(file: File) -> Iterator[bytes]:
    """Yield lines, each as far as it is looked at, whatever size it has."""
    left = b""
    cut = False  # the line that is being read is too long already
    while chunk := file.read(_CHUNK):
        *whole, rest = chunk.split(b"\n")
        for one in whole:
            if not cut:
                yield (left + one)[:_LONGEST]
            left, cut = b"", False
        if not cut:
            left += rest
            if len(left) >= _LONGEST:
                yield left[:_LONGEST]
                left, cut = b"", True
    if left and not cut:
        yield left


def _headed(line: bytes) -> tuple[re.Match[bytes] | None, str]:
    start = line[:400]
    if head := _apache_head(start):
        return head, "Apache's error log"
    if head := _jupyter_head(start):
        return head, "JupyterHub's log"
    if head := _proxy_head(start):
        return head, "configurable-http-proxy's log"
    return None, ""


def _explained(log: Log, line: bytes, head: re.Match[bytes] | None) -> bool:
    """Count a line, if there is something to say of it."""
    code = _code(line)
    if code is not None:
        for family in _CODES.get(code[1], ()):
            if match := family.search(line):
                _count(log, family, match, line, head, code[1])
                return True
        return _echo(log, line)
    before: Family | None = None
    quiet = head is not None and head["level"] in _QUIET
    for mark, family in _QUIET_MARKS if quiet else _MARKS:
        if mark in line and family is not before:
            before = family
            if match := family.search(line):
                _count(log, family, match, line, head, b"")
                return True
    return head is not None and not quiet and _echo(log, line)


def _echo(log: Log, line: bytes) -> bool:
    if not _echoes(line):
        return False
    log.explained += 1
    return True


def _count(log: Log, family: Family, match: re.Match[bytes], line: bytes, head: re.Match[bytes] | None, code: bytes) -> None:
    log.explained += 1
    said = {name: value.decode("utf-8", "replace") for name, value in match.groupdict().items() if value is not None}
    about = b"" if family.tie is Tie.NONE else b" ".join(value for value in match.groupdict().values() if value is not None)
    key = (family.name, _various(b"", about)[:200])
    if key not in log.seen and sum(name == family.name for name, _ in log.seen) >= _MOST:
        key = (family.name, b"\n")  # no value of a line
    time = "" if head is None else head["time"].decode("ascii", "replace")
    one = log.seen.get(key)
    if one is None:
        text = line[:_SHOWN].decode("utf-8", "replace").strip()
        text = "".join(each if each.isprintable() else "\ufffd" for each in text)
        one = log.seen[key] = Seen(family, said if key[1] != b"\n" else {}, text, log.lines, time)
    one.last_line, one.last_time = log.lines, time
    one.codes[code] += 1
