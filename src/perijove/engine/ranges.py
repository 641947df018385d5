"""Parts of a response's content, as httpd's own filter makes them of what it has at hand in one piece.

Source: ap_byterange_filter and ap_set_byterange (modules/http/byterange_filter.c), ap_condition_if_range
(modules/http/http_protocol.c), RFC 9110 §14. Knows octets and fields. Must not know where they come from.
"""

from __future__ import annotations

import os
import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULTS: Final = (200, 20, 20)  # most ranges, and of them those that overlap, and that lead back
_BOUNDARY: Final = os.urandom(8).hex().encode()  # of this process, as httpd's (ap_multipart_boundary)
_number: Final = re.compile(rb"[0-9]{1,18}\Z").match
_WEAK: Final = 60  # seconds after a change in which there may have been another


class Part:
    """What is sent in place of the whole."""

    __slots__ = ("content", "kind", "line", "status")

    def __init__(self, status: int, content: bytes = b"", line: bytes = b"", kind: bytes = b"") -> None:
        self.status = status  # 206, or 416 and nothing else
        self.content = content
        self.line = line  # Content-Range
        self.kind = kind  # the media type of several


def part(
    asked: bytes, if_range: bytes, lines: Sequence[tuple[bytes, bytes]], content: bytes, most: tuple[int, int, int]
) -> Part | None:
    """Return the part of a content that is asked for; None if that is the whole.

    Args:
        asked: what Range says.
        if_range: what If-Range says.
        lines: fields of the response.
        content: all of it.
        most: how many ranges there may be, how many that overlap, and how many that lead back.
    """
    if asked[:6].lower() != b"bytes=":
        return None
    fields = {name.lower(): value for name, value in lines}
    kind = fields.get(b"content-type", b"")
    if b"content-range" in fields or kind.lower().startswith((b"multipart/byteranges", b"multipart/x-byteranges")):
        return None
    if if_range and not _is_same(if_range, fields):
        return None
    found = chosen(asked[6:], len(content), most)
    if found is None:
        return None
    if not found:
        return Part(416)
    if len(found) == 1:
        first, last = found[0]
        return Part(206, content[first : last + 1], b"Content-Range: bytes %d-%d/%d\r\n" % (first, last, len(content)))
    head = b"\r\n--%b\r\n" % _BOUNDARY + (b"Content-type: %b\r\n" % kind if kind else b"")
    parts = [
        b"%bContent-range: bytes %d-%d/%d\r\n\r\n%b" % (head, first, last, len(content), content[first : last + 1])
        for first, last in found
    ]
    return Part(206, b"%b\r\n--%b--\r\n" % (b"".join(parts), _BOUNDARY), b"", b"multipart/byteranges; boundary=" + _BOUNDARY)


def chosen(asked: bytes, size: int, most: tuple[int, int, int]) -> list[tuple[int, int]] | None:
    """Return the first and the last octet of each range; those that touch are one. None is the whole; none cannot be had."""
    found: list[tuple[int, int]] = []
    merged: tuple[int, int] | None = None
    overlaps = reversals = 0
    beyond = False
    for one in asked.split(b","):
        if not one:
            break
        before, dash, behind = one.partition(b"-")
        if not dash or (before and not _number(before)) or ((behind or not before) and not _number(behind)):
            return None
        if not before:
            if int(behind) < 1:
                return None
            first, last = size - int(behind), size - 1
        else:
            first, last = int(before), int(behind) if behind else size - 1
            if behind and first > last:
                return None
            if not behind and first == 0:  # it is all, whatever else is asked for
                found, overlaps, reversals = [], 0, 0
                merged = (0, last)
                break
        first = max(first, 0)
        if first >= size:
            beyond = True
            continue
        last = min(last, size - 1)
        if merged is None:
            merged = (first, last)
            continue
        begin, end = merged
        within = first >= begin and last <= end
        if first < begin and last >= begin - 1:
            begin, within = first, True
            reversals += 1
        if last >= end and first <= end + 1:
            end, within = last, True
        if within:
            overlaps += 1
            merged = (begin, end)
            continue
        found.append(merged)
        merged = (first, last)
    if merged is not None:
        found.append(merged)
    elif not found:
        return [] if beyond else None
    if (
        sum(last - first + 1 for first, last in found) > size
        or len(found) > most[0]
        or overlaps > most[1]
        or reversals > most[2]
    ):
        return None
    return found


def _is_same(if_range: bytes, fields: dict[bytes, bytes]) -> bool:
    """Tell whether the client has a part of just this content."""
    if if_range[:1] == b'"':
        return fields.get(b"etag") == if_range
    modified = fields.get(b"last-modified")
    if not modified:
        return False
    has, changed, now = date(if_range), date(modified), date(fields.get(b"date"))
    return has is not None and has == changed and (now is None or now >= has + _WEAK)


def date(value: bytes | None) -> float | None:
    """Return the seconds since 1970 that a date means; None if it is none."""
    if value is None:
        return None
    try:
        return parsedate_to_datetime(value.decode("latin-1")).timestamp()
    except (ValueError, TypeError):
        return None
