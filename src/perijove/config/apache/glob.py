"""Wildcards of httpd, as regular expressions.

Knows apr_fnmatch (apr's strings/apr_fnmatch.c). A star takes as little as it can and never gives back, so that no text takes
longer than its length: with what follows it, the first place that fits is as good as any other.
"""

from __future__ import annotations

import re


def pattern_of(glob: bytes, *, pathname: bool = False, nocase: bool = False) -> bytes:
    r"""Return a pattern for Python's `re` that finds what a glob matches.

    Args:
        glob: `*`, `?`, `[…]`, and `\` before what is meant as it stands.
        pathname: whether a slash is matched by a slash only.
        nocase: whether the case of letters does not count.
    """
    segments = _split(_atoms(glob, pathname), pathname)
    body = b"/".join(_segment(one, pathname) for one in segments)
    return b"(?s" + (b"i" if nocase else b"") + rb")\A" + body + rb"\Z"


def _atoms(glob: bytes, pathname: bool) -> list[bytes]:
    """Return what stands for one octet each, `*`, and `/`."""
    out: list[bytes] = []
    at = 0
    while at < len(glob):
        mark = glob[at : at + 1]
        at += 1
        if mark == b"*":
            if out[-1:] != [b"*"]:
                out.append(b"*")
        elif mark == b"?":
            out.append(b"[^/]" if pathname else b".")
        elif mark == b"\\" and at < len(glob):
            out.append(_literal(glob[at : at + 1]))
            at += 1
        elif mark == b"[":
            found = _bracket(glob, at, pathname)
            if found is None:
                out.append(rb"\[")
            else:
                out.append(found[0])
                at = found[1]
        else:
            out.append(_literal(mark))
    return out


def _literal(octet: bytes) -> bytes:
    return b"/" if octet == b"/" else re.escape(octet)


def _bracket(glob: bytes, at: int, pathname: bool) -> tuple[bytes, int] | None:
    """Read a bracket expression behind its bracket; None if it has no end."""
    negative = glob[at : at + 1] in (b"!", b"^")
    at += negative
    octets: set[int] = set()
    first = True
    while True:
        if at >= len(glob):
            return None
        if glob[at : at + 1] == b"]" and not first:
            break
        first = False
        low, at = _member(glob, at)
        high = low
        if glob[at : at + 1] == b"-" and glob[at + 1 : at + 2] not in (b"]", b""):
            high, at = _member(glob, at + 1)
        octets.update(range(low, high + 1))
    if negative:
        octets = set(range(256)) - octets
    if pathname:
        octets.discard(0x2F)
    if not octets:
        return b"(?!)", at + 1
    return b"[" + b"".join(b"\\x%02x" % octet for octet in sorted(octets)) + b"]", at + 1


def _member(glob: bytes, at: int) -> tuple[int, int]:
    if glob[at] == 0x5C and at + 1 < len(glob):
        at += 1
    return glob[at], at + 1


def _split(atoms: list[bytes], pathname: bool) -> list[list[bytes]]:
    segments: list[list[bytes]] = [[]]
    for atom in atoms:
        if pathname and atom == b"/":
            segments.append([])
        else:
            segments[-1].append(atom)
    return segments


def _segment(atoms: list[bytes], pathname: bool) -> bytes:
    any_octet = b"[^/]" if pathname else b"."
    pieces: list[bytes] = [b""]
    for atom in atoms:
        if atom == b"*":
            pieces.append(b"")
        else:
            pieces[-1] += atom
    if len(pieces) == 1:
        return pieces[0]
    first, *middle, last = pieces
    out = first + b"".join(b"(?>%b*?%b)" % (any_octet, piece) for piece in middle)
    return out + any_octet + b"*" + last + (b"(?=/|\\Z)" if pathname else b"")
