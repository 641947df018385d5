"""The places on the web that lead to a hub: a listener, a virtual host and a path each.

Which ones they are is asked of the tables: paths that rules name are tried. Of several applications on a host, the hub is the
one that looks like one. Knows gateways and explanations. Must not know how a configuration was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from perijove.gateway import conditions
from perijove.gateway.model import TcpAddress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perijove.checks.subject import Subject
    from perijove.explain.model import Considered, Explanation
    from perijove.gateway.conditions import Condition
    from perijove.gateway.model import Gateway, Listener, VirtualHost

_USER: Final = "user/ann/"
KERNEL: Final = _USER + "api/kernels/4f1c2a9e-0b7d-4c55-9a51-2f6f7d1c0001/channels"
LOGIN: Final = "hub/login"
_MOST: Final = 8  # paths that are tried on each host
_HOSTS: Final = 24
_LISTENERS: Final = 24
# Segments of a hub's and a notebook server's own paths: what is in front of the first of them is where the hub is.
_OWN: Final = frozenset(
    (
        "hub",
        "user",
        "services",
        "api",
        "terminals",
        "kernels",
        "login",
        "lab",
        "tree",
        "static",
        "channels",
    )
)
_HUB: Final = re.compile(r"jupyter|jhub|\bhub\b|notebook").search
_CALLED: Final = re.compile(r"jupyter|\bj?hub\b|\b(?:j?lab|notebooks?)\b").search  # a host
_SPELT: Final = re.compile(r"(?:\\A|\^)?((?:[\w/~%@-]|\\[.-])*)").match
_SOCKETS: Final = re.compile(r"api/kernels|terminals|channels").search


@dataclass(frozen=True, slots=True)
class Site:
    """Where a hub is on the web, and what becomes of its two kinds of requests."""

    listener: Listener
    host: VirtualHost
    scheme: str
    authority: str
    mount: str  # with a slash at both ends
    page: Explanation  # of the login page
    socket: Explanation  # of a kernel's WebSocket
    own: str = _USER  # where a user's server is below the mount; of a notebook server without a hub, nowhere else
    _asked: dict[tuple[str, bool, str], Explanation | None] = field(default_factory=dict, compare=False)

    @property
    def origin(self) -> str:
        """What a browser says in Origin."""
        return f"{self.scheme}://{self.authority}"

    @property
    def kernel(self) -> str:
        """The path of a kernel's WebSocket below the mount."""
        return self.own + KERNEL.removeprefix(_USER)

    def url(self, path: str) -> str:
        """Return the URL of a path below the mount."""
        return f"{self.origin}{self.mount}{path}"

    def ask(self, subject: Subject, path: str, *, websocket: bool = False, method: str = "GET") -> Explanation | None:
        """Return what becomes of a browser's request for a path below the mount."""
        if path.startswith(_USER):
            path = self.own + path.removeprefix(_USER)
        key = (path, websocket, method)
        if key not in self._asked:
            self._asked[key] = _ask(subject, self.origin, self.mount + path, websocket, method)
        return self._asked[key]


def find(subject: Subject, gateway: Gateway) -> Iterator[Site]:
    """Yield the sites of a gateway."""
    scored: list[tuple[int, Site]] = []
    seen: set[tuple[int, str]] = set()
    for listener in gateway.listeners[:_LISTENERS]:
        if listener.redirect_to is not None or not isinstance(listener.address, TcpAddress):
            continue
        for host in (listener.hosts or gateway.hosts)[:_HOSTS]:
            name = _name(host)
            key = (id(listener), name or str(host.origin))
            if key not in seen:
                seen.add(key)
                scored += _of_host(subject, listener, listener.address, host, name)
    best = max((score for score, _ in scored), default=0)
    likely = [site for score, site in scored if score >= min(best, _LIKELY)]
    yield from likely if best >= _LIKELY else likely[:1]  # of several that do not look like a hub, nobody knows


_LIKELY: Final = 2


def origins(gateway: Gateway) -> Iterator[str]:
    """Yield what browsers call the virtual hosts of a gateway, hub or not."""
    yield from (origin for origin, _ in addressed(gateway))


def addressed(gateway: Gateway) -> Iterator[tuple[str, VirtualHost]]:
    """Yield the virtual hosts of a gateway, hub or not, each with what browsers call it."""
    for listener in gateway.listeners[:_LISTENERS]:
        if listener.redirect_to is None and isinstance(listener.address, TcpAddress):
            for host in (listener.hosts or gateway.hosts)[:_HOSTS]:
                yield "://".join(_called(listener, listener.address, _name(host))), host


def _called(listener: Listener, address: TcpAddress, name: str) -> tuple[str, str]:
    """Return scheme and authority."""
    scheme = "http" if listener.tls is None else "https"
    shown = name or "hub.example.org"
    default = 443 if scheme == "https" else 80
    return scheme, shown if address.port == default else f"{shown}:{address.port}"


def decider(found: Explanation) -> Considered | None:
    """Return the rule that decided where a request goes."""
    routes = [one for one in found.rules if one.matched and one.stage == "route" and one.place is not None]
    leading = [one for one in routes if any(does.startswith(("forward", "refuse", "answer", "redirect")) for does in one.does)]
    either = leading or routes
    return either[-1] if either else None


def upgraded(found: Explanation | None) -> bool:
    """Tell whether a WebSocket's handshake reaches an upstream as one."""
    return found is not None and found.sent is not None and arriving(found, "upgrade") is not None


def arriving(found: Explanation, name: str) -> str | None:
    """Return what a field says where it arrives; None if it does not."""
    if found.sent is None:
        return None
    values = [value for known, value in found.sent.fields if known.lower() == name]
    return ", ".join(values) if values else None


def target(found: Explanation) -> str:
    """Return the path that arrives upstream, with its query; empty if none does."""
    return "" if found.sent is None else found.sent.line.split(" ")[1]


def _name(host: VirtualHost) -> str:
    plain = [one for one in host.names if "*" not in one]
    return host.server_name or next(iter(plain), "")


def _of_host(subject: Subject, listener: Listener, address: TcpAddress, host: VirtualHost, name: str) -> list[tuple[int, Site]]:
    """Return the sites of a virtual host, each with how much it looks like a hub's."""
    scheme, authority = _called(listener, address, name)
    found: list[tuple[int, Site]] = []
    taken: list[tuple[str, tuple[str, str]]] = []
    known = _paths(host)
    for mount in _mounts(known):
        page = _ask(subject, f"{scheme}://{authority}", mount + LOGIN, False, "GET")
        own = "" if _alone(known, mount) else _USER
        socket = _ask(subject, f"{scheme}://{authority}", mount + own + KERNEL.removeprefix(_USER), True, "GET")
        if page is None or socket is None or not _is_of(page, host):
            continue
        if page.sent is None and socket.sent is None and not (_fails(page) or _fails(socket)):
            continue
        lines = (_line(page), _line(socket))
        if any(mount.startswith(other) and lines == its for other, its in taken):
            continue  # a part of what is there already
        taken.append((mount, lines))
        site = Site(listener, host, scheme, authority, mount, page, socket, own)
        found.append((_likeness(subject, site), site))
    best = max((score for score, _ in found), default=0)
    # Of several that look like a hub, each is one; but for what only stands in the path of another.
    return [(score, site) for score, site in found if score == best or _HUB(site.mount.lower())]


def _is_of(found: Explanation, host: VirtualHost) -> bool:
    """Tell whether a request was for this host: another may have its name, too."""
    place = found.host.place if found.host is not None else None
    if host.origin is None or place is None:
        return host.origin is None and place is None
    return (place.file, place.line) == (host.origin.source.name, host.origin.line)


def _fails(found: Explanation) -> bool:
    """Tell whether a request would go upstream, if only something were there."""
    return found.refusal is not None and found.refusal.code in ("AH01144", "AH01961", "AH01171", "AH02900")


def _line(found: Explanation) -> str:
    one = decider(found)
    return f"{one.place.file}:{one.place.line}" if one is not None and one.place is not None else ""


def _likeness(subject: Subject, site: Site) -> int:
    """Return how much a site looks like a hub's."""
    hub = subject.known.hub
    if hub is not None and hub.told and hub.base_url == site.mount:
        return 9
    score = 1 if site.mount == "/" else 0
    score += 2 if _HUB(site.mount.lower()) else 0
    score += 1 if site.mount == "/" and _CALLED(site.authority.lower()) else 0
    for found in (site.page, site.socket):
        if found.sent is not None:
            score += 2 if found.sent.address.endswith((":8000", ":8888")) else 0
            score += 2 if _HUB(found.sent.address.lower()) else 0
    one = decider(site.socket)
    if one is not None and one.place is not None and upgraded(site.socket):
        score += 2 if _SOCKETS(one.place.text) or _SOCKETS(one.when) else 1
    return score


def _ask(subject: Subject, origin: str, path: str, websocket: bool, method: str) -> Explanation | None:
    fields = (f"Origin: {origin}", f"Referer: {origin}/")
    return subject.ask(origin + path, method=method, websocket=websocket, fields=fields)


# ---------------------------------------------------------------------- paths that are tried


class _Paths(NamedTuple):
    """Paths that the rules of a host name: how they begin, as far as that is spelt out; whether one is for users' servers."""

    beginnings: tuple[str, ...]
    users: bool


def _paths(host: VirtualHost) -> _Paths:
    whens = [*(one.when for one in host.stages.route), *(one.when for one in host.stages.sections)]
    named = dict.fromkeys(path for when in whens for path in _of(when))
    beginnings = dict.fromkeys(_literal(text) if pattern else text for text, pattern in named)
    return _Paths(tuple(beginnings), any("user" in text for text, _ in named))


def _mounts(known: _Paths) -> list[str]:
    """Return where a hub may be, the shortest first; of many, those that are called like one."""
    found = dict.fromkeys(("/", *(_mount(text) for text in known.beginnings if text.startswith("/"))))
    likely = sorted(found, key=lambda mount: (mount != "/", _HUB(mount.lower()) is None, len(mount)))[:_MOST]
    return sorted(likely, key=len)


def _alone(known: _Paths, mount: str) -> bool:
    """Tell whether rules are for the kernels of a notebook server that is there without a hub, and none for users' servers."""
    kernels = tuple(f"{mount}{own}" for own in ("api/kernels", "terminals/"))
    # Beside a rule for everything, one for /api may be another application's.
    api = () if mount in known.beginnings else (f"{mount}api", f"{mount}api/")
    return not known.users and any(text.startswith(kernels) or text in api for text in known.beginnings)


def _mount(path: str) -> str:
    segments: list[str] = []
    every = path.strip("/").split("/")
    for at, segment in enumerate(every):
        folder = segment == "hub" and every[at + 1 : at + 2] in (["hub"], ["user"])  # a hub that is itself below /hub/
        if not segment or (segment in _OWN and not folder):
            break
        segments.append(segment)
    return "/" + "".join(f"{one}/" for one in segments)


def _of(when: Condition) -> Iterator[tuple[str, bool]]:
    """Yield the texts of paths that a condition names, and whether each is a pattern."""
    match when:
        case conditions.PathPrefix(prefix=path) | conditions.PathIs(path=path):
            yield path.decode("utf-8", "replace"), False
        case conditions.PathMatches(pattern=pattern) | conditions.Matches(pattern=pattern) if pattern.source:
            yield pattern.source, True  # what nobody wrote says nothing
        case conditions.All(of=several) | conditions.Any(of=several):
            for one in several:
                yield from _of(one)
        case conditions.Apart(of=one) | conditions.Not(of=one):
            yield from _of(one)
        case _:
            pass


def _literal(pattern: str) -> str:
    """Return the folder that a pattern begins with, as far as it is spelt out."""
    said = _SPELT(pattern)
    text = "" if said is None else said[1].replace("\\", "")
    rest = "" if said is None else pattern[said.end() :]
    # What is repeated or may be left out is not spelt out.
    return text if text.endswith("/") or not rest or rest[0] in "(/$" else text[: text.rfind("/") + 1]
