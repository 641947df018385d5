"""What directives add to: a server, a virtual host, or a section, with all that was said in it, in order.

Knows what was said, in httpd's own words. What it means together with other scopes is `lower`'s to say.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from perijove.gateway.conditions import Always, Condition
from perijove.text.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from perijove.gateway.conditions import Setting
    from perijove.gateway.rules import EditField
    from perijove.gateway.templates import Template
    from perijove.text.source import Span


class Kind(Enum):
    """What a scope is."""

    SERVER = "server config"
    HOST = "virtual host"
    LOCATION = "Location"  # also LocationMatch and Location ~
    PROXY = "Proxy"  # also ProxyMatch
    IF = "If"  # with its ElseIf and Else: the condition says what came before
    DIRECTORY = "Directory"  # also Files and their like: not for what is proxied


@dataclass(slots=True)
class Edit:
    """RequestHeader or Header: an edit, and when it is made."""

    edit: EditField
    when: Condition
    origin: Span
    early: bool = False


@dataclass(slots=True)
class Noting:
    """SetEnv, UnsetEnv, SetEnvIf, BrowserMatch: what becomes of a variable."""

    name: bytes
    value: Template | None  # None: it is forgotten
    when: Condition
    origin: Span
    late: bool = False  # SetEnv and UnsetEnv: after access was checked (mod_env's fixups)


@dataclass(slots=True)
class Scope:
    """A place where directives stand."""

    kind: Kind
    modules: frozenset[str]  # that are loaded
    tell: Any  # Callable[[Diagnostic], None]
    condition: Condition = field(default_factory=Always)  # of a section: which requests it is for
    path: str = ""  # of a section: its argument
    regex: bool = False  # of a section: that is a pattern
    parent: Scope | None = None  # of a virtual host or a section in one
    origin: Span | None = None
    sections: list[Scope] = field(default_factory=list)
    settings: dict[Setting, object] = field(default_factory=dict)
    set_at: dict[Setting, Span] = field(default_factory=dict)  # the lines that did
    request: list[Edit] = field(default_factory=list)  # RequestHeader
    response: list[Edit] = field(default_factory=list)  # Header
    notes: list[Noting] = field(default_factory=list)
    rewriting: Any = None  # mod_rewrite's: see directives/mod_rewrite.py
    said: dict[str, Any] = field(default_factory=dict)  # whatever else, by the names that its modules choose

    def error(self, name: str, message: str, span: Span, help_text: str = "") -> None:
        """Tell of a fault: the configuration is not used."""
        self.tell(Diagnostic(name=name, severity=Severity.ERROR, message=message, where=span, help=help_text))

    def warn(self, name: str, message: str, span: Span, help_text: str = "") -> None:
        """Tell of something that will surprise somebody."""
        self.tell(Diagnostic(name=name, severity=Severity.WARNING, message=message, where=span, help=help_text))


@dataclass(frozen=True, slots=True)
class Levels:
    """The main server, and a virtual host behind it: what the host says goes."""

    scopes: tuple[Scope, ...]

    @property
    def modules(self) -> frozenset[str]:
        """The modules that are loaded."""
        return self.scopes[0].modules

    @property
    def sections(self) -> list[Scope]:
        """The sections of both, the main server's first."""
        return [one for level in self.scopes for one in level.sections]

    def said(self, name: str, default: Any = None) -> Any:
        """Return what the host says, or else the main server."""
        for one in reversed(self.scopes):
            if name in one.said:
                return one.said[name]
        return default

    def each(self, name: str) -> Iterator[Any]:
        """Return what both say, one after the other, the main server's first."""
        for one in self.scopes:
            yield from one.said.get(name, ())


def ifs(sections: Sequence[Scope]) -> list[Scope]:
    """Return the Ifs among sections and in them, in the order in which they are merged (ap_if_walk).

    One stands behind the sections around it, those in it behind all that are not in one.
    """
    found = [one for one in sections if one.kind is Kind.IF]
    around = [one for one in sections if one.kind in (Kind.DIRECTORY, Kind.LOCATION)]
    for one in around:
        around += [inner for inner in one.sections if inner.kind is Kind.DIRECTORY]
    found += [inner for one in around for inner in one.sections if inner.kind is Kind.IF]
    for one in found:
        found += [inner for inner in one.sections if inner.kind is Kind.IF]
    return found


def root_of(scope: Scope, path: str) -> str:
    """Return a path; one that is not absolute is below ServerRoot (ap_server_root_relative)."""
    return os.path.join(within(scope)[-1].said.get("serverroot", "/"), path)


def within(scope: Scope) -> Sequence[Scope]:
    """Return a scope and those around it, the innermost first."""
    found: list[Scope] = []
    at: Scope | None = scope
    while at is not None:
        found.append(at)
        at = at.parent
    return found
