"""Paths of request targets: bytes in, bytes out.

A gateway does not normalise what it forwards; it normalises only to find out whether an upstream that does would land
outside the prefix that was matched. Knows RFC 3986 §6.2.2. Must not know routes.
"""

from __future__ import annotations

import re
from typing import Final

broken: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})").search  # finds a percent sign that begins no escape
_escape: Final = re.compile(rb"%([0-9A-Fa-f]{2})").sub


def _unescape(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))


def unescaped(path: bytes) -> bytes:
    """Return `path` decoded, slashes too; what is no escape stays as it is."""
    return _escape(_unescape, path) if b"%" in path else path


def past(path: bytes, prefix: bytes) -> bytes:
    """Return what of a path is behind a decoded prefix that it begins with, however it is spelt."""
    if path.startswith(prefix):
        return path[len(prefix) :]
    at = 0
    for _ in prefix:
        at += 3 if path[at : at + 1] == b"%" else 1
    return path[at:]


def normal(path: bytes) -> bytes | None:
    """Return `path` decoded (slashes too), without dot and empty segments, or None if it climbs above the root."""
    path = unescaped(path)
    out: list[bytes] = []
    for segment in path.split(b"/")[1:]:
        if segment == b"..":
            if not out:
                return None
            out.pop()
        elif segment not in (b"", b"."):
            out.append(segment)
    plain = b"/" + b"/".join(out)
    if path.endswith((b"/", b"/.", b"/..")) and not plain.endswith(b"/"):
        plain += b"/"
    return plain


def climbs(target: bytes) -> bool:
    """Tell whether a target's path leads above the root however it is read."""
    path = target.split(b"?", 1)[0]
    return path.startswith(b"/") and normal(path) is None


def inside(path: bytes, prefix: bytes) -> bool:
    """Tell whether `path` lies under `prefix` by whole segments: "/a" has "/a" and "/a/b", "/a/" only the latter."""
    if not path.startswith(prefix):
        return False
    return prefix.endswith(b"/") or len(path) == len(prefix) or path[len(prefix)] == 0x2F


def behind(target: bytes, mount: bytes, word: bytes) -> bytes:
    """Return the segment behind the first one that is `word` below `mount`, or nothing.

    "/a/user/x/y" has "x" behind "user". The path is normalised first: however a name is spelt, it is the same one.

    Args:
        target: of a request; a query is left out.
        mount: a normalised prefix.
        word: a segment.
    """
    plain = normal(target.split(b"?", 1)[0])
    if plain is None:
        return b""
    segments = (plain[len(mount) :] if inside(plain, mount) else plain).strip(b"/").split(b"/")
    for at in range(len(segments) - 1):
        if segments[at] == word:
            return segments[at + 1]
    return b""
