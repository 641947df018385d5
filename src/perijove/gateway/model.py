"""The gateway: who listens, for whom, by which rules, and where requests go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from perijove.gateway.conditions import Condition, Network, Pattern
from perijove.gateway.reasons import Fault, Reason
from perijove.gateway.rules import Rule
from perijove.text.source import Span


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A host and port to listen on; an empty host is every address of both families."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """The path of a Unix socket."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


Address = TcpAddress | UnixAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatePair:
    """PEM files: the chain, and its key."""

    cert: str
    key: str
    chain: str | None = None  # further certificates, where they are in a file of their own
    password: str = field(default="", repr=False)  # of the key; empty is none


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsServer:
    """TLS towards clients. Without certificates a self-signed one is made at the start, for trying things out."""

    certificates: tuple[CertificatePair, ...] = ()
    client_ca: str | None = None  # PEM file of authorities that vouch for clients
    asks_client: bool = False  # clients are asked for a certificate …
    needs_client: bool = False  # … and those without a good one are not served
    ciphers: str | None = None  # of TLS 1.2, as OpenSSL writes them
    dh: str | None = None  # PEM file of Diffie-Hellman parameters, for ciphers that need them
    own_order: bool = False  # of ciphers: the first of ours that the client offers is used, not the first of the client's
    newest: bool = True  # TLS 1.3 is spoken …
    oldest: bool = True  # … and TLS 1.2
    tickets: bool = True  # clients are given tickets to come back with (RFC 8446 §4.6.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsClient:
    """TLS towards an upstream."""

    verify: bool = True
    ca: str | None = None  # PEM file
    system: bool = True  # the system's authorities are believed where there is no `ca`; else nobody is
    cert: str | None = None  # PEM files that we show, and its key
    key: str | None = None
    server_name: str | None = None  # for SNI and the check; the upstream's host if None
    chain: bool = True  # of what `verify` checks: whether an authority vouches for the certificate …
    names: bool = True  # … and whether the name is in it …
    expiry: bool = True  # … and whether it is out of date
    # Where the client's Host is sent, that is the name, not the upstream's own.
    name_from_host: bool = False
    ciphers: str | None = None  # of TLS 1.2, as OpenSSL writes them
    newest: bool = True  # TLS 1.3 is spoken, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An address that is accepted on."""

    address: Address
    tls: TlsServer | None = None
    redirect_to: int | None = None  # everything is redirected to https on this port
    hosts: tuple[VirtualHost, ...] = ()  # in place of the gateway's
    # The one scheme of URLs in request targets that name the host; with another, Host does. Empty: both (RFC 9112 §3.2.2).
    spoken: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Whom connections come from: networks, and Unix sockets."""

    networks: tuple[Network, ...] = ()
    unix: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a configuration that is for some requests only, and where it begins."""

    when: Condition
    origin: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The moments at which a gateway acts, each a list of rules in order."""

    route: tuple[Rule, ...] = ()  # choose: forward, respond, redirect
    request: tuple[Rule, ...] = ()  # edit what goes upstream
    response: tuple[Rule, ...] = ()  # edit what comes downstream
    forwards: bool = False  # of a program: it is a forward proxy, too
    own: Condition | None = None  # of a program that forwards: which of the URLs that are asked for are not another's
    program: bool = False  # the rules are more than paths in order: they run one after the other, for each request
    encoded_slashes: str = "off"  # of a program: what becomes of %2F in a path: off (404), on (decoded), nodecode
    merge_slashes: bool = True  # of a program: whether double slashes are one
    ranges: bool = (
        False  # of a program: parts that are asked for are made of a content of the upstream's that has come in one piece
    )
    per_connection: int = 0  # of a program: requests of a client on one connection; 0 is no limit
    undecoded: tuple[Pattern, ...] = ()  # of a program: paths in which one is found are not decoded (but for dots), …
    undecoded_note: bytes = b""  # … and have this note
    allow: bytes = b"GET,HEAD,OPTIONS,POST,TRACE"  # of a program: methods that CONNECT is answered where it is refused
    # For those who ask what happens to a request; nothing runs by them.
    sections: tuple[Section, ...] = field(default=(), compare=False)
    reasons: Mapping[Fault, Reason] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualHost:
    """Names (lower case; `*.` in front for any name below; `*` for any) and the rules for them."""

    names: tuple[str, ...]
    stages: Stages
    patterns: tuple[Pattern, ...] = ()  # of further names, which are looked at in the order of the hosts
    server_name: str = ""  # its own
    unnamed: bytes = b""  # a prefix of paths: requests below it that name no host are for this one
    origin: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds; 0 is never. One for every wait; docs/reference/toml.md gives the reasons for the defaults."""

    header: float = 10.0
    body: float = 60.0
    connect: float = 5.0
    response: float = 600.0
    stream: float = 3600.0
    write: float = 60.0
    keepalive: float = 75.0
    tunnel: float = 0.0
    handshake: float = 10.0
    linger: float = 2.0
    grace: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Octets and counts; 0 is no limit where that is allowed."""

    request_line: int = 16384
    header: int = 65536
    fields: int = 200
    field: int = 0  # one line of the header
    empty_lines: int = 1  # before a request (RFC 9112 §2.2)
    clear_hosts: bool = False  # a host is a name or a whole IP address; 127.1 and a..b are refused
    body: int = 0
    connections: int = 0
    connections_per_client: int = 0
    requests_per_client: float = 0.0  # in a second
    burst: int = 0  # of those, how many at once
    tunnels_per_user: int = 0
    user_segment: str = "user"  # of a path: the segment behind it is the user's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where requests go: one address, or a name that may have several."""

    name: str
    scheme: str  # http or https
    address: Address
    tls: TlsClient | None = None
    max_idle: int = 64
    idle_timeout: float = 30.0
    timeouts: Timeouts = field(default_factory=Timeouts)
    host: bytes = b""  # what Host says, if not the address
    absolute: bytes = b""  # what stands before each path in a request line: it is another proxy, which is asked for a URL

    @property
    def authority(self) -> bytes:
        """What Host says when the client's is not kept."""
        if self.host:
            return self.host
        if isinstance(self.address, UnixAddress):
            return b"localhost"
        default = 443 if self.scheme == "https" else 80
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        return (host if self.address.port == default else f"{host}:{self.address.port}").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutesApi:
    """Where routes are told: configurable-http-proxy's REST API."""

    address: Address
    tls: TlsServer | None = None
    token: str = field(default="", repr=False)  # that whoever asks must show; empty is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Redis:
    """Where several perijoves share their routes: a Redis, or what speaks as one."""

    address: Address  # without a meaning where sentinels say where it is
    database: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    tls: TlsClient | None = None
    sentinels: tuple[TcpAddress, ...] = ()
    service: str = ""  # the name that sentinels know it by
    sentinel_password: str = field(default="", repr=False)
    prefix: str = "perijove"  # of keys

    def __str__(self) -> str:
        scheme = "redis" if self.tls is None else "rediss"
        if self.sentinels:
            return f"{scheme}, `{self.service}` of the sentinels at {', '.join(map(str, self.sentinels))}"
        return str(self.address) if isinstance(self.address, UnixAddress) else f"{scheme}://{self.address}/{self.database}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Routes that come and go: each a prefix of paths and the URL of a server, which `ForwardDynamic` looks up."""

    api: RoutesApi
    by_host: bool = False  # the first segment of a prefix is the host
    keeps_prefix: bool = True  # the path goes on as it is; else without the prefix
    keeps_base: bool = True  # the path of a target's URL stands before it
    preserve_host: bool = True
    tells: bool = True  # targets are told of the client by X-Forwarded-* and their like
    tls: TlsClient = field(default_factory=TlsClient)  # towards targets that are https
    first: tuple[tuple[str, str], ...] = ()  # prefixes and targets that are there from the start
    error_target: str | None = None  # URL below which the pages of errors are asked for, by their status
    error_pages: str | None = None  # folder of such pages: STATUS.html, error.html
    kept: Redis | str | None = None  # where routes are kept beside memory: shared with others, or in a file


class Form(Enum):
    """How a line on standard output is written."""

    CHP = "chp"  # as configurable-http-proxy's
    JUPYTERHUB = "jupyterhub"  # as the hub's own
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Said:
    """What is said on standard output, of requests that fail among others."""

    level: int = 20  # and above, as Python's `logging` has them
    form: Form = Form.CHP


class LogFormat(Enum):
    """How a line of the access log is written."""

    COMBINED = "combined"  # Apache's
    JSON = "json"


@dataclass(frozen=True, slots=True)
class LogFile:
    """The access log is a file."""

    path: str


@dataclass(frozen=True, slots=True)
class Stderr:
    """The access log is standard error."""


@dataclass(frozen=True, slots=True)
class Syslog:
    """The access log is a syslog daemon's: by its socket here, or by UDP elsewhere."""

    address: Address
    facility: int  # RFC 5424 §6.2.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything that is served."""

    listeners: tuple[Listener, ...]
    hosts: tuple[VirtualHost, ...]
    upstreams: Mapping[str, Upstream]
    before: tuple[Rule, ...] = ()  # run before those of any host, on every listener, also on one that redirects
    trust: tuple[Network, ...] = ()  # peers whose forwarding fields are believed
    announced: Peers | None = None  # their connections begin by saying whose they are: HAProxy's PROXY protocol
    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: Limits = field(default_factory=Limits)
    access_log: LogFile | Stderr | Syslog | None = None
    access_log_format: LogFormat = LogFormat.COMBINED
    said: Said | None = None  # requests that fail are told of on standard output
    metrics: Address | None = None  # where monitoring asks
    routing: Routing | None = None
    workers: int = 1  # processes; 0 is one for each core
    user: str | None = None  # whom workers run as: NAME or NAME:GROUP
    control: str | None = None  # path of the control socket, if not where it is looked for
    watch: bool = False  # files of the configuration that have changed are read again
