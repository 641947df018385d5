"""What a check is given: what was written, what it means, and whom to ask what becomes of a request.

Knows gateways, documents and explain. Must not know any check.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from perijove.checks import sites, written
from perijove.config.apache.document import parse
from perijove.explain.request import request
from perijove.explain.run import Tables, explain
from perijove.text.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perijove.checks.hub import Hub
    from perijove.checks.sites import Site
    from perijove.checks.written import Mapped, Written
    from perijove.config.apache.document import Document
    from perijove.config.apache.reading import Reading
    from perijove.explain.model import Explanation, Place
    from perijove.gateway.model import Gateway
    from perijove.text.diagnostic import Diagnostic
    from perijove.text.source import Source

Version = tuple[int, ...]
MARK: Final = "\ufeff"  # of the order of octets, which a text in UTF-8 has no need of
NOTHING: Final = "<nothing>"  # the name of a source where no configuration was given


@dataclass(frozen=True, slots=True)
class Known:
    """What is known besides the configuration; None is not known."""

    hub: Hub | None = None
    modules: frozenset[str] | None = None  # that Apache loads
    version: Version | None = None  # of Apache


@dataclass(frozen=True)
class Subject:
    """A configuration, and what can be asked of it."""

    source: Source
    known: Known
    reading: Reading | None  # what was written, if that is Apache's
    gateway: Gateway | None  # what it means; None if that cannot be told
    diagnostics: tuple[Diagnostic, ...]  # what its dialect says of it
    # The text that the gateway was made of, if lines that Apache refuses had to be left out for that.
    mended: bool = False
    foreign: bool = False  # it is a file of something else

    @property
    def nothing(self) -> bool:
        """Tell whether there is no configuration: only logs were given."""
        return self.source.name == NOTHING

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """The places on the web that lead to a hub."""
        return () if self.gateway is None else tuple(sites.find(self, self.gateway))

    @cached_property
    def everything(self) -> tuple[Written, ...]:
        """All directives and sections that are in force, in order."""
        return () if self.reading is None else tuple(written.everything(self.reading.items))

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[int, Written]]]:
        found: dict[str, list[tuple[int, Written]]] = {}
        for number, one in enumerate(self.everything):
            found.setdefault(one.name, []).append((number, one))
        return found

    @cached_property
    def mapped(self) -> tuple[Mapped, ...]:
        """All that leads to upstreams."""
        return tuple(written.mapped(self.everything))

    @cached_property
    def addresses(self) -> dict[tuple[str, int], frozenset[str]]:
        """The addresses of virtual hosts, by where they stand."""
        return {
            (one.span.source.name, one.span.line): frozenset(word.text.lower().replace("_default_", "*") for word in one.words)
            for one in self.directives("virtualhost")
        }

    @cached_property
    def sources(self) -> dict[str, Source]:
        """All texts that were read, by name."""
        more = () if self.reading is None else self.reading.documents
        return {one.source.name: one.source for one in more} | {self.source.name: self.source}

    @cached_property
    def documents(self) -> tuple[Document, ...]:
        """All of Apache's files that were read, as they were written."""
        if self.reading is None:
            return ()
        known = {one.source.name: one for one in self.reading.documents}
        if self.mended:
            known[self.source.name] = parse(self.source)
        return tuple(known.values())

    @property
    def modules(self) -> frozenset[str] | None:
        """The modules that Apache loads; None if nobody has said."""
        if self.reading is None:
            return self.known.modules
        if self.known.modules is not None:  # a part of a configuration may load some more
            return self.known.modules | self.reading.modules
        return None if self.reading.assumed else self.reading.modules

    @cached_property
    def _tables(self) -> Tables | None:
        return None if self.gateway is None else Tables(self.gateway)

    def directives(self, *names: str) -> Iterator[Written]:
        """Yield what has one of these names, in lower case."""
        found = [each for name in names for each in self._by_name.get(name, ())]
        return (one for _, one in sorted(found, key=lambda each: each[0]))

    def older(self, *version: int) -> bool:
        """Tell whether it is known that Apache is older than a version."""
        return self.known.version is not None and self.known.version < version

    def ask(
        self, url: str, *, method: str = "GET", websocket: bool = False, fields: tuple[str, ...] = ()
    ) -> Explanation | None:
        """Return what becomes of a request; None if it cannot be asked."""
        if self.gateway is None or not self.gateway.listeners:
            return None
        try:
            asked = request(url, method, fields, websocket)
        except ValueError:
            return None  # names of hosts may be anything
        return explain(self.gateway, asked, self._tables, brief=True)

    def span(self, place: Place | None) -> Span | None:
        """Return a place that explain names, as one that can be shown and edited."""
        if place is None or place.file not in self.sources:
            return None
        source = self.sources[place.file]
        line = source.line(place.line)
        return Span(source, place.line, len(line) - len(line.lstrip()) + 1, max(1, len(line.strip())))
