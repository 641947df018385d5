"""What may be written in perijove's TOML. The descriptions are the reference manual (see `reference`).

Knows pydantic, which no other module does. Must not know what the values lead to.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from perijove.config.toml import values
from perijove.text.diagnostic import Diagnostic, Severity
from perijove.text.source import Source, Span


def _dashes(name: str) -> str:
    return name.replace("_", "-")


def _checked(parse: Any) -> BeforeValidator:
    """Check a text by a parser of `values` and keep it as it was written."""

    def check(text: object) -> object:
        if not isinstance(text, str):
            raise ValueError("write a text, in quotes")
        parse(text)
        return text

    return BeforeValidator(check)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _network(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('write an address or a network, in quotes: "10.0.0.0/8"')
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(f'{error}; write an address or a network: "10.0.0.0/8"') from None
    return value


def _network_or_unix(value: object) -> object:
    return value if value == "unix" else _network(value)


def _port_to_text(value: object) -> object:
    return f":{value}" if isinstance(value, int) and not isinstance(value, bool) else value


Duration = Annotated[float, BeforeValidator(values.duration)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Rate = Annotated[float, BeforeValidator(values.rate)]
Size = Annotated[int, BeforeValidator(values.size)]
LogTarget = Annotated[str, _checked(values.log_target)]
Listen = Annotated[str, _checked(values.listen_address), BeforeValidator(_port_to_text)]
UpstreamUrl = Annotated[str, _checked(values.upstream_url)]
Path = Annotated[str, _checked(values.path_prefix)]
Text = Annotated[str, _checked(values.template)]
FieldName = Annotated[str, _checked(values.field_name)]
Network = Annotated[str, BeforeValidator(_network)]
NetworkOrUnix = Annotated[str, BeforeValidator(_network_or_unix)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=_dashes, populate_by_name=False, strict=False)


class Tls(_Table):
    """TLS towards clients. Without `cert` and `key`, and with `self-signed`, a certificate is made at the start."""

    cert: str | None = Field(None, description="PEM file with the certificate and the chain.")
    key: str | None = Field(None, description="PEM file with the key; may be the same file.")
    self_signed: bool = Field(False, description="Make a certificate at the start, for trying things out.")

    @model_validator(mode="after")
    def _complete(self) -> Tls:
        if self.self_signed == bool(self.cert or self.key):
            raise ValueError("write `cert` and `key`, or `self-signed = true`")
        if not self.self_signed and not (self.cert and self.key):
            raise ValueError(f"`{'key' if self.cert else 'cert'}` is missing")
        return self


class HostTls(_Table):
    """A further certificate, given to clients that ask (by SNI) for one of the names in it."""

    cert: str = Field(description="PEM file with the certificate and the chain.")
    key: str = Field(description="PEM file with the key; may be the same file.")


class Timeouts(_Table):
    """How long each wait may last: a number of seconds, or a text such as `"10m"`; `"off"` is for ever."""

    header: Duration = Field(10.0, description="For a whole request header, from its first octet. Ends slow-header attacks.")
    body: Duration = Field(60.0, description="Between two pieces of a request's content.")
    connect: Duration = Field(5.0, description="For a connection to an upstream, name look-up included.")
    response: Duration = Field(
        600.0, description="From a request to the upstream's response header. Long, since saves and spawns can be slow."
    )
    stream: Duration = Field(
        3600.0, description="Between two pieces of a response's content. Long, since event streams may be silent."
    )
    write: Duration = Field(60.0, description="For which a client may take nothing of what lies ready for it.")
    keepalive: Duration = Field(75.0, description="Between two requests of a client's connection.")
    tunnel: Duration = Field(
        0.0,
        description="In which neither side of a WebSocket says anything. Off: TCP keep-alive finds dead peers.",
    )
    handshake: Duration = Field(10.0, description="For a client's TLS handshake, the PROXY header before it included.")
    linger: Duration = Field(2.0, description="For which what a refused client still sends is read and thrown away.")
    grace: Duration = Field(30.0, description="For which running exchanges may go on when perijove is told to stop.")


class UpstreamTimeouts(_Table):
    """Timeouts of one upstream; what is left out is as in `[timeouts]`."""

    connect: Duration | None = Field(None, description="See `timeouts.connect`.")
    response: Duration | None = Field(None, description="See `timeouts.response`.")
    stream: Duration | None = Field(None, description="See `timeouts.stream`.")
    tunnel: Duration | None = Field(None, description="See `timeouts.tunnel`.")


class Limits(_Table):
    """Bounds on what clients may send and hold. Memory per connection is bounded whatever these say."""

    request_line: Size = Field(16384, ge=256, description="Octets of a request line; longer ones get 414.")
    header: Size = Field(65536, ge=1024, description="Octets of a header, either way; larger requests get 431.")
    fields: int = Field(200, ge=10, le=10000, description="Lines of a header; more get 431.")
    body: Size = Field(0, description="Octets of a request's content; 0 is no bound. More get 413.")
    connections: Count = Field(0, description="Client connections at once, in all; 0 is no bound. More wait in the queue.")
    connections_per_client: Count = Field(0, description="Connections of one address at once. More get 429, or a close.")
    requests_per_client: Rate = Field(
        0.0,
        description='Requests of one address: `"20/s"`, `"600/m"`. More get 429. Many people may share an address.',
    )
    burst: Count = Field(0, description="Of those, how many may come at once; 0 is as many as ten seconds bring.")
    tunnels_per_user: Count = Field(
        0, description="WebSockets at once below one `/user/NAME/`, named servers included. More get 429."
    )


class Fields(_Table):
    """Changes to the fields of a request or a response. Values may name variables: `"{client-ip}"`."""

    set: dict[FieldName, Text] = Field({}, description="Fields that replace any of the same name.")
    add: dict[FieldName, Text] = Field({}, description="Fields that come beside those of the same name.")
    default: dict[FieldName, Text] = Field({}, description="Fields that are added where there is none of the name.")
    remove: list[FieldName] = Field([], description="Names of fields that stay behind.")

    @model_validator(mode="after")
    def _one_host(self) -> Fields:
        if any(name.lower() == "host" for name in (*self.add, *self.default, *self.remove)):
            raise ValueError("a request has one Host: it can only be `set`")
        return self


class Respond(_Table):
    """An answer of perijove's own."""

    status: int = Field(200, ge=200, le=599, description="The status.")
    body: str = Field("", description="The content; may name variables.")
    content_type: str = Field("text/plain; charset=utf-8", description="Its type.")

    @model_validator(mode="after")
    def _template(self) -> Respond:
        for line in self.body.splitlines():
            values.template(line)
        return self


class Redirect(_Table):
    """A redirection."""

    to: Text = Field(description="The Location; may name variables: `https://{hostname}{target}`.")
    status: Literal[301, 302, 303, 307, 308] = Field(308, description="The status.")


class Route(_Table):
    """What is done with requests for a path: exactly one of `to`, `upstream`, `respond` and `redirect`."""

    path: Path = Field(
        "/",
        description="The prefix, by whole segments: `/a` has `/a` and `/a/b`, not `/ab`. A path that ends in a slash has what "
        "is below, and the path without it is redirected there.",
    )
    to: UpstreamUrl | None = Field(
        None,
        description="Where requests go: `http://HOST:PORT`, `https://…`, `unix:PATH`. The target goes on byte for byte, unless "
        "this has a path of its own, which then stands for `path`.",
    )
    upstream: str | None = Field(None, description="The name of an `[upstream.NAME]`, instead of `to`.")
    strip_prefix: bool = Field(False, description="Take `path` away. Not for a JupyterHub: its pages name its `base_url`.")
    preserve_host: bool = Field(True, description="Send the client's Host on, port included. Cross-origin checks need it.")
    respond: Respond | None = Field(None, description="Answer with a text.")
    redirect: Redirect | None = Field(None, description="Answer with a redirection.")
    request_fields: Fields | None = Field(None, description="Changes to requests.")
    response_fields: Fields | None = Field(None, description="Changes to responses.")

    @model_validator(mode="after")
    def _one(self) -> Route:
        chosen = [k for k in ("to", "upstream", "respond", "redirect") if getattr(self, k) is not None]
        if len(chosen) != 1:
            raise ValueError(
                "a route leads somewhere: write `to`, `upstream`, `respond` or `redirect`"
                if not chosen
                else f"a route does one thing: keep one of {' and '.join(f'`{one}`' for one in chosen)}"
            )
        return self


class Host(_Table):
    """A virtual host: names, and the routes for them."""

    names: Annotated[list[str], BeforeValidator(_listed)] = Field(
        min_length=1, description='Names without port; `"*.example.org"` for any below, `"*"` for all others.'
    )
    route: list[Route] = Field(min_length=1, description="Routes, the first that fits counts.")
    tls: HostTls | None = Field(None, description="A certificate for these names, chosen by SNI.")


class Upstream(_Table):
    """An upstream with settings of its own."""

    url: UpstreamUrl = Field(description="`http://HOST:PORT`, `https://…` or `unix:PATH`, without a path.")
    verify: bool = Field(True, description="Check the certificate of an https upstream.")
    ca: str | None = Field(None, description="PEM file with the authorities to trust; the system's if left out.")
    server_name: str | None = Field(None, description="The name to ask for and to check; the URL's host if left out.")
    max_idle: int = Field(64, ge=0, le=100000, description="Connections kept for further requests.")
    idle_timeout: Duration = Field(30.0, description="How long they are kept. Shorter than the upstream's own is good.")
    timeouts: UpstreamTimeouts | None = Field(None, description="Timeouts of its own.")


class Config(_Table):
    """The whole file."""

    listen: Annotated[list[Listen], BeforeValidator(_listed)] = Field(
        ["127.0.0.1:8080"], min_length=1, description="Where to listen: `HOST:PORT`, `:PORT` (every address) or `unix:PATH`."
    )
    to: UpstreamUrl | None = Field(None, description="Where everything goes; short for one route for `/`.")
    redirect_http: Listen | None = Field(
        None, description="Where plain HTTP is accepted only to be redirected to https, with `[tls]`."
    )
    acme_webroot: str | None = Field(
        None,
        min_length=1,
        description="Folder in which an ACME client leaves its answers, as `certbot --webroot -w` does: what is below "
        "`/.well-known/acme-challenge/` is served from the same path in it, on every listener and for every host.",
    )
    trust: Annotated[list[Network], BeforeValidator(_listed)] = Field(
        [], description="Addresses of proxies in front, whose X-Forwarded-* and X-Scheme are believed."
    )
    proxy_protocol: Annotated[list[NetworkOrUnix], BeforeValidator(_listed)] = Field(
        [],
        description="Addresses of TCP balancers in front, whose connections must begin with the PROXY protocol's header (v1 or "
        "v2): the client's address is taken from it. `\"unix\"` is for peers of Unix sockets. Nobody else's is read.",
    )
    access_log: LogTarget | None = Field(
        None,
        description="Where the access log goes: a file's path, `-` for standard error, `syslog:` for the system's log, "
        "`syslog:/path` for a syslog socket elsewhere, `syslog://HOST:PORT` for one by UDP; with `?facility=local0` behind it "
        "for another facility than `daemon`. Left out: there is none.",
    )
    access_log_format: Literal["combined", "json"] = Field(
        "combined", description="Of its lines: Apache's combined format, or JSON objects. [The access log](log.md) has both."
    )
    metrics: Listen | None = Field(
        None, description="Where monitoring asks, on an address of its own: `/metrics` (Prometheus), `/healthz`, `/readyz`."
    )
    user: str | None = Field(
        None,
        description="Whom the processes that serve run as, `NAME` or `NAME:GROUP`, where perijove is started as root. "
        "The process that watches them stays root: it listens, opens logs and reads keys.",
    )
    control: str | None = Field(
        None,
        description="Path of the Unix socket for `perijove status` and `perijove reload`. "
        "Left out: a place where they look for it.",
    )
    watch: bool = Field(False, description="Reload when this file changes.")
    workers: Annotated[int, Field(ge=1, le=512)] | Literal["auto"] = Field(
        1, description='Processes that serve; `"auto"` is one for each core. Another process watches them.'
    )
    tls: Tls | None = Field(None, description="TLS on all of `listen`.")
    route: list[Route] = Field([], description="Routes for every host that has none of its own; the first that fits counts.")
    host: list[Host] = Field([], description="Virtual hosts.")
    upstream: dict[str, Upstream] = Field({}, description="Upstreams with settings of their own, by name.")
    timeouts: Timeouts = Field(Timeouts(), description="How long each wait may last.")
    limits: Limits = Field(Limits(), description="Bounds on what clients may send and hold.")


def validate(source: Source, table: dict[str, Any]) -> tuple[Config | None, list[Diagnostic]]:
    """Return the checked configuration, or all that is wrong with it."""
    try:
        return Config.model_validate(table), []
    except ValidationError as error:
        faults = [_fault(source, dict(one)) for one in error.errors()]
        return None, sorted(faults, key=lambda one: (one.where.line, one.where.column) if one.where else (0, 0))


def dump(config: Config) -> dict[str, Any]:
    """Return a configuration as a table with every value that is in force."""
    return config.model_dump(mode="json", by_alias=True, exclude_none=True)


def place(source: Source, path: tuple[object, ...], *, key: bool = False) -> Span | None:
    """Return where a value stands (or its key); its nearest container if it is not there."""
    if not source.text:
        return None
    from parse_errors.source_map import locate_pointer

    keys = list(path)
    while True:
        pointer = "".join("/" + str(one).replace("~", "~0").replace("/", "~1") for one in keys)
        entry = locate_pointer(source.text, "toml", pointer)
        if entry is not None or not keys:
            break
        keys.pop()
    if entry is None:
        return Span(source, 1)
    start = entry.key_start if entry.key_start is not None and (key or keys != list(path)) else entry.value_start
    end = entry.key_end if start is entry.key_start and entry.key_end is not None else entry.value_end
    width = end.column - start.column if end.line == start.line else 1
    return Span(source, start.line + 1, start.column + 1, max(1, width))


def _model_at(path: tuple[object, ...]) -> type[BaseModel] | None:
    """Return the table that a path leads into."""
    model: type[BaseModel] | None = Config
    for key in path:
        if isinstance(key, int) or model is None:
            continue
        field = model.model_fields.get(str(key).replace("-", "_"))
        if field is None:
            continue
        model = next((one for one in _models(field.annotation)), model)
    return model


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for one in getattr(annotation, "__args__", ()) for found in _models(one)]


def keys_of(model: type[BaseModel]) -> list[str]:
    """Return the keys of a table as they are written."""
    return [_dashes(name) for name in model.model_fields]


def _fault(source: Source, error: dict[str, Any]) -> Diagnostic:
    path = tuple(key for key in error["loc"] if key != "[key]")
    shown = ".".join(str(key) for key in path if not isinstance(key, int))
    key = str(path[-1]) if path else ""
    name, help_text, message = "bad-value", "", str(error["msg"])
    if error["type"] == "extra_forbidden":
        name = "unknown-key"
        model = _model_at(path[:-1])
        known = keys_of(model) if model else []
        near = difflib.get_close_matches(key.replace("_", "-"), known, 1, 0.5)
        message = f"`{shown}` is not a key"
        help_text = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(f'`{one}`' for one in known)}"
        where = place(source, path, key=True)
        if where is not None and near:
            help_text = f"write `{near[0]}`"
    elif error["type"] == "missing":
        name = "missing-key"
        message = f"`{shown}` is missing"
        where = place(source, path[:-1])
    else:
        message = message.removeprefix("Value error, ").removeprefix("Input ")
        message = f"`{shown or 'the file'}`: {message}"
        where = place(source, path)
    return Diagnostic(name=name, severity=Severity.ERROR, message=message, where=where, help=help_text)


def readable(path: str) -> str | None:
    """Return why a file cannot be read, or None if it can."""
    try:
        with open(path, "rb"):
            return None
    except OSError as error:
        return error.strerror or os.strerror(error.errno or 5)
