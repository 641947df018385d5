"""Rules: a condition, an action, and how to go on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from perijove.text.source import Span


class Variable(Enum):
    """What a template may name."""

    CLIENT_IP = "client-ip"
    CLIENT_PORT = "client-port"
    HOST = "host"  # as the client named it, port included
    HOSTNAME = "hostname"  # without port
    SCHEME = "scheme"
    SERVER_PORT = "server-port"
    METHOD = "method"
    TARGET = "target"  # path and query
    PATH = "path"
    QUERY = "query"
    SEARCH = "search"  # "?" and the query, or nothing
    REQUEST_ID = "request-id"
    UPSTREAM = "upstream"


# Literal octets and variables, in order.
Template = tuple[bytes | Variable, ...]


@dataclass(frozen=True, slots=True)
class Always:
    """Every request."""


@dataclass(frozen=True, slots=True)
class PathPrefix:
    """Paths under a prefix, by whole segments: `/a` has `/a` and `/a/b`, not `/ab`; `/a/` has only what is below."""

    prefix: bytes


@dataclass(frozen=True, slots=True)
class PathIs:
    """One path."""

    path: bytes


Condition = Always | PathPrefix | PathIs


@dataclass(frozen=True, slots=True)
class PathMapping:
    """A prefix of the path that is replaced on the way upstream."""

    public: bytes
    upstream: bytes


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request to an upstream; without a mapping its target goes on byte for byte."""

    upstream: str
    mapping: PathMapping | None = None
    preserve_host: bool = True


@dataclass(frozen=True, slots=True)
class Redirect:
    """Answer with a Location."""

    status: int
    location: Template


@dataclass(frozen=True, slots=True)
class ServeFile:
    """Answer GET and HEAD with a small file of a directory: the rest of the path, behind the rule's prefix, is its name.

    A name has letters, digits, `-` and `_`. Whatever else is asked for is not there; nothing is forwarded.
    """

    directory: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer with a text."""

    status: int
    content_type: str
    body: Template


class Operation(Enum):
    """What is done to a field."""

    SET = "set"  # instead of any that is there
    ADD = "add"  # beside those that are there
    DEFAULT = "default"  # only if there is none
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class EditField:
    """Change a field of the request or the response."""

    operation: Operation
    name: bytes
    value: Template = ()


@dataclass(frozen=True, slots=True)
class MapUrl:
    """In Location, Content-Location and Refresh: a URL prefix of the upstream, and the public one."""

    upstream: Template
    public: Template


@dataclass(frozen=True, slots=True)
class MapCookie:
    """In Set-Cookie: a prefix of Path, a Domain, Secure. None leaves one alone.

    `secure` True adds it where the client speaks https, False takes it away where it speaks http.
    """

    path_from: bytes | None = None
    path_to: bytes | None = None
    domain_from: bytes | None = None
    domain_to: bytes | None = None
    secure: bool | None = None


Action = Forward | Redirect | Respond | ServeFile | EditField | MapUrl | MapCookie


class Then(Enum):
    """How to go on after an action."""

    NEXT = "next"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Rule:
    """If `when`, then `do`, then go on as `then` says. `origin` is carried along and never interpreted."""

    when: Condition
    do: Action
    then: Then = Then.STOP
    origin: Span | None = None
