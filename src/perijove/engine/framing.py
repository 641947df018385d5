"""Chunked content (RFC 9112 §7.1): checked, taken apart, and framed anew.

Knows the chunked coding and nothing else. What goes on is framed by us: one chunk for all the data that one call
found, without extensions, so that the receiver sees one canonical form whatever the sender wrote.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.engine import fields
from perijove.engine.const import BROKEN, FOUND, MORE

if TYPE_CHECKING:
    from perijove.engine.buffer import Buffer

_SIZE: Final = 0  # states: where in the coding the next octet stands
_DATA: Final = 1
_DATA_END: Final = 2
_TRAILER: Final = 3
_END: Final = 4

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# 15 hex digits cannot overflow 64 bits. Extensions (RFC 9112 §7.1.1) are not passed on; those that h11 and llhttp do not
# agree on, such as an empty one or one behind white space, are refused.
_is_size: Final = re.compile(
    rb'([0-9A-Fa-f]{1,15})(?:;%b(?:=(?:%b|"(?:[\t\x20!\x23-\x5b\x5d-\x7e]|\\[\t\x20-\x7e])*+"))?)*\Z' % (_TOKEN, _TOKEN)
).match
_is_trailer: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t\x20-\x7e\x80-\xff]*\Z").match
# A size line with its extension. Others: nginx 4 KiB in all, h11 and llhttp less than 16 KiB of extensions.
_SIZE_LINE: Final = 1024
_TRAILERS: Final = 16384


class Chunked:
    """The state of one chunked content."""

    __slots__ = ("count", "left", "passes", "state", "trailers", "trailers_size")

    def __init__(self) -> None:
        self.state = _SIZE
        self.left = 0  # octets of the present chunk that have not come yet
        self.count = 0  # octets of content so far
        self.trailers: list[bytes] = []
        self.trailers_size = 0
        self.passes = True  # trailers are written, too

    def pump(self, source: Buffer, out: Buffer, chunked: bool) -> int:
        """Move what has come from `source` to `out`.

        Args:
            source: undecoded octets.
            out: gets the content.
            chunked: frame it in chunks again, trailers included; or write the bare content.

        Returns: MORE, FOUND when the content has ended (the rest is left in `source`), or BROKEN, when nothing
            more may be written: the content is not what it says it is.
        """
        data = source.copy()
        parts: list[bytes] = []
        size = 0  # of the content found in this call
        at = 0
        verdict = MORE
        end = len(data)
        while at < end or self.state == _END:
            if self.state == _DATA:
                take = min(self.left, end - at)
                parts.append(data[at : at + take])
                at += take
                size += take
                self.left -= take
                if self.left == 0:
                    self.state = _DATA_END
                continue
            if self.state == _END:
                verdict = FOUND
                break
            if self.state == _DATA_END:
                if data[at : at + 2] == b"\r\n":
                    at += 2
                    self.state = _SIZE
                    continue
                if data[at:] != b"\r":
                    verdict = BROKEN
                break
            line_end = data.find(b"\r\n", at)
            if line_end < 0:
                size_so_far = end - at - (1 if data[end - 1 :] == b"\r" else 0)  # its CR may be there without its LF
                if size_so_far > (_SIZE_LINE if self.state == _SIZE else _TRAILERS) or data.find(b"\n", at) >= 0:
                    verdict = BROKEN
                break
            line = data[at:line_end]
            at = line_end + 2
            if not self._line(line):
                verdict = BROKEN
                break
        source.drop(at)
        self.count += size
        if verdict == BROKEN:
            return BROKEN
        if chunked:
            if size:
                parts.insert(0, b"%x\r\n" % size)
                parts.append(b"\r\n")
            if verdict == FOUND:
                parts.append(b"0\r\n")
                if self.passes:
                    parts.extend(self.trailers)
                parts.append(b"\r\n")
        if parts:
            out.append(b"".join(parts))
        return verdict

    def _line(self, line: bytes) -> bool:
        """Take a line that is a chunk size or a trailer field."""
        if self.state == _SIZE:
            if len(line) > _SIZE_LINE:
                return False
            found = _is_size(line)
            if not found:
                return False
            self.left = int(found[1], 16)
            self.state = _DATA if self.left else _TRAILER
            return True
        if not line:
            self.state = _END
            return True
        self.trailers_size += len(line)
        found = _is_trailer(line)
        if not found or self.trailers_size > _TRAILERS:
            return False
        # A trailer may not frame, route, authenticate or identify (RFC 9110 §6.5.1): only names we know nothing of pass.
        name = found[1].lower().replace(b"_", b"-")
        if name not in fields.NUMBERS:
            self.trailers.append(line + b"\r\n")
        return True
