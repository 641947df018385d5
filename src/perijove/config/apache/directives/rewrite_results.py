"""What comes of the text that RewriteRules have made: a request that is forwarded, a redirect, a file, another path.

Source: hook_uri2file, hook_fixup and handler_redirect (modules/mappers/mod_rewrite.c). Knows the held text, as it is when a list of rules
is done with it. Must not know how rules follow each other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directives.rewrite_conditions import HELD
from perijove.config.apache.directives.rewrite_place import BEGAN, END, PROXIED, QUERY
from perijove.config.apache.files import FILE
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.targets import BAD_PORT
from perijove.gateway.actions import (
    Count,
    Encoding,
    ForwardAnywhere,
    ForwardTo,
    Hold,
    Redirect,
    Refuse,
    Rewrite,
    Set,
    SetNote,
    UnsetNote,
    Withdraw,
)
from perijove.gateway.conditions import (
    All,
    Always,
    Compares,
    Comparison,
    Condition,
    Disk,
    Matches,
    Not,
    NotEmpty,
    OnDisk,
    Pattern,
    Setting,
)
from perijove.gateway.rules import Then
from perijove.gateway.templates import Call, Capture, Fact, Function, Note, Template, Variable, Without

if TYPE_CHECKING:
    from perijove.config.apache.directives.rewrite_place import Labels, Place
    from perijove.config.apache.directives.rewrite_syntax import RuleLine
    from perijove.text.source import Span

# is_absolute_uri()
SCHEMES: Final = rb"(?:unix:[^|]*\|)?(?:ajp|balancer|fcgi|ftp|gopher|https?|h2c?|ldap|nntp|scgi|wss?)://|mailto:|news:"
_REDIRECTS: Final = 10  # LimitInternalRecursion
_NOWHERE: Final = b"/dev/null"  # no file can be below it
_ODD_PORT: Final = Pattern(rb"\A[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*:[^/?#\]]*[^0-9/?#\]]")
ABSOLUTE: Final = Pattern(rb"(?i)\A(?:%b)" % SCHEMES)
_WEBSOCKET: Final = Pattern(rb"(?i)\Awss?://")
_FIRST: Final = Pattern(rb"(?s)\A(/[^/]*)", 1)
_SLASH: Final = Pattern(rb"\A/")
_SLASHED: Final = Pattern(rb"/")
_CONTROL: Final = Pattern(rb"[\x00-\x20\x7f]")
PATH_NEXT: Final = Pattern(rb"\A(?:/|\Z)")
# escape_absolute_uri(): what comes before the path is left alone.
_SPLIT: Final = Pattern(rb"(?s)\A((?:[A-Za-z0-9]+://[^/]*/?|[A-Za-z]+:))(.*)\Z", 2)


class Results:
    """What a list of rules may lead to, at its place."""

    def __init__(self, flow: Flow, place: Place, labels: Labels, query_changes: bool) -> None:
        self.flow = flow
        self.place = place
        self.labels = labels
        # Whether a redirect's query may be another than the one that came, which is escaped then.
        self.query_changes = query_changes

    def _refuse_controls(self, span: Span | None) -> None:
        """Refuse a query that cannot stand in a request line (AH10410, AH10411)."""
        if self.query_changes:
            self.flow.add(Matches((Fact.QUERY,), _CONTROL), Refuse(403), Then.STOP, span)

    def proxy(self, line: RuleLine, kind: str, upstream: str | Refuse, origin: bytes) -> None:
        flow, flags, span = self.flow, line.flags, line.span
        if not self.place.proxies:  # AH00669
            flow.add(Always(), Refuse(403), Then.STOP, span)
            return
        if flags.passthrough:  # `passthrough:proxy:…` is nothing that can be asked for
            flow.add(Always(), Refuse(400), Then.STOP, span)
            return
        if flags.end:
            flow.add(Always(), SetNote(END, (b"1",)), Then.NEXT, span)
        self._refuse_controls(line.span)
        encoding = Encoding.NONE if flags.noescape else self.place.encoding
        if isinstance(upstream, Refuse):
            self._sections(kind, origin, encoding, span)
            if self.place.refuse is None or upstream.status == 400:  # AH01083: proxy_fixup comes before all that sections do
                flow.add(Always(), upstream, Then.STOP, span)
            else:
                self.place.refuse(flow, upstream, self.labels.proxied, span)
            return
        if origin[:11].lower() == b"balancer://" and self.place.balancer is not None and span is not None:
            self.place.balancer(flow, origin.decode("utf-8", "surrogateescape"), HELD, encoding, self.labels.proxied, span)
            return
        if kind in ("known", "open"):
            if origin[:2].lower() == b"ws":
                flow.add(Always(), Set(Setting.UPGRADES, b"*"), Then.NEXT, span)
            if self.place.worker is not None and span is not None:
                self.place.worker(flow, origin.decode("utf-8", "surrogateescape"), HELD, span)
            self._sections(kind, origin, encoding, span)
            when: Condition = Always() if kind == "known" else Matches(HELD, PATH_NEXT)
            path: Template = HELD
            if flags.noescape:  # a query right behind the host's name is a part of it
                self._refuse_later(All((Not(Matches(HELD, _SLASHED)), NotEmpty((Variable.SEARCH,)))), Refuse(400), span)
                path = (*path, Variable.SEARCH)
            flow.add(when, ForwardTo(upstream, path, encoding, flags.noescape, origin), self.labels.proxied, span)
            if kind == "open":
                flow.add(Matches((origin, Fact.HELD), BAD_PORT), Refuse(400), Then.STOP, span)
                if self.place.instead is not None:
                    self.place.instead(flow)
                flow.add(Always(), ForwardAnywhere((origin, Fact.HELD), encoding), self.labels.proxied, span)
            return
        if kind != "local":
            flow.add(Matches(HELD, _WEBSOCKET), Set(Setting.UPGRADES, b"*"), Then.NEXT, span)
            absolute = Always() if kind == "absolute" else Matches(HELD, ABSOLUTE)
            if self.place.instead is not None:  # a name that nobody has is found out last
                known = Label()
                flow.go(known, Not(Matches(HELD, _ODD_PORT)), span)
                self.place.instead(flow)
                flow.place(known)
            if self.place.worker is not None and span is not None:
                self.place.worker(flow, "", HELD, span)
            flow.add(absolute, ForwardAnywhere(HELD, encoding), self.labels.proxied, span)
        if kind != "absolute":
            flow.add(Always(), Set(Setting.UPSTREAM_ENDS, True), Then.NEXT, span)
            flow.add(
                Always(), ForwardAnywhere((*self.place.around.names.origin, Fact.HELD), encoding), self.labels.proxied, span
            )

    def _refuse_later(self, when: Condition, refusal: Refuse, span: Span | None) -> None:
        """Refuse what is found to be nonsense when it is to be sent (proxy_http_canon)."""
        if self.place.refuse is None:
            self.flow.add(when, refusal, Then.STOP, span)
            return
        other = Label()
        self.flow.go(other, Not(when), span)
        self.place.refuse(self.flow, refusal, self.labels.proxied, span)
        self.flow.place(other)

    def _sections(self, kind: str, origin: bytes, encoding: Encoding, span: Span | None) -> None:
        if kind in ("known", "open") and self.place.sections is not None and span is not None:
            url = origin.decode("utf-8", "surrogateescape")
            self.place.sections(self.flow, url, HELD, encoding, self.labels.proxied, span)

    def pass_through(self, line: RuleLine, kind: str | None) -> None:
        """The path is what the text has become; everything else goes on with it."""
        flow, span = self.flow, line.span
        self._refuse_controls(line.span)
        if kind != "local":  # a URL is no path
            flow.add(Matches(HELD, ABSOLUTE), Refuse(400), Then.STOP, span)
        flow.add(Always(), Rewrite(HELD), self.labels.on, span)

    def finish(self, kind: str, noescape: bool, status: int, span: Span | None) -> None:
        """Answer with a redirect if the held text is a URL; else it is a path."""
        path = Label()
        if kind == "unknown":
            self.flow.go(path, Not(Matches(HELD, ABSOLUTE)), span)
        if kind != "local":
            self._redirect(noescape, status, span)
        self.flow.place(path)
        if kind != "absolute":
            self._local(span)

    def _redirect(self, noescape: bool, status: int, span: Span | None) -> None:
        flow, place = self.flow, self.place
        if place.base and place.directory:
            inside = Pattern(rb"(?s)\A([A-Za-z0-9]+://[^/]*/)%b(.*)\Z" % re.escape(place.directory[1:]), 2)
            moved = Hold((Capture(1), place.base.lstrip(b"/"), Capture(2)))
            flow.add(Matches(HELD, inside, captures=True), moved, Then.NEXT, span)
        if noescape:
            self._refuse_controls(span)
            flow.add(Always(), Redirect(status, (Fact.HELD, Variable.SEARCH), anew=True), Then.STOP, span)
            return
        location: Template = (Capture(1), Call(Function.ESCAPE, (Capture(2),)))
        split = Matches(HELD, _SPLIT, captures=True)
        if self.query_changes:
            changed = Not(Compares((Fact.QUERY,), Comparison.SAME, (Note(QUERY),)))
            escaped = (*location, b"?", Call(Function.ESCAPE, (Fact.QUERY,)))
            flow.add(All((split, NotEmpty((Fact.QUERY,)), changed)), Redirect(status, escaped, anew=True), Then.STOP, span)
        flow.add(split, Redirect(status, (*location, Variable.SEARCH), anew=True), Then.STOP, span)

    def _local(self, span: Span | None) -> None:
        """The text is a path: outside of sections a file's, inside the path of a request that begins anew."""
        flow, place = self.flow, self.place
        self._refuse_controls(span)
        root = place.around.names.document_root.rstrip(b"/")
        if place.directory is None:
            # A path whose first part is on the disk is a file's name (prefix_stat); any other is below DocumentRoot.
            there = All((Matches(HELD, _FIRST, captures=True), OnDisk((Capture(1),), Disk.ANYTHING)))
            if root:
                flow.add(Not(there), Hold((root, Fact.HELD)), Then.NEXT, span)
            else:
                flow.go(self.labels.file, Not(there), span)
            if place.files is not None:
                flow.add(All((Not(place.files), OnDisk(HELD, Disk.FILE))), Refuse(403), Then.STOP, span)
                # Where nobody speaks of files there are none; but what is no file has its methods (default_handler, server/core.c).
                flow.add(Not(place.files), SetNote(FILE, (_NOWHERE, Fact.HELD)), self.labels.file, span)
            flow.add(Always(), SetNote(FILE, HELD), self.labels.file, span)
            return
        flow.go(self.labels.on, Compares(HELD, Comparison.SAME, (Note(BEGAN),)), span)
        onwards = ForwardAnywhere((Without(HELD, PROXIED),), place.encoding)
        if self.place.worker is not None and span is not None:
            self.place.worker(flow, "", (Without(HELD, PROXIED),), span)
        flow.add(Matches(HELD, Pattern(rb"\A" + PROXIED)), onwards, self.labels.proxied, span)
        flow.add(Not(Matches(HELD, _SLASH)), Refuse(400), Then.STOP, span)
        if place.base:
            inside = Pattern(rb"(?s)\A%b(.*)\Z" % re.escape(place.directory), 1)
            flow.add(Matches(HELD, inside, captures=True), Hold((place.base, Capture(1))), Then.NEXT, span)
        elif root:
            rooted = Pattern(rb"\A%b/" % re.escape(root))
            flow.add(Matches(HELD, rooted), Hold((Without(HELD, root),)), Then.NEXT, span)
        flow.add(Always(), Count(b"redirects", _REDIRECTS), Then.NEXT, span)  # AH00124
        flow.add(Always(), Withdraw(), Then.NEXT, span)
        flow.add(Always(), Set(Setting.UPSTREAM_ENDS, False), Then.NEXT, span)
        flow.add(Always(), UnsetNote(FILE), Then.NEXT, span)
        flow.add(Always(), Rewrite(HELD), Then.RESTART, span)
