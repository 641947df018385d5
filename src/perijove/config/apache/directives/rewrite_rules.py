"""What lists of RewriteRules mean: rules of ours, in order, with all that httpd does between and behind them.

Knows mod_rewrite's two phases, which work alike: a text, which begins as the path or as a file's name, is held and changed by
rule after rule (apply_rewrite_list, apply_rewrite_rule); what it is in the end decides (`rewrite_results`). Must not know sections and servers:
those choose lists (`rewrite_inheritance`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from perijove.config.apache.directives.rewrite_answers import cookie, vary
from perijove.config.apache.directives.rewrite_conditions import HELD, applies, keeps_groups
from perijove.config.apache.directives.rewrite_place import BEGAN, END, PROXIED, QUERY, Labels, Place
from perijove.config.apache.directives.rewrite_results import ABSOLUTE, SCHEMES, Results
from perijove.config.apache.directives.rewrite_syntax import RuleLine
from perijove.config.apache.directives.rewrite_text import CONTROLS, EVERYTHING, Around, expand
from perijove.config.apache.files import FILE
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.own_names import joined
from perijove.config.apache.words import octets
from perijove.gateway.actions import (
    Count,
    Hold,
    Nothing,
    Refuse,
    SetNote,
    SplitQuery,
    UnsetNote,
)
from perijove.gateway.conditions import (
    All,
    Always,
    Compares,
    Comparison,
    Condition,
    HasNote,
    Matches,
    Not,
    NotEmpty,
    Pattern,
)
from perijove.gateway.rules import Then
from perijove.gateway.templates import Call, Capture, Fact, Function, Note, Template

# Notes of ours have a zero octet, which no configuration can write.
_REWRITTEN: Final = b"\0rewritten"
_INFO: Final = b"\0info"  # what stands behind a file's name (path_info)
INFO: Final[Template] = (Note(_INFO),)

_is_absolute: Final = re.compile(rb"(?i)\A(?:%b)" % SCHEMES).match
_ROOTED: Final = Pattern(rb"(?i)\A(?:/|%b)" % SCHEMES)
_MARK: Final = Pattern(rb"\?")
_socket: Final = re.compile(rb"(?i)unix:[^|]*\|").match  # a Unix socket, before the URL that is asked for there
_authority: Final = re.compile(rb"(?i)([a-z0-9]+)://([^/?#]*)").match
_queryless: Final = re.compile(rb"(?i)(?:ftp|gopher|ldap|nntp)://|news:").match


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
        self.behind: list[int] = []  # of each rule, the one that follows it, or the chain that it is in
        for number in reversed(range(len(rules))):
            chained = rules[number].flags.chain and self.behind
            self.behind.append(self.behind[-1] if chained else number + 1)
        self.behind.reverse()
        self.end = Label()
        self.arounds: dict[tuple[bool, bool], Around] = {}
        self.endings: dict[bytes, tuple[bool, int]] = {}  # what may be noted of a text that was changed
        self.query_changes = any(_touches_query(one) for one in rules)
        self.results = Results(flow, place, labels, self.query_changes)

    def write(self) -> None:
        flow = self.flow
        if any(not _ends(one) and not one.nothing for one in self.rules):
            flow.add(Always(), UnsetNote(_REWRITTEN))
        if self.query_changes:
            flow.add(Always(), SetNote(QUERY, (Fact.QUERY,)))
        for number, line in enumerate(self.rules):
            flow.place(self.at[number])
            self._rule(number, line)
        flow.place(self.end)
        for value, (noescape, status) in self.endings.items():
            other = Label()
            flow.go(other, Not(Compares((Note(_REWRITTEN),), Comparison.SAME, (value,))))
            self.results.finish("unknown", noescape, status, None)
            flow.place(other)
        flow.go(self.labels.on)

    def _after(self, number: int) -> Label:
        return self.at[number] if number < len(self.rules) else self.end

    def _missed(self, number: int) -> Label:
        return self._after(self.behind[number])

    # ---- what it does

    def _around(self, groups: bool, kept: bool) -> Around:
        """Return what the texts of a rule may ask for; there are thousands of rules, and few kinds of them."""
        found = self.arounds.get((groups, kept))
        if found is None:
            found = self.arounds[groups, kept] = replace(self.place.around, groups=groups, kept=kept)
        return found

    def _rule(self, number: int, line: RuleLine) -> None:
        flow, flags = self.flow, line.flags
        missed = self._missed(number)
        when = applies(line, self.place.around, self.place.expression, self.place.directory, self.place.info)
        kept = any(map(keeps_groups, line.conditions))
        around = self._around(not line.negated, kept)
        if flags.refuse:
            flow.add(when, Nothing(), Then.NEXT, line.span, missed)
            self._environment(line, around)
            # It puts the status back to 200, so that it is no error of an error's page (hook_uri2file, mod_rewrite.c).
            flow.add(Always(), Refuse(flags.status, anew=True), Then.STOP, line.span)
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
        around = self._around(not line.negated, kept)
        if any("FILENAME}" in one for one in flags.environment):
            # What is said of the file is said of the one before: it is another one only behind do_expand_env (apply_rewrite_rule).
            flow.add(when, Nothing(), Then.NEXT, line.span, missed)
            self._environment(line, around)
            flow.add(Always(), Hold(text), Then.NEXT, line.span)
        else:
            flow.add(when, Hold(text), Then.NEXT, line.span, missed)
            self._environment(line, around)
        self._query(line, text)
        self._root(line, kind)
        if flags.discard_info and self.place.info:
            flow.add(Always(), UnsetNote(_INFO), Then.NEXT, line.span)
        if flags.proxy:
            self.results.proxy(line, kind, upstream, origin)
            return
        if flags.redirect:
            if kind != "absolute":
                rooted = None if kind == "local" else Not(Matches(HELD, ABSOLUTE))
                flow.add(rooted or Always(), Hold((*self.place.around.names.origin, Fact.HELD)), Then.NEXT, line.span)
            kind = "absolute"
        elif kind != "local" and self.place.own is not None:
            flow.add(self.place.own, Hold((b"/", Capture(1))), Then.NEXT, line.span)
            kind = "unknown"
        self._go_on(number, line, kind)

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

    def _go_on(self, number: int, line: RuleLine, kind: str | None) -> None:
        """Go where a rule leads that was for the request; `kind` is None if it changed nothing."""
        flow, flags, span = self.flow, line.flags, line.span
        if flags.passthrough and self.place.directory is None:
            self.results.pass_through(line, kind)
            return
        if flags.end:
            flow.add(Always(), SetNote(END, (b"1",)), Then.NEXT, span)
        if flags.end or flags.last or flags.passthrough or (flags.proxy and kind is None):
            if kind is None:
                flow.go(self.end, None, span)
            else:
                self.results.finish(kind, flags.noescape, flags.status, span)
            return
        if kind is not None:
            value = b"%d%b" % (flags.status, b"n" if flags.noescape else b"")
            self.endings[value] = (flags.noescape, flags.status)
            flow.add(Always(), SetNote(_REWRITTEN, (value,)), Then.NEXT, span)
        if flags.rounds:
            flow.add(Always(), Count(self.place.counted, max(flags.rounds - 2, 0)), self.at[0], span)
        elif flags.skip:
            flow.go(self._after(number + 1 + flags.skip), None, span)


def begin_section(flow: Flow, document_root: bytes, walks: bool) -> None:
    """Hold what sections' rules work on: where the request goes, or the name of the file that it is.

    If it `walks`, that ends where the disk has no more of it, and what is behind it is kept apart.
    """
    proxied = NotEmpty((Fact.DESTINATION,))
    flow.add(proxied, Hold((PROXIED, Fact.DESTINATION)))
    flow.add(All((Not(proxied), HasNote(FILE))), Hold((Note(FILE),)))
    flow.add(Not(NotEmpty(HELD)), Hold((document_root, Fact.PATH)))
    if walks:
        flow.add(Always(), SetNote(_INFO, (Call(Function.BEHIND, HELD),)))
        flow.add(Always(), Hold((Call(Function.FOUND, HELD),)))
    flow.add(Always(), SetNote(BEGAN, HELD))


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
