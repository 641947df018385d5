"""What was written in Apache's words: directives with the sections around them, and edits of the author's own text.

Knows documents and directives. Must not know what is wrong with them.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from perijove.config.apache.directive import Section, Word
from perijove.config.apache.words import fold, physical
from perijove.text.diagnostic import Edit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from perijove.config.apache.directive import Directive
    from perijove.text.source import Source, Span

_SECURE = ("https", "wss")


class Written(NamedTuple):
    """A directive or a section that is in force, and the sections around it."""

    item: Directive | Section
    name: str  # in lower case
    around: tuple[Section, ...] = ()  # the outermost first
    host: Section | None = None  # the virtual host it stands in
    location: Section | None = None  # the Location it stands in

    @property
    def words(self) -> tuple[Word, ...]:
        """Its arguments."""
        return self.item.words

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.item.span


def everything(items: Iterable[Directive | Section], inside: Written | None = None) -> Iterator[Written]:
    """Yield all that is in force, in order. Sections nest no deeper than the reading lets them."""
    around: tuple[Section, ...] = ()
    host = location = None
    if inside is not None and isinstance(inside.item, Section):
        around = (*inside.around, inside.item)
        host = inside.item if inside.name == "virtualhost" else inside.host
        location = inside.item if inside.name in ("location", "locationmatch") else inside.location
    for item in items:
        one = Written(item, fold(item.name), around, host, location)
        yield one
        if isinstance(item, Section):
            yield from everything(item.children, one)


class Mapped(NamedTuple):
    """A ProxyPass, or what is like it: the path, and the URL."""

    written: Written
    path: Word | None  # its own, or that of the section around it; None of a rule that has a pattern elsewhere
    target: Word
    pattern: bool  # the path is a regular expression

    @property
    def scheme(self) -> str:
        """The URL's scheme, in lower case."""
        return self.target.text.partition("://")[0].lower() if "://" in self.target.text else ""

    @property
    def secure(self) -> bool:
        """Tell whether the upstream is spoken to with TLS."""
        return self.scheme in _SECURE

    @property
    def authority(self) -> str:
        """The URL's host and port, in lower case."""
        return self.target.text.partition("://")[2].partition("/")[0].partition("$")[0].lower()

    @property
    def url_path(self) -> str:
        """The URL's path, as it was written."""
        return self.target.text.partition("://")[2][len(self.authority) :]


def mapped(all_of_it: Iterable[Written]) -> Iterator[Mapped]:
    """Yield what leads to upstreams; not `ProxyPass … !`."""
    for one in all_of_it:
        words = one.words
        if one.name in ("proxypass", "proxypassmatch"):
            section = one.location
            inside = section is not None and len(words) > 0 and ("://" in words[0].text or words[0].text == "!")
            pattern = one.name == "proxypassmatch"
            path: Word | None = None if not words else words[0]
            if inside and section is not None:
                path = section.words[-1] if section.words else None
                pattern = pattern or fold(section.name) == "locationmatch" or len(section.words) > 1
            target = words[0 if inside else 1] if len(words) > (0 if inside else 1) else None
        elif one.name == "rewriterule" and len(words) > 2 and _proxies(words[2].text):
            path, target, pattern = words[0], words[1], True
        else:
            continue
        if target is not None and "://" in target.text:
            yield Mapped(one, path, target, pattern)


def _proxies(flags: str) -> bool:
    return any(one.strip().lower() in ("p", "proxy") for one in flags.strip("[]").split(","))


# ---------------------------------------------------------------------- edits


def replaced(span: Span, text: str) -> Edit:
    """Return the edit that puts a text in place of what a span covers."""
    start = span.source.offset(span.line, span.column)
    return Edit(span.source, start, start + span.size, text)


def appended(span: Span, text: str) -> Edit:
    """Return the edit that adds a text at the end of the line, or of those that continue it, on which a span begins."""
    start, end = _whole(span)
    at = start + len(span.source.text[start:end].rstrip("\r\n \t"))
    return Edit(span.source, at, at, text)


def deleted(span: Span) -> Edit:
    """Return the edit that takes a line out, with those that continue it."""
    start, end = _whole(span)
    return Edit(span.source, start, end, "")


def inserted(span: Span, *lines: str, after: bool = False) -> Edit:
    """Return the edit that adds lines before the one on which a span begins, as far indented; or `after` it.

    What is added after the line that opens a section is in it, as far indented as what is there.
    """
    start, end = _whole(span)
    text = span.source.text
    at = end if after else start
    opens = after and text[start:end].lstrip(" \t").startswith("<")
    first = end if opens else start
    last = text.find("\n", first)
    shown = text[first:] if last < 0 else text[first:last]
    indent = shown[: len(shown) - len(shown.lstrip(" \t"))]
    if opens and shown.lstrip().startswith("</"):
        indent += "    "
    newline = "\r\n" if "\r\n" in text[start:end] else "\n"
    before = newline if after and end and text[end - 1] != "\n" else ""
    return Edit(span.source, at, at, before + "".join(f"{indent}{line}{newline}" for line in lines))


def _whole(span: Span) -> tuple[int, int]:
    """Return where the line on which a span begins starts, and where what continues it ends."""
    numbers, starts = _lines(span.source.text)
    at = bisect_right(numbers, span.line) - 1
    return starts[at], starts[at + 1]


@lru_cache(maxsize=16)
def _lines(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the number of each line that continues none, and where it starts; and at last, where the text ends."""
    numbers, starts, at = [], [], 0
    for number, raw in physical(text):
        numbers.append(number)
        starts.append(at)
        at += len(raw)
    return (*numbers, text.count("\n") + 2), (*starts, at, at)


def lines_of(source: Source) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line."""
    yield from enumerate((one.removesuffix("\r") for one in source.text.split("\n")), 1)
