"""What is answered here, without an upstream: redirects, and what is asked of files, of which there are none.

Knows mod_alias and the default handler. Must not know when they come in turn (`lower`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache import reasons
from perijove.config.apache.flow import Flow, Label
from perijove.gateway.conditions import All, Always, Condition, Matches, Not, NotEmpty, PathMatches, PathPrefix, Pattern
from perijove.gateway.rules import Hold, Redirect, Refuse, Template, Then
from perijove.gateway.templates import Call, Capture, Fact, Function, Part, Rest, Variable

if TYPE_CHECKING:
    from perijove.config.apache.directives.mod_alias import Redirecting

ALLOWED: Final = b"GET,HEAD,OPTIONS,POST"  # of files (default_handler, server/core.c)
_OPTIONS: Final = Pattern(rb"\AOPTIONS\Z")
_READ: Final = Pattern(rb"\A(?:GET|HEAD|POST|TRACE)\Z")
# ap_method_registry_init (modules/http/http_protocol.c)
_KNOWN: Final = Pattern(
    rb"\A(?:GET|HEAD|PUT|POST|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PROPFIND|PROPPATCH|MKCOL|COPY|MOVE|LOCK|UNLOCK|VERSION-CONTROL"
    rb"|CHECKOUT|UNCHECKOUT|CHECKIN|UPDATE|LABEL|REPORT|MKWORKSPACE|MKACTIVITY|BASELINE-CONTROL|MERGE)\Z"
)
# What stands before the path of a URL, its path, and its query or fragment.
_SPLIT: Final = Pattern(rb"(?s)\A((?:[A-Za-z][A-Za-z0-9+.-]*:(?://[^/?#]*)?)?)([^?#]*)((?:[?#].*)?)\Z", 3)
_MARK: Final = Pattern(rb"\?")


def prefix(path: str, slashes: bool) -> tuple[Condition, Part]:
    """Return which paths are under a prefix, and what is behind it (alias_match, alias_matches).

    Any number of slashes is as good as one, if there may be several: `slashes`.
    """
    octets = path.encode("utf-8", "surrogateescape")
    if not slashes:
        return PathPrefix(octets), Rest(len(octets))
    words = [re.escape(word) for word in re.split(rb"/+", octets)]
    end = b"(.*)" if octets.endswith(b"/") else rb"((?:/.*)?)\Z"
    return PathMatches(Pattern(rb"(?s)\A" + rb"/+".join(words) + end, 1, False, path)), Capture(1)


def redirect(flow: Flow, one: Redirecting, within: Condition, origin: Template, slashes: bool = False) -> None:
    """Add a Redirect, within what holds for its section (try_redirect_list; translate_alias_redir and fixup_redir).

    Args:
        flow: gets the rules.
        one: the redirect.
        within: what holds in its section.
        origin: scheme, name and port of the server's own URLs.
        slashes: paths may have double slashes.
    """
    url = one.url.encode("utf-8", "surrogateescape")
    own: Condition = Always()
    location: Template = one.text or (url,)
    if one.pattern is not None:
        own = PathMatches(one.pattern)
    elif one.path:
        own, rest = prefix(one.path, slashes)
        location = (url, Call(Function.ESCAPE, (rest,)))
    when = own if isinstance(within, Always) else within if isinstance(own, Always) else All((within, own))
    if not url:
        flow.add(when, Refuse(one.status), Then.STOP, one.origin)
        return
    before = origin if url.startswith(b"/") else ()
    if one.pattern is not None:
        # What the pattern found is decoded: it may bring a question mark, which begins a query then. The path is encoded anew.
        after = Label()
        flow.add(when, Hold(substituted(url)), origin=one.origin, otherwise=after)
        escaped: Template = (*before, Capture(1), Call(Function.ESCAPE, (Capture(2),)), Capture(3))
        split = Matches((Fact.HELD,), _SPLIT, captures=True)
        flow.add(All((split, Matches((Fact.HELD,), _MARK))), Redirect(one.status, escaped), Then.STOP, one.origin)
        flow.add(split, Redirect(one.status, (*escaped, Variable.SEARCH)), Then.STOP, one.origin)
        flow.place(after)
        return
    if b"?" not in url:
        location = (*location, Variable.SEARCH)
    flow.add(when, Redirect(one.status, (*before, *location)), Then.STOP, one.origin)


def files(flow: Flow, allowed: bytes) -> None:
    """Add what is said of what goes nowhere (default_handler, server/core.c): a file that is not there, but has its methods."""
    nowhere = Not(NotEmpty((Fact.DESTINATION,)))
    method = (Variable.METHOD,)
    flow.add(All((nowhere, Matches(method, _OPTIONS))), Refuse(200, None, allowed), Then.STOP)
    flow.add(All((nowhere, Not(Matches(method, _KNOWN)))), Refuse(501, reasons.NO_FILE, allowed), Then.STOP)
    flow.add(All((nowhere, Not(Matches(method, _READ)))), Refuse(405, reasons.NO_FILE, allowed), Then.STOP)


def substituted(text: bytes) -> Template:
    """Return a text with what a pattern found: `$1` is a capture, unless a backslash takes that away (ap_pregsub)."""
    out: list[Part] = []
    literal = b""
    at = 0
    while at < len(text):
        mark = text[at : at + 1]
        after = text[at + 1 : at + 2]
        if mark == b"$" and after.isdigit():
            out += [literal, Capture(int(after))]
            literal = b""
            at += 2
        elif mark == b"\\" and after in (b"$", b"&"):
            literal += after
            at += 2
        else:
            literal += mark
            at += 1
    out.append(literal)
    return tuple(one for one in out if one != b"")
