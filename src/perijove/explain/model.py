"""What there is to say of a request. Texts only, so that all of it can be written as JSON.

Knows nothing of how it is found out, nor of how it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Line = tuple[str, str]  # of a head: name and value


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked about."""

    method: str
    url: str
    source: str  # the client's address
    fields: tuple[Line, ...] = ()  # in order; Host is the URL's unless it is one of them
    version: str = "1.1"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written."""

    file: str
    line: int
    text: str  # the line


@dataclass(frozen=True, slots=True)
class Choice:
    """A listener or a virtual host, and why it is this one."""

    name: str
    why: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """Something that a rule asked for, and what it was then."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Considered:
    """A rule that was looked at."""

    stage: str  # before, route, request, response
    place: Place | None
    matched: bool
    when: str
    does: tuple[str, ...]
    values: tuple[Value, ...] = ()
    captures: tuple[str | None, ...] = ()  # what its pattern found, first the whole of it


@dataclass(frozen=True, slots=True)
class InForce:
    """A setting, and where it was set; nowhere if it is the default."""

    name: str
    value: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Sent:
    """What would go upstream."""

    upstream: str
    address: str
    tls: bool
    line: str
    fields: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A field as an upstream might send it, and as the client would get it; None if it would not."""

    name: str
    before: str
    after: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client would get without an upstream."""

    status: int
    reason: str
    fields: tuple[Line, ...]
    body: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request would be refused. Code and words are those of whoever the configuration was written for."""

    status: int
    code: str
    words: str
    plain: str


@dataclass(slots=True)
class Explanation:
    """All of it."""

    request: Request
    trusted: bool = False  # what the client says of others is believed
    outcome: str = ""  # forwarded, answered, refused
    summary: str = ""
    listener: Choice | None = None
    host: Choice | None = None
    sections: list[Place] = field(default_factory=list)  # that are for this request
    rules: list[Considered] = field(default_factory=list)
    more: int = 0  # rules that were looked at beyond those
    unreached: list[Place] = field(default_factory=list)  # lines whose rules were not looked at
    settings: list[InForce] = field(default_factory=list)
    variables: list[Value] = field(default_factory=list)
    sent: Sent | None = None
    mapped: list[Mapped] = field(default_factory=list)
    added: list[Line] = field(default_factory=list)  # fields that responses get besides
    answer: Answer | None = None
    refusal: Refusal | None = None
