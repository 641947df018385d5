"""Whether a hub believes that a request comes from its own pages: Host and Origin as they arrive.

Knows what Tornado and jupyter-server compare. Must not know what is told of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from perijove.checks.sites import arriving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perijove.checks.sites import Site
    from perijove.checks.subject import Subject
    from perijove.explain.model import Explanation


class Verdict(Enum):
    """What is wrong."""

    HOST = "Host is the upstream's, Origin the browser's"
    BOTH = "Host is the browser's, Origin is not"
    ORIGIN = "both were changed, and differ"


@dataclass(frozen=True, slots=True)
class Judged:
    """A request that is taken for a stranger's."""

    verdict: Verdict
    host: str
    origin: str
    found: Explanation


def judge(subject: Subject, site: Site) -> Iterator[Judged]:
    """Yield the requests of a site that are taken for strangers': a kernel's WebSocket, a call of the API."""
    for found in (site.socket, site.ask(subject, "user/ann/api/contents", method="PUT")):
        if found is None or found.sent is None:
            continue
        host, origin = arriving(found, "host") or "", arriving(found, "origin")
        if origin is None or _place(origin) == host.lower():
            continue  # nothing is compared without Origin
        if origin == site.origin:
            yield Judged(Verdict.HOST, host, origin, found)
        else:
            verdict = Verdict.BOTH if host.lower() == site.authority.lower() else Verdict.ORIGIN
            yield Judged(verdict, host, origin, found)


def _place(origin: str) -> str:
    """Return what Tornado compares with Host (WebSocketHandler.check_origin)."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
