"""Texts with something of a request in them.

A template is a sequence of literal octets and of what stands for others. Knows what may be asked of a request; must not know
how that is spelt anywhere, nor how it is found out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Variable(Enum):
    """What is known of every request."""

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


class Fact(Enum):
    """What else is known of a request while rules run, or of its response."""

    PATH = "path as it is now"  # decoded, dots and double slashes removed; rewriting changes it
    QUERY = "query as it is now"
    PROTOCOL = "protocol"
    REQUEST_LINE = "request line"
    SERVER_ADDRESS = "server address"
    HTTPS = "https"  # on, off
    IPV6 = "ipv6"  # on, off: what the client's connection uses
    CONNECTION_ADDRESS = "address of the connection"  # of who connected, where the client's is what a field says
    NAMED_PORT = "named port"  # that the client named with the host, or else the scheme's
    USER = "user"  # who has been authenticated
    STATUS = "status"
    CONTENT_TYPE = "content type"
    MICROSECONDS = "microseconds since 1970"  # when the request began
    DURATION = "microseconds since the request began"
    HANDSHAKE = "handshake"  # websocket, if this is one
    HELD = "held text"  # what `actions.Hold` has put there
    DESTINATION = "destination"  # the URL that it will be sent to, its path not yet encoded; empty until that is known
    CALLED = "name called"  # the host as the client named it: lower case, no port, no final dot
    CALLED_PORT = "port called"  # the port beside it, if there is one
    SENT = "url sent"  # where the request goes, as it is spelt in the request that is sent; empty if nowhere yet
    NAME_SHOWN = "name of the handshake"  # that TLS was begun for (SNI); empty without
    TLS_PROTOCOL = "tls protocol"  # as OpenSSL calls it; empty without TLS
    TLS_CIPHER = "tls cipher"
    TLS_STRENGTH = "bits of the tls cipher"
    ASKED = "scheme asked"  # of the URL that a forward proxy is asked for, or connect; empty of a request for this server


@dataclass(frozen=True, slots=True)
class RequestField:
    """The value of a request's field; several are joined by a comma and a space."""

    name: bytes


@dataclass(frozen=True, slots=True)
class FieldLike:
    """The value of the last of the request's fields in whose name a pattern (Python's `re`, of octets) is found."""

    pattern: bytes


@dataclass(frozen=True, slots=True)
class ResponseField:
    """The value of a response's field."""

    name: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A variable that rules have set for this request (Apache's environment). The case of its name does not count."""

    name: bytes
    missing: bytes = b""


@dataclass(frozen=True, slots=True)
class Capture:
    """A group of the pattern in the rule's own condition; 0 is all that it matched."""

    number: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A group of the last pattern whose condition keeps what it matched, in this rule or one before."""

    number: int


@dataclass(frozen=True, slots=True)
class Rest:
    """The path behind so many octets of it: as it is now, or `raw`, as it was sent."""

    prefix: int
    raw: bool = False


class Function(Enum):
    """What can be done to a text."""

    LOWER = "lower"
    UPPER = "upper"
    ESCAPE = "escape"  # percent-encode as a path
    UNESCAPE = "unescape"  # nothing is left of a text that is not well escaped, and slashes stay as they are
    DECODE = "decode"  # whatever is escaped, up to a NUL
    BASE64 = "base64"
    UNBASE64 = "unbase64"
    MD5 = "md5"
    SHA1 = "sha1"
    LDAP = "ldap"  # escape for a filter of a directory (RFC 4515 §3)
    CONTENT = "content"  # of a file of this name; nothing of one that is not there, or is larger than 64 KiB
    SIZE = "size"  # of it: octets, 0 if it is not there
    CHANGED = "changed"  # of it: microseconds since 1970, 0 if it is not there
    FOUND = "found"  # a path up to the first part that is no directory on the disk, or is not there at all …
    BEHIND = "behind"  # … and what is behind that


@dataclass(frozen=True, slots=True)
class Call:
    """A function of a text."""

    function: Function
    argument: Template


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text in which some octets are percent-encoded; `plus` makes a space a plus."""

    argument: Template
    octets: bytes
    plus: bool = False


@dataclass(frozen=True, slots=True)
class Without:
    """A text without a prefix, if it has that."""

    argument: Template
    prefix: bytes


@dataclass(frozen=True, slots=True)
class Time:
    """The time of day here, as strftime(3) spells it; of a time in `utc` that is so many seconds `ahead`."""

    format: str
    utc: bool = False
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class Draw:
    """One of several texts, by chance, looked up in a table; `missing` where it has none."""

    table: tuple[tuple[bytes, tuple[bytes, ...]], ...]
    key: Template
    missing: Template = ()


@dataclass(frozen=True, slots=True)
class Look:
    """A text looked up in a table; `missing` where it is not there."""

    table: tuple[tuple[bytes, bytes], ...]
    key: Template
    missing: Template = ()


@dataclass(frozen=True, slots=True)
class Given:
    """One text if another is not empty, else a third."""

    subject: Template
    then: Template
    otherwise: Template = ()


Part = (
    bytes
    | Variable
    | Fact
    | RequestField
    | FieldLike
    | ResponseField
    | Note
    | Capture
    | Kept
    | Rest
    | Call
    | Look
    | Encoded
    | Without
    | Time
    | Draw
    | Given
)
Template = tuple[Part, ...]
