"""Fixes and places that several checks share.

Knows subjects, sites and edits. Must not know what is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.checks.sites import LOGIN, decider
from perijove.checks.written import appended, deleted, inserted, replaced
from perijove.text.diagnostic import Fix
from perijove.text.source import Span

if TYPE_CHECKING:
    from perijove.checks.sites import Site
    from perijove.checks.subject import Subject
    from perijove.checks.written import Mapped, Written
    from perijove.explain.model import Explanation
    from perijove.gateway.model import VirtualHost
    from perijove.text.diagnostic import Edit

UPGRADE = (2, 4, 47)  # since when ProxyPass takes upgrade= (httpd's CHANGES)


def same(one: Span | None, other: Span | None) -> bool:
    """Tell whether two places are on one line."""
    return one is not None and other is not None and (one.source.name, one.line) == (other.source.name, other.line)


def line_of(subject: Subject, found: Explanation) -> Span | None:
    """Return the line that decided where a request goes."""
    one = decider(found)
    return None if one is None else subject.span(one.place)


def place(subject: Subject, site: Site, found: Explanation | None = None) -> Span:
    """Return the line that decides what becomes of a request, or else where the site begins."""
    return line_of(subject, found or site.page) or site.host.origin or Span(subject.source, 1)


def mapping(subject: Subject, found: Explanation) -> Mapped | None:
    """Return the ProxyPass, or what is like it, that decided where a request goes."""
    line = line_of(subject, found)
    return next((one for one in subject.mapped if same(one.written.span, line)), None)


def shadowed(subject: Subject, site: Site) -> tuple[Mapped, Mapped] | None:
    """Return a host's own ProxyPass for the hub's pages, and the main server's that takes them first."""
    its = mapping(subject, site.page)
    if site.host.origin is None or its is None or its.written.host is not None or its.written.name == "rewriterule":
        return None
    for one in subject.mapped:
        mine = one.written.host is not None and same(one.written.host.span, site.host.origin)
        if not mine or one.path is None or one.pattern or one.written.location is not None:
            continue
        if (site.mount + LOGIN).startswith(one.path.text) and one.target.text != its.target.text:
            return one, its
    return None


def edits_of_origin(subject: Subject, site: Site) -> list[Written]:
    """Return the lines that change Origin and Referer of requests, and those that mean to and change responses."""
    return [
        one
        for one in subject.directives("requestheader", "header")
        if within(one, site)
        and len(one.words) > 2
        and one.words[0].text.lower() in ("edit", "edit*", "set")
        and one.words[1].text.lower() in ("origin", "referer")
    ]


def hosts_set(subject: Subject, site: Site) -> list[Written]:
    """Return the lines that write a Host of their own into requests."""
    return [
        one
        for one in subject.directives("requestheader")
        if within(one, site)
        and len(one.words) > 1
        and one.words[0].text.lower() in ("set", "edit", "edit*", "unset")
        and one.words[1].text.lower() == "host"
    ]


def addresses(subject: Subject, host: VirtualHost) -> frozenset[str]:
    """Return the addresses that a virtual host is written for."""
    origin = host.origin
    return frozenset() if origin is None else subject.addresses.get((origin.source.name, origin.line), frozenset())


def within(one: Written, site: Site) -> bool:
    """Tell whether a line is for a site: of its virtual host, or of the main server."""
    return one.host is None or same(one.host.span, site.host.origin)


def in_force(subject: Subject, site: Site, name: str) -> Written | None:
    """Return the line of a directive that is in force for a site's login page, as far as sections have plain paths.

    A section's own comes before a host's, and that before the main server's.
    """
    said = [one for one in subject.directives(name) if within(one, site) and _covers(one, site)]
    return max(reversed(said), key=lambda one: (one.location is not None, one.host is not None), default=None)


def _covers(one: Written, site: Site) -> bool:
    if one.location is None:
        return not one.around or one.around[-1] is one.host
    subject = one.location.subject()
    return subject is not None and not subject[1] and (site.mount + LOGIN).startswith(subject[0].text)


def upgrade(subject: Subject, *found: Explanation) -> Fix | None:
    """Return the fix that lets WebSockets through where these requests go."""
    if subject.older(*UPGRADE):
        return None
    edits: list[Edit] = []
    for one in found:
        its = mapping(subject, one)
        if its is None or its.scheme not in ("http", "https") or its.written.name == "rewriterule":
            return None
        if any(word.text.lower().startswith("upgrade=") for word in its.written.words):
            return None
        edit = appended(its.written.span, " upgrade=websocket")
        if edit not in edits:
            edits.append(edit)
    return Fix("add `upgrade=websocket` to ProxyPass", tuple(edits))


def in_host(subject: Subject, site: Site, line: str) -> Edit | None:
    """Return the edit that adds a line to a site's virtual host, or before what leads to an upstream where there is none."""
    if site.host.origin is not None:
        return inserted(site.host.origin, line, after=True)
    first = next((one.written for one in subject.mapped if one.written.host is None), None)
    if first is None:
        return None
    return inserted(first.around[0].span if first.around else first.span, line)


def preserve_host(subject: Subject, site: Site) -> Fix | None:
    """Return the fix that sends the client's Host upstream, and leaves Origin and Referer alone."""
    if subject.reading is None:
        return None
    edits = [deleted(one.span) for one in edits_of_origin(subject, site)]
    edits += [deleted(one.span) for one in hosts_set(subject, site)]
    said = [one for one in subject.directives("proxypreservehost") if within(one, site) and one.words]
    edits += [replaced(one.words[0].span, "On") for one in said if one.words[0].text.lower() == "off"]
    if all(one.location is not None for one in said):
        edit = in_host(subject, site, "ProxyPreserveHost On")
        if edit is None:
            return None
        edits.append(edit)
    return (
        None
        if not edits
        else Fix(
            "send the client's Host upstream (`ProxyPreserveHost On`), and leave Origin and Referer as they are", tuple(edits)
        )
    )
