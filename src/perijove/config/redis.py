"""Options that say which Redis several perijoves share.

Knows URLs of Redis as its clients write them, and the gateway model. Must not know how Redis is spoken to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from perijove.config.options import BadOption
from perijove.gateway import model

if TYPE_CHECKING:
    from collections.abc import Sequence

_PORT: Final = 6379
_SENTINEL: Final = 26379
_FORMS: Final = "redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss://… with TLS, and unix:///PATH are"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redis:
    """The options."""

    url: str = ""
    prefix: str = "perijove"
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    sentinels: Sequence[str] = ()
    service: str | None = None
    sentinel_password: str = ""


def shared(options: Redis) -> model.Redis | None:
    """Return what the options mean; None if there are none.

    Raises:
        BadOption: nothing can be made of them.
    """
    if not options.url and not options.sentinels:
        if options.ca or options.cert or options.key or options.service or options.prefix != "perijove":
            raise BadOption("options of Redis need to know which: add --redis URL, or set PERIJOVE_REDIS_URL")
        return None
    if bool(options.sentinels) != bool(options.service):
        raise BadOption("--redis-sentinel HOST:PORT and --redis-service NAME go together")
    if not options.prefix:
        raise BadOption("--redis-prefix is empty: leave it out, or name one")
    secure, address, database, user, password = _read(options.url or "redis://localhost")
    tls = None
    if secure:
        if options.key is not None and options.cert is None:
            raise BadOption("--redis-key needs its certificate: add --redis-cert FILE")
        tls = model.TlsClient(ca=options.ca, cert=options.cert, key=options.key)
    elif options.ca or options.cert or options.key:
        raise BadOption("--redis-ca, --redis-cert and --redis-key are for TLS: write rediss:// for redis://")
    return model.Redis(
        address=address,
        database=database,
        user=user,
        password=password,
        tls=tls,
        sentinels=tuple(_sentinel(one) for one in options.sentinels),
        service=options.service or "",
        sentinel_password=options.sentinel_password,
        prefix=options.prefix,
    )


def _read(url: str) -> tuple[bool, model.Address, int, str, str]:
    """Return what a URL says: whether there is TLS, the address, the database, the user and the password."""
    wrong = f"the URL of Redis is none (it is not shown: there may be a password in it): {_FORMS}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadOption(wrong) from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if parts.scheme == "unix" and parts.path and not parts.hostname:
        return False, model.UnixAddress(parts.path), 0, user, password
    path = parts.path.strip("/")
    if parts.scheme not in ("redis", "rediss") or (path and not path.isdecimal()) or parts.query or parts.fragment:
        raise BadOption(wrong)
    address = model.TcpAddress(parts.hostname or "localhost", _PORT if port is None else port)
    return parts.scheme == "rediss", address, int(path or 0), user, password


def _sentinel(text: str) -> model.TcpAddress:
    host, colon, port = text.rpartition(":")
    if not colon:
        host, port = text, str(_SENTINEL)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadOption(f"--redis-sentinel takes HOST:PORT, not `{text}`")
    return model.TcpAddress(host, int(port))
