"""Files of a directory tree, as httpd's default handler serves them: whole, in part, or not since they have not changed.

Sources: default_handler (server/core.c), ap_set_etag (modules/http/http_etag.c), RFC 9110 §13 and §14. Knows paths, and what
must never leave. Must not know which request is for which path. Opening and reading hold up the loop, on a disk of the machine
for microseconds: so size is bounded, and nothing is opened that could block.
"""

from __future__ import annotations

import os
import re
import stat
import time
from email.utils import formatdate
from typing import Final

from perijove.engine import ranges

MOST: Final = 16 << 20  # octets of a file
_hidden: Final = re.compile(rb"/\.ht", re.IGNORECASE).search  # Apache's own files, whether they are there or not
# Programs that another server runs: their text is nobody's business.
_never: Final = re.compile(rb"\.(?:php\d?|phtml|phar|cgi|pl|asp|aspx|jsp)(?:/|\Z)", re.IGNORECASE).search
_charset: Final = re.compile(rb"\s*;\s*charset=[^;]*", re.IGNORECASE)
_HOW: Final = os.O_RDONLY | os.O_NONBLOCK  # a FIFO without a writer is not waited for (fifo(7))

Line = tuple[bytes, bytes]


class Answer:
    """What is said of a path: a status, fields, and content."""

    __slots__ = ("content", "lines", "status")

    def __init__(
        self, status: int, content: bytes | None = None, lines: list[Line] | None = None, location: bytes = b""
    ) -> None:
        self.status = status
        self.content = content  # None: a page says it
        self.lines = lines or []


class Tree:
    """How files are served."""

    __slots__ = ("indexes", "language", "overridden", "traits", "types")

    def __init__(
        self,
        indexes: tuple[bytes, ...],
        types: dict[bytes, bytes],
        overridden: bool,
        traits: dict[bytes, tuple[bytes, bytes, bytes]] | None = None,
        language: bytes = b"",
    ) -> None:
        """Say how.

        Args:
            indexes: names of a directory's own file, in order; none if directories are not served (mod_dir).
            types: media types by the parts of a name behind the first, lower case (mod_mime); nothing where none is to be told.
            overridden: a `.htaccess` may say who may see a directory; as that is not read, nobody may.
            traits: of parts of a name character sets, languages and codings, each of which may be empty.
            language: of files of which no other is said.
        """
        self.traits = traits or {}
        self.language = language
        self.indexes = indexes
        self.types = types
        self.overridden = overridden

    def answer(self, path: bytes, fields: dict[bytes, bytes], reads: bool = True) -> Answer:
        """Return what is said of a path.

        Args:
            path: on the disk, absolute.
            fields: of the request: range, if-match, if-none-match, if-modified-since, if-unmodified-since, if-range; those that
                are there.
            reads: the method is GET or HEAD.
        """
        if b"\0" in path or _hidden(path):
            return Answer(403)
        if self.overridden and _has_htaccess(path):
            return Answer(403)
        try:
            found = os.stat(path)
        except OSError as error:
            return Answer(403 if isinstance(error, PermissionError) else 404)
        if _never(path):
            return Answer(403)
        if stat.S_ISDIR(found.st_mode):
            if not self.indexes:
                return Answer(404)
            if not path.endswith(b"/"):
                return Answer(301)
            for name in self.indexes:
                if os.path.isfile(path + name):
                    return self.answer(path + name, fields, reads)
            return Answer(404)
        return self._file(path, fields, reads)

    def _file(self, path: bytes, fields: dict[bytes, bytes], reads: bool) -> Answer:
        try:
            fd = os.open(path, _HOW)
        except OSError as error:
            return Answer(403 if isinstance(error, PermissionError) else 404)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                return Answer(403)
            if found.st_size > MOST:
                return Answer(500)
            content = b""
            while len(content) < found.st_size and (part := os.read(fd, found.st_size - len(content))):
                content += part
        except OSError:
            return Answer(500)
        finally:
            os.close(fd)
        etag = b'"%x-%x"' % (len(content), found.st_mtime_ns // 1000)
        lines = [(b"Last-Modified", formatdate(int(found.st_mtime), usegmt=True).encode()), (b"ETag", etag)]
        status = _condition(fields, etag, int(found.st_mtime), reads)
        if status == 304:
            return Answer(304, b"", lines)
        lines.append((b"Accept-Ranges", b"bytes"))
        lines += self._described(path.rpartition(b"/")[2])
        if status == 412:
            return Answer(412, b"", lines)  # without a page, as httpd has it
        return _part(content, lines, fields, etag)

    def _described(self, name: bytes) -> list[Line]:
        """Return the fields that say what a file is, by its name (find_ct, mod_mime.c)."""
        kind = charset = b""
        languages: list[bytes] = []
        codings: list[bytes] = []
        for part in name.lstrip(b".").lower().split(b".")[1:]:
            kind = self.types.get(part) or kind
            found = self.traits.get(part)
            if found is not None:
                charset = found[0] or charset
                languages += [found[1]] if found[1] else []
                codings += [found[2]] if found[2] else []
        if kind and charset:
            kind = _charset.sub(b"", kind) + b"; charset=" + charset
        if self.language and not languages:
            languages.append(self.language)
        lines = [(b"Content-Type", kind)] if kind else []
        if codings:
            lines.append((b"Content-Encoding", b", ".join(codings)))
        if languages:
            lines.append((b"Content-Language", b",".join(languages)))
        return lines


def _condition(fields: dict[bytes, bytes], etag: bytes, changed: int, reads: bool) -> int:
    """Return 304 or 412 for a condition that does not hold, else 200: in the order of RFC 9110 §13.2.2."""
    wanted = fields.get(b"if-match")
    if wanted is not None:
        if wanted.strip() != b"*" and etag not in [one.strip() for one in wanted.split(b",")]:
            return 412
    else:
        until = ranges.date(fields.get(b"if-unmodified-since"))
        if until is not None and changed > until:
            return 412
    tags = fields.get(b"if-none-match")
    if tags is not None:
        if tags.strip() == b"*" or etag in [one.strip().removeprefix(b"W/") for one in tags.split(b",")]:
            return 304 if reads else 412
        return 200
    since = ranges.date(fields.get(b"if-modified-since"))
    # A date that is still to come is none (RFC 9110 §13.1.3).
    return 304 if reads and since is not None and changed <= since <= time.time() else 200


def _part(content: bytes, lines: list[Line], fields: dict[bytes, bytes], etag: bytes) -> Answer:
    """Return the part that is asked for (RFC 9110 §14.2), or the whole."""
    found = ranges.part(fields.get(b"range", b""), fields.get(b"if-range", b""), lines, content, ranges.DEFAULTS)
    if found is None:
        return Answer(200, content, lines)
    if found.status == 416:
        return Answer(416)
    if found.kind:
        lines = [*(line for line in lines if line[0] != b"Content-Type"), (b"Content-Type", found.kind)]
    elif found.line:
        name, _, value = found.line.strip().partition(b": ")
        lines = [*lines, (name, value)]
    return Answer(206, found.content, lines)


def _has_htaccess(path: bytes) -> bool:
    at = path.find(b"/", 1)
    while at >= 0:
        if os.path.exists(path[: at + 1] + b".htaccess"):
            return True
        at = path.find(b"/", at + 1)
    return False
