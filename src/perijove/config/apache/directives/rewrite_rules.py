"""What lists of RewriteRules mean: rules of ours, in order, with all that httpd does between and behind them.

Knows mod_rewrite's two phases, which work alike: a text, which begins as the path or as a file's name, is held and changed by
rule after rule (apply_rewrite_list, apply_rewrite_rule); what it is in the end decides. Must not know sections and servers:
those choose lists (`mod_rewrite`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directives.rewrite_answers import cookie, vary
from perijove.config.apache.directives.rewrite_conditions import HELD, applies, keeps_groups
from perijove.config.apache.directives.rewrite_syntax import RuleLine
from perijove.config.apache.directives.rewrite_text import CONTROLS, EVERYTHING, Around, expand, joined, octets
from perijove.config.apache.files import FILE
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.patterns import BAD_PORT
from perijove.gateway.actions import (
    Count,
    Encoding,
    ForwardAnywhere,
    ForwardTo,
    Hold,
    Nothing,
    Redirect,
    Refuse,
    Rewrite,
    Set,
    SetNote,
    SplitQuery,
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
    HasNote,
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
    from perijove.text.source import Span

# Notes of ours have a zero octet, which no configuration can write.
_REWRITTEN: Final = b"\0rewritten"
_QUERY: Final = b"\0query"
_BEGAN: Final = b"\0file"
_INFO: Final = b"\0info"  # what stands behind a file's name (path_info)
_PROXIED: Final = b"proxy:"  # stands before the URL where a request goes, as sections see it
END: Final = b"\0end"
INFO: Final[Template] = (Note(_INFO),)
_REDIRECTS: Final = 10  # LimitInternalRecursion

# is_absolute_uri()
_SCHEMES: Final = rb"(?:unix:[^|]*\|)?(?:ajp|balancer|fcgi|ftp|gopher|https?|h2c?|ldap|nntp|scgi|wss?)://|mailto:|news:"
_is_absolute: Final = re.compile(rb"(?i)\A(?:%b)" % _SCHEMES).match
_NOWHERE: Final = b"/dev/null"  # no file can be below it
_ODD_PORT: Final = Pattern(rb"\A[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*:[^/?#\]]*[^0-9/?#\]]")
_ABSOLUTE: Final = Pattern(rb"(?i)\A(?:%b)" % _SCHEMES)
_ROOTED: Final = Pattern(rb"(?i)\A(?:/|%b)" % _SCHEMES)
_WEBSOCKET: Final = Pattern(rb"(?i)\Awss?://")
_FIRST: Final = Pattern(rb"(?s)\A(/[^/]*)", 1)
_SLASH: Final = Pattern(rb"\A/")
_SLASHED: Final = Pattern(rb"/")
_MARK: Final = Pattern(rb"\?")
_CONTROL: Final = Pattern(rb"[\x00-\x20\x7f]")
_PATH_NEXT: Final = Pattern(rb"\A(?:/|\Z)")
# escape_absolute_uri(): what comes before the path is left alone.
_SPLIT: Final = Pattern(rb"(?s)\A((?:[A-Za-z0-9]+://[^/]*/?|[A-Za-z]+:))(.*)\Z", 2)
_socket: Final = re.compile(rb"(?i)unix:[^|]*\|").match  # a Unix socket, before the URL that is asked for there
_authority: Final = re.compile(rb"(?i)([a-z0-9]+)://([^/?#]*)").match
_queryless: Final = re.compile(rb"(?i)(?:ftp|gopher|ldap|nntp)://|news:").match


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list stands, and what it leads to."""

    around: Around
    upstream: Callable[[str, Span], str | Refuse]  # its name for a URL's scheme and authority, or how such requests are refused
    expression: Callable[[str, Span], Condition]  # of RewriteCond expr
    proxies: bool  # mod_proxy is loaded
    own: Condition | None  # the held text is a URL of the server itself; the path behind the slash is its first capture
    directory: bytes | None  # in a section: its path, with a slash at the end; None outside
    base: bytes = b""  # RewriteBase
    encoding: Encoding = Encoding.CANONICAL  # of paths for upstreams
    counted: bytes = b""  # by which name the rounds of [N] are counted
    instead: Callable[[Flow], None] | None = None  # what comes before a failure that is only seen later
    worker: Callable[[Flow, str, Template, Span], None] | None = None  # what else holds for URLs that begin so
    balancer: Callable[[Flow, str, Template, Encoding, Label, Span], None] | None = None  # what sends a path to a balancer
    files: Condition | None = None  # the held text is the name of a file that may be served
    info: Template = ()  # in a section: what stands behind the file's name, if that is kept apart


@dataclass(frozen=True, slots=True)
class Labels:
    """Where requests go on."""

    proxied: Label  # it is to be forwarded
    file: Label  # it is a file's name now
    on: Label  # nothing was decided


def lower(rules: Sequence[RuleLine], flow: Flow, place: Place, labels: Labels) -> None:
    """Write what a list of rules does. The held text is what they begin with."""
    _List(rules, flow, place, labels).write()


class _List:
    def __init__(self, rules: Sequence[RuleLine], flow: Flow, place: Place, labels: Labels) -> None:
        self.rules = rules
        self.flow = flow
        self.place = place
        self.labels = labels
        self.at = [Label() for _ in rules]
        self.end = Label()
        self.endings: dict[bytes, tuple[bool, int]] = {}  # what may be noted of a text that was changed
        # Whether a redirect's query may be another than the one that came, which is escaped then.
        self.query_changes = any(_touches_query(one) for one in rules)

    def write(self) -> None:
        flow = self.flow
        if any(not _ends(one) and not one.nothing for one in self.rules):
            flow.add(Always(), UnsetNote(_REWRITTEN))
        if self.query_changes:
            flow.add(Always(), SetNote(_QUERY, (Fact.QUERY,)))
        for number, line in enumerate(self.rules):
            flow.place(self.at[number])
            self._rule(number, line)
        flow.place(self.end)
        for value, (noescape, status) in self.endings.items():
            other = Label()
            flow.go(other, Not(Compares((Note(_REWRITTEN),), Comparison.SAME, (value,))))
            self._finish("unknown", noescape, status, None)
            flow.place(other)
        flow.go(self.labels.on)

    def _after(self, number: int) -> Label:
        return self.at[number] if number < len(self.rules) else self.end

    def _missed(self, number: int) -> Label:
        while number < len(self.rules) and self.rules[number].flags.chain:
            number += 1
        return self._after(number + 1)

    # ---- what it does

    def _rule(self, number: int, line: RuleLine) -> None:
        flow, flags = self.flow, line.flags
        missed = self._missed(number)
        when = applies(line, self.place.around, self.place.expression, self.place.directory, self.place.info)
        kept = any(map(keeps_groups, line.conditions))
        around = replace(self.place.around, groups=not line.negated, kept=kept)
        if flags.refuse:
            flow.add(when, Nothing(), Then.NEXT, line.span, missed)
            self._environment(line, around)
            flow.add(Always(), Refuse(flags.status), Then.STOP, line.span)
            return
        if line.nothing:
            flow.add(when, Nothing(), Then.NEXT, line.span, missed)
            self._environment(line, around)
            self._go_on(number, line, None)
            return
        if flags.escape:
            marks = octets(flags.escaped) or (CONTROLS if flags.controls else EVERYTHING)
            marks = bytes(one for one in marks if one not in octets(flags.unescaped))
            around = replace(around, escaped=marks, plus=not flags.noplus)
        text = expand(line.substitution, around)
        kind, text, upstream, origin = self._target(line, text)
        flow.add(when, Hold(text), Then.NEXT, line.span, missed)
        self._environment(line, replace(around, escaped=b""))
        self._query(line, text)
        self._root(line, kind)
        if flags.discard_info and self.place.info:
            flow.add(Always(), UnsetNote(_INFO), Then.NEXT, line.span)
        if flags.proxy:
            self._proxy(line, kind, upstream, origin)
            return
        if flags.redirect:
            if kind != "absolute":
                rooted = None if kind == "local" else Not(Matches(HELD, _ABSOLUTE))
                flow.add(rooted or Always(), Hold((*self._own_origin(), Fact.HELD)), Then.NEXT, line.span)
            kind = "absolute"
        elif kind != "local" and self.place.own is not None:
            flow.add(self.place.own, Hold((b"/", Capture(1))), Then.NEXT, line.span)
            kind = "unknown"
        self._go_on(number, line, kind)

    def _own_origin(self) -> Template:
        return self.place.around.names.origin

    def _target(self, line: RuleLine, text: Template) -> tuple[str, Template, str | Refuse, bytes]:
        """Tell what is made: an absolute URL, a path, or either; what is held of it; the upstream of [P], and its origin.

        Of a URL for [P] whose authority is written there, only what is behind that is held.
        """
        first = text[0] if text and isinstance(text[0], bytes) else b""
        if _is_absolute(first):
            socket = _socket(first)
            found = _authority(first, socket.end() if socket else 0)
            if line.flags.proxy and found and found[2] and self.place.proxies:
                origin = found[0]
                url = first[: found.end()]
                name = self.place.upstream(url.decode("utf-8", "surrogateescape"), line.span)
                whole = len(text) == 1 or found.end() < len(first)
                return ("known" if whole else "open"), joined([first[found.end() :], *text[1:]]), name, origin
            return "absolute", text, "", b""
        if first.startswith(b"/"):
            return "local", text, "", b""
        if self.place.directory is None and all(isinstance(one, bytes) for one in text):
            return "local", (b"/" + first,), "", b""
        return "unknown", text, "", b""

    def _environment(self, line: RuleLine, around: Around) -> None:
        for one in line.flags.environment:
            if one.startswith("!"):
                self.flow.add(Always(), UnsetNote(octets(one[1:])), Then.NEXT, line.span)
            else:
                name, _, value = one.partition(":")
                self.flow.add(Always(), SetNote(octets(name), expand(value, around)), Then.NEXT, line.span)
        for text in line.flags.cookies:
            made = cookie(text, around)
            if made is not None:  # the first of a name counts (add_cookie)
                self.flow.add(Not(HasNote(made[0])), SetNote(*made), Then.NEXT, line.span)
        if not (line.flags.proxy or line.flags.redirect or line.flags.refuse):
            vary(line, self.place.around, self.place.expression, self.flow)

    def _query(self, line: RuleLine, text: Template) -> None:
        flow, flags = self.flow, line.flags
        written = "?" in line.substitution
        dynamic = any(not isinstance(one, bytes) for one in text)
        if dynamic and not flags.unsafe_query:
            # AH10508: a question mark that only the request brings, before any that is written.
            before = _before_mark(text)
            if not written or any(not isinstance(one, bytes) for one in before):
                flow.add(Matches(before if written else HELD, _MARK), Refuse(403), Then.STOP, line.span)
        forgets = flags.discard or bool(text and isinstance(text[0], bytes) and _queryless(text[0]))
        if written or forgets or (dynamic and flags.unsafe_query):
            flow.add(Always(), SplitQuery(flags.append, flags.query_last, forgets), Then.NEXT, line.span)

    def _root(self, line: RuleLine, kind: str) -> None:
        """Make a path of what is neither one nor a URL."""
        if kind != "unknown":
            return
        rootless: Condition = Not(Matches(HELD, _ROOTED))
        prefix = b"/"
        if self.place.directory is not None:
            rootless = All((rootless, Not(NotEmpty((Fact.DESTINATION,)))))
            prefix = self.place.directory
        self.flow.add(rootless, Hold((prefix, Fact.HELD)), Then.NEXT, line.span)
        if self.place.directory is not None and (line.flags.proxy or line.flags.redirect):
            self.flow.add(Not(Matches(HELD, _ROOTED)), Hold((b"/", Fact.HELD)), Then.NEXT, line.span)

    def _refuse_controls(self, line: RuleLine) -> None:
        """Refuse a query that cannot stand in a request line (AH10410, AH10411)."""
        if self.query_changes:
            self.flow.add(Matches((Fact.QUERY,), _CONTROL), Refuse(403), Then.STOP, line.span)

    # ---- what comes of it

    def _proxy(self, line: RuleLine, kind: str, upstream: str | Refuse, origin: bytes) -> None:
        flow, flags, span = self.flow, line.flags, line.span
        if not self.place.proxies:  # AH00669
            flow.add(Always(), Refuse(403), Then.STOP, span)
            return
        if flags.passthrough:  # `passthrough:proxy:…` is nothing that can be asked for
            flow.add(Always(), Refuse(400), Then.STOP, span)
            return
        if flags.end:
            flow.add(Always(), SetNote(END, (b"1",)), Then.NEXT, span)
        self._refuse_controls(line)
        if isinstance(upstream, Refuse):
            flow.add(Always(), upstream, Then.STOP, span)
            return
        encoding = Encoding.NONE if flags.noescape else self.place.encoding
        if origin[:11].lower() == b"balancer://" and self.place.balancer is not None and span is not None:
            self.place.balancer(flow, origin.decode("utf-8", "surrogateescape"), HELD, encoding, self.labels.proxied, span)
            return
        if kind in ("known", "open"):
            if origin[:2].lower() == b"ws":
                flow.add(Always(), Set(Setting.UPGRADES, b"*"), Then.NEXT, span)
            if self.place.worker is not None and span is not None:
                self.place.worker(flow, origin.decode("utf-8", "surrogateescape"), HELD, span)
            when: Condition = Always() if kind == "known" else Matches(HELD, _PATH_NEXT)
            if flags.noescape:  # a query right behind the host's name is a part of it
                flow.add(All((Not(Matches(HELD, _SLASHED)), NotEmpty((Variable.SEARCH,)))), Refuse(400), Then.STOP, span)
            flow.add(when, ForwardTo(upstream, HELD, encoding), self.labels.proxied, span)
            if kind == "open":
                flow.add(Matches((origin, Fact.HELD), BAD_PORT), Refuse(400), Then.STOP, span)
                if self.place.instead is not None:
                    self.place.instead(flow)
                flow.add(Always(), ForwardAnywhere((origin, Fact.HELD), encoding), self.labels.proxied, span)
            return
        if kind != "local":
            flow.add(Matches(HELD, _WEBSOCKET), Set(Setting.UPGRADES, b"*"), Then.NEXT, span)
            absolute = Always() if kind == "absolute" else Matches(HELD, _ABSOLUTE)
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
            flow.add(Always(), ForwardAnywhere((*self._own_origin(), Fact.HELD), encoding), self.labels.proxied, span)

    def _go_on(self, number: int, line: RuleLine, kind: str | None) -> None:
        """Go where a rule leads that was for the request; `kind` is None if it changed nothing."""
        flow, flags, span = self.flow, line.flags, line.span
        if flags.passthrough and self.place.directory is None:
            self._pass_through(line, kind)
            return
        if flags.end:
            flow.add(Always(), SetNote(END, (b"1",)), Then.NEXT, span)
        if flags.end or flags.last or flags.passthrough or (flags.proxy and kind is None):
            if kind is None:
                flow.go(self.end, None, span)
            else:
                self._finish(kind, flags.noescape, flags.status, span)
            return
        if kind is not None:
            value = b"%d%b" % (flags.status, b"n" if flags.noescape else b"")
            self.endings[value] = (flags.noescape, flags.status)
            flow.add(Always(), SetNote(_REWRITTEN, (value,)), Then.NEXT, span)
        if flags.rounds:
            flow.add(Always(), Count(self.place.counted, max(flags.rounds - 2, 0)), self.at[0], span)
        elif flags.skip:
            flow.go(self._after(number + 1 + flags.skip), None, span)

    def _pass_through(self, line: RuleLine, kind: str | None) -> None:
        """The path is what the text has become; everything else goes on with it."""
        flow, span = self.flow, line.span
        self._refuse_controls(line)
        if kind != "local":  # a URL is no path
            flow.add(Matches(HELD, _ABSOLUTE), Refuse(400), Then.STOP, span)
        flow.add(Always(), Rewrite(HELD), self.labels.on, span)

    def _finish(self, kind: str, noescape: bool, status: int, span: Span | None) -> None:
        """Answer with a redirect if the held text is a URL; else it is a path."""
        path = Label()
        if kind == "unknown":
            self.flow.go(path, Not(Matches(HELD, _ABSOLUTE)), span)
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
            if self.query_changes:
                flow.add(Matches((Fact.QUERY,), _CONTROL), Refuse(403), Then.STOP, span)
            flow.add(Always(), Redirect(status, (Fact.HELD, Variable.SEARCH)), Then.STOP, span)
            return
        location: Template = (Capture(1), Call(Function.ESCAPE, (Capture(2),)))
        split = Matches(HELD, _SPLIT, captures=True)
        if self.query_changes:
            changed = Not(Compares((Fact.QUERY,), Comparison.SAME, (Note(_QUERY),)))
            escaped = (*location, b"?", Call(Function.ESCAPE, (Fact.QUERY,)))
            flow.add(All((split, NotEmpty((Fact.QUERY,)), changed)), Redirect(status, escaped), Then.STOP, span)
        flow.add(split, Redirect(status, (*location, Variable.SEARCH)), Then.STOP, span)

    def _local(self, span: Span | None) -> None:
        """The text is a path: outside of sections a file's, inside the path of a request that begins anew."""
        flow, place = self.flow, self.place
        if self.query_changes:
            flow.add(Matches((Fact.QUERY,), _CONTROL), Refuse(403), Then.STOP, span)
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
        flow.go(self.labels.on, Compares(HELD, Comparison.SAME, (Note(_BEGAN),)), span)
        onwards = ForwardAnywhere((Without(HELD, _PROXIED),), place.encoding)
        if self.place.worker is not None and span is not None:
            self.place.worker(flow, "", (Without(HELD, _PROXIED),), span)
        flow.add(Matches(HELD, Pattern(rb"\A" + _PROXIED)), onwards, self.labels.proxied, span)
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


def begin_section(flow: Flow, document_root: bytes, walks: bool) -> None:
    """Hold what sections' rules work on: where the request goes, or the name of the file that it is.

    If it `walks`, that ends where the disk has no more of it, and what is behind it is kept apart.
    """
    proxied = NotEmpty((Fact.DESTINATION,))
    flow.add(proxied, Hold((_PROXIED, Fact.DESTINATION)))
    flow.add(All((Not(proxied), HasNote(FILE))), Hold((Note(FILE),)))
    flow.add(Not(NotEmpty(HELD)), Hold((document_root, Fact.PATH)))
    if walks:
        flow.add(Always(), SetNote(_INFO, (Call(Function.BEHIND, HELD),)))
        flow.add(Always(), Hold((Call(Function.FOUND, HELD),)))
    flow.add(Always(), SetNote(_BEGAN, HELD))


def walks(rules: Sequence[RuleLine]) -> bool:
    """Tell whether it matters to a section's rules where a file's name ends: they ask for it, or go on with another path."""
    for line in rules:
        texts = (*line.texts, *(one.text for one in line.conditions))
        if any("FILENAME" in one.upper() for one in texts) or any(
            "FILENAME" in one.argument.upper() for one in line.conditions
        ):
            return True
        if not line.nothing and not _ends(line):
            return True
    return False


def ended() -> Condition:
    """Return whether a rule with END has been there."""
    return HasNote(END)


def _before_mark(text: Template) -> Template:
    """Return what stands before the first question mark that is written."""
    for at, one in enumerate(text):
        if isinstance(one, bytes) and b"?" in one:
            return (*text[:at], one.partition(b"?")[0])
    return text


def _touches_query(line: RuleLine) -> bool:
    return not line.nothing and ("?" in line.substitution or line.flags.discard or line.flags.unsafe_query)


def _ends(line: RuleLine) -> bool:
    flags = line.flags
    return flags.last or flags.end or flags.proxy or flags.passthrough or flags.refuse
