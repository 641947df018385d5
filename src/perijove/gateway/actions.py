"""What rules do.

Knows what may be done. Must not know how it is spelt anywhere, nor how it is run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from perijove.gateway.conditions import Network, Pattern, Setting
from perijove.gateway.reasons import Reason
from perijove.gateway.templates import Template


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
class ForwardAsked:
    """Send a forward proxy's request to where its own target says, or ask another proxy, an upstream, for it."""

    by: str | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """Refuse what is asked of a forward proxy. That nobody has the name of its host is told first, if so."""

    refusal: Refuse


class Encoding(Enum):
    """How a path that rules have made is spelt for an upstream."""

    CANONICAL = "canonical"  # whatever need not be percent-encoded is not
    SLASHES = "canonical, with slashes that are encoded already"
    ESCAPED = "escaped"  # what a URL cannot hold is
    NONE = "none"  # as it is; what a URL cannot hold is refused with 403


@dataclass(frozen=True, slots=True)
class ForwardDynamic:
    """Send the request to where the route leads that its path is for (`Gateway.routing`)."""


@dataclass(frozen=True, slots=True)
class ForwardTo:
    """Send the request to an upstream with a path that is made of it; the query is as it is now, unless `whole` has it already.

    `named` is how rules see the beginning of the URL, if not as the upstream's.
    """

    upstream: str
    path: Template
    encoding: Encoding = Encoding.CANONICAL
    whole: bool = False
    named: bytes = b""


@dataclass(frozen=True, slots=True)
class ForwardAnywhere:
    """Send the request to wherever a URL says that is made of it; the query is as it is now, unless `whole` has it already."""

    url: Template
    encoding: Encoding = Encoding.ESCAPED
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """Answer with a Location."""

    status: int
    location: Template
    anew: bool = False  # as of Refuse


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer with a text."""

    status: int
    content_type: str
    body: Template


@dataclass(frozen=True, slots=True)
class ServeFile:
    """Answer GET and HEAD with a small file of a directory: the rest of the path, behind the rule's prefix, is its name.

    A name has letters, digits, `-` and `_`. Whatever else is asked for is not there; nothing is forwarded.
    """

    directory: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Media:
    """What is said of files by the parts of their names, lower case, behind the first.

    `types` has media types, nothing where none is to be told; `traits` has of each part its character set, its language and its
    coding, each of which may be empty. `language` is that of files of which nothing else is said.
    """

    types: tuple[tuple[bytes, bytes], ...] = ()
    traits: tuple[tuple[bytes, tuple[bytes, bytes, bytes]], ...] = ()
    language: bytes = b""


@dataclass(frozen=True, slots=True)
class ServeTree:
    """Answer GET, HEAD and POST with a file of the disk.

    `indexes` are names of a directory's own file. `overridden`: files that are not read may say who may see a directory, so
    whatever is beside or below one is refused.
    """

    path: Template
    indexes: tuple[bytes, ...] = ()
    media: Media | None = None
    overridden: bool = False


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with a status, and the page that belongs to it. `why` is carried along for those who ask.

    `allow`: the methods that are, with 405, 501 or as the answer to OPTIONS; there may be none, which is said, too.
    `phrase`: what is said beside the status, in place of the usual. `anew`: where it is the page of another error that is asked
    for, that is forgotten, and this one's page looked for.
    """

    status: int
    why: Reason | None = field(default=None, compare=False)
    allow: bytes | None = None
    phrase: bytes = b""
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Nothing:
    """Do nothing: what counts is how the rules go on."""


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Ask for a name and a password (RFC 7617), unless they are there and right; `users` have crypt(3) hashes and Apache's."""

    realm: bytes
    users: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class TrustField:
    """The client's address is what a field says, as far as those who say it are trusted; the field keeps the rest.

    Read from its end: an address is taken if whoever says it is in a network, or if there are no networks. Only those in `inside`
    may say an address of a private network. `passed` gets the addresses of those that are in no network of `inside`.
    """

    name: bytes
    networks: tuple[Network, ...] = ()
    inside: tuple[Network, ...] = ()
    passed: bytes = b""


class QueryHandling(Enum):
    """What becomes of the query when a path is rewritten."""

    KEEP = "keep"
    REPLACE = "replace"
    APPEND = "append"  # the new one, and then the one that was there
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Change the path, and perhaps the query, for the rules that follow."""

    path: Template
    query: Template = ()
    handling: QueryHandling = QueryHandling.KEEP


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold a text for the rules that follow; one that grows beyond 16 KiB is refused with 500."""

    text: Template


@dataclass(frozen=True, slots=True)
class SplitQuery:
    """Take the query from the held text: what is behind its first question mark, or the `last`; without one it stays.

    `append`: the query that was there is kept behind it. `discard`: that is forgotten first, whether there is a mark or not.
    """

    append: bool = False
    last: bool = False
    discard: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """Count how often this is done for one request; beyond `most` times it is refused with 500."""

    what: bytes
    most: int


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Forget where the request was to be sent."""


@dataclass(frozen=True, slots=True)
class SetNote:
    """Set a variable for this request."""

    name: bytes
    value: Template


@dataclass(frozen=True, slots=True)
class BalanceMember:
    """One of several upstreams that are as good as each other."""

    upstream: str  # its name
    factor: int = 100  # its share, in relation to the others'
    route: bytes = b""  # what sessions of it end with, behind a dot
    redirect: bytes = b""  # the route that is asked once it is down
    spare: bool = False  # asked only if no other can be
    retry: float = 60.0  # seconds for which it is left alone when it could not be connected to
    group: int = 0  # those of a lower one are asked first


class Turn(Enum):
    """Whose turn it is among several upstreams: that of who has had the least of something, in relation to its share."""

    REQUESTS = "requests"
    TRAFFIC = "traffic"  # octets of requests, and of the contents of answers
    BUSYNESS = "busyness"  # requests that are not yet answered


@dataclass(frozen=True, slots=True)
class Balance:
    """Choose a member, and set a variable to its number; each process counts for itself.

    More variables say of a session: `NOTE changed`, that one begins or goes on elsewhere; `NOTE session`, its route; `NOTE sticky`,
    which parameter or cookie it was found in.
    """

    name: str
    note: bytes
    members: tuple[BalanceMember, ...]
    cookie: bytes = b""  # that a session's id is in; empty: there are no sessions
    parameter: bytes = b""  # the same in a URL
    separators: bytes = b";"  # what such a parameter begins with in a path
    attempts: int = 1  # how many others are asked when one cannot be connected to
    failover: bool = True  # a session may go on elsewhere
    turn: Turn = Turn.REQUESTS
    separator: bytes = b"."  # what stands before the route in a session's id; empty: all of it is that
    failing: frozenset[int] = frozenset()  # statuses of answers after which a member is left alone
    recovers: bool = True  # all are asked anew once all are left alone


@dataclass(frozen=True, slots=True)
class UnsetNote:
    """Forget a variable."""

    name: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """What stands for an error: a text, or another place: a URL to redirect to, or a path here whose answer is given."""

    text: Template | None = None
    elsewhere: Template = ()

    @property
    def local(self) -> bool:
        """Whether the other place is a path here."""
        return isinstance(first := next(iter(self.elsewhere), None), bytes) and first.startswith(b"/")


@dataclass(frozen=True, slots=True)
class Set:
    """Set a setting for this request."""

    setting: Setting
    value: object


class Operation(Enum):
    """What is done to a field."""

    SET = "set"  # instead of any that is there
    ADD = "add"  # beside those that are there
    DEFAULT = "default"  # only if there is none
    REMOVE = "remove"
    APPEND = "append"  # to the value that is there, after a comma
    MERGE = "merge"  # as append, unless the list has it
    EDIT = "edit"  # the first that a pattern finds in the value
    EDIT_ALL = "edit-all"  # all of them
    ECHO = "echo"  # the request's fields whose names a pattern is found in


@dataclass(frozen=True, slots=True)
class EditField:
    """Change a field of the request or the response.

    `pattern` is of EDIT and EDIT_ALL, whose value may hold its captures. `always`: also on answers of our own, and in a table of
    its own, which is written first.
    """

    operation: Operation
    name: bytes
    value: Template = ()
    pattern: Pattern | None = None
    always: bool = False


@dataclass(frozen=True, slots=True)
class MapUrl:
    """In Location, Content-Location and Refresh: a URL prefix of the upstream, and the public one."""

    upstream: Template
    public: Template


@dataclass(frozen=True, slots=True)
class ReplacePrefix:
    """In Location, Content-Location, URI and Destination: a prefix that is replaced; case does not count.

    One that begins with a slash is looked for behind the authority, whichever that is. The first of such rules whose prefix fits counts. What comes out as a path is made a URL of the public's.
    """

    prefix: Template
    public: Template


@dataclass(frozen=True, slots=True)
class ReplaceAttribute:
    """In Set-Cookie: an attribute (path: by its beginning, domain: as a whole) that is replaced."""

    attribute: str
    old: Template
    new: Template


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
