"""Redirect and Alias, at both moments at which mod_alias acts.

Sources: translate_alias_redir, fixup_redir and try_redirect_list (modules/mappers/mod_alias.c). Must not know what comes between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.config.apache.files import FILE
from perijove.config.apache.flow import Flow, Label
from perijove.config.apache.paths import prefix, substituted
from perijove.config.apache.scope import Kind
from perijove.gateway.conditions import All, Always, Condition, Matches, PathMatches, Pattern, both
from perijove.gateway.rules import Hold, Nothing, Redirect, Refuse, SetNote, Template, Then
from perijove.gateway.templates import Call, Capture, Fact, Function, Variable

if TYPE_CHECKING:
    from perijove.config.apache.directives.mod_alias import Aliasing, Redirecting
    from perijove.config.apache.host import Host
    from perijove.config.apache.scope import Scope

# What stands before the path of a URL, its path, and its query or fragment.
_SPLIT: Final = Pattern(rb"(?s)\A((?:[A-Za-z][A-Za-z0-9+.-]*:(?://[^/?#]*)?)?)([^?#]*)((?:[?#].*)?)\Z", 3)
_MARK: Final = Pattern(rb"\?")


def translate(flow: Flow, host: Host, translated: Label) -> None:
    """Add redirects, then aliases; the host's before the main server's (translate_alias_redir).

    A section's Redirect without a path comes before all of them.
    """
    for section in reversed(host.redirecting):
        if section.kind is not Kind.DIRECTORY:  # it is not known yet which files requests are for
            _whole(flow, host, section, host.entered(section))
    for level in reversed(host.levels.scopes):
        for one in level.said.get("redirects", ()):
            redirect(flow, one, Always(), host.names.origin, host.slashes)
    for section in reversed(host.walked):
        for one in section.said.get("aliases", ()):
            _alias(flow, one, host.entered(section), translated, host.slashes)
    for level in reversed(host.levels.scopes):
        for one in level.said.get("aliases", ()):
            _alias(flow, one, Always(), translated, host.slashes)


def fixup(flow: Flow, host: Host) -> None:
    """Add redirects of sections, which are in place of whatever was chosen; the last section's comes first (fixup_redir).

    One without a path beats all that have one, or a pattern.
    """
    for section in reversed(host.redirecting):
        _whole(flow, host, section, section.condition)
    for section in reversed(host.redirecting):
        for one in section.said["redirects"]:
            if one.path or one.pattern is not None:
                redirect(flow, one, section.condition, host.names.origin, host.slashes)


def _whole(flow: Flow, host: Host, section: Scope, within: Condition) -> None:
    """Add the Redirect of a section that has no path of its own: of several the last."""
    found = [one for one in section.said.get("redirects", ()) if not one.path and one.pattern is None]
    if found:
        redirect(flow, found[-1], within, host.names.origin, host.slashes)


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
    when = both(within, own)
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


def _alias(flow: Flow, one: Aliasing, within: Condition, translated: Label, slashes: bool = False) -> None:
    """Add an Alias: it ends the search, with a path on the disk. `slashes`: paths may have double slashes."""
    path = one.path.encode("utf-8", "surrogateescape")
    own, rest = (PathMatches(one.pattern), b"") if one.pattern is not None else prefix(one.path, slashes)
    when = All((within, own)) if path or one.pattern is not None else within
    if one.directory != "!":
        directory = one.directory.encode("utf-8", "surrogateescape")
        made = substituted(directory) if one.pattern is not None else (directory, rest)
        flow.add(when, SetNote(FILE, made if path or one.pattern is not None else (directory,)), translated, one.origin)
    else:
        flow.add(when, Nothing(), translated, one.origin)
