"""Arguments of caches, of databases, and of what is shared between processes and machines.

Sources: modules/cache, modules/database/mod_dbd.c, modules/cluster, modules/generators/mod_cgid.c. Knows what
`apachectl configtest` says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.arguments.kinds import (
    LONG_MAX,
    Check,
    duration,
    every,
    fits,
    number,
    one_of,
    said,
    wrong,
)
from perijove.config.apache.directive import Directive, Fault, Section
from perijove.config.apache.modules import enabling
from perijove.config.apache.words import fold

if TYPE_CHECKING:
    from perijove.config.apache.directive import Scope

_LOCATIONS: Final = ("location", "locationmatch")


def _path_of(scope: Scope) -> bool:
    return any(fold(one) in _LOCATIONS for one in scope.sections)


def enable(item: Directive | Section, scope: Scope) -> Fault | None:
    """CacheEnable: what keeps, and the URLs (add_cache_enable)."""
    if said(item).startswith("/"):
        message = "provider ({word}) starts with a '/'.  Are url and provider switched?"
        return wrong(item, message, "write `CacheEnable disk {word}`")
    if len(item.words) < 2 and not _path_of(scope):
        return wrong(item, "CacheEnable provider ({word}) is missing an URL.", "write `CacheEnable {word} /`")
    return None


def disable(item: Directive | Section, scope: Scope) -> Fault | None:
    """CacheDisable: `on` in a section, URLs outside (add_cache_disable)."""
    if _path_of(scope):
        if fold(said(item)) != "on":
            return wrong(item, "CacheDisable must be followed by the word 'on' when in a Location.", "write `CacheDisable on`")
        return None
    if fold(said(item)) == "on" or not (said(item).startswith("/") or "://" in said(item)):
        return wrong(item, "CacheDisable must specify a path or an URL.", "write `CacheDisable /PATH`")
    return None


def base_url(item: Directive | Section, scope: Scope) -> Fault | None:
    """CacheKeyBaseURL."""
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", said(item)):
        message = "URL '{word}' must contain at least one of a scheme, a hostname or a port."
        return wrong(item, message, "write `http://{word}/`")
    return None


def shared_cache(item: Directive | Section, scope: Scope) -> Fault | None:
    """CacheSocache and AuthnCacheSOCache: a cache that a module brings."""
    name = said(item).partition(":")[0]
    loaded = [one.removeprefix("socache_") for one in scope.modules if one.startswith("socache_")]
    if name in loaded or (name == "default" and "shmcb" in loaded) or scope.strangers:
        return None
    prefix = "AuthnCacheSOCache: " if item.name == "AuthnCacheSOCache" else ""
    message = f"{prefix}Unknown socache provider '{name}'. "
    message += f"Maybe you need to load the appropriate socache module (mod_socache_{name}?)"
    help_ = enabling(f"socache_{name}") if name in ("dbm", "memcache", "redis", "shmcb") else "write `shmcb`"
    return wrong(item, message, help_, name="module-missing")


def _factor(item: Directive | Section, scope: Scope) -> Fault | None:
    if not re.match(r"\s*[+-]?([0-9]|\.[0-9]|inf|nan)", said(item), re.IGNORECASE):
        return wrong(item, "CacheLastModifiedFactor value must be a float", "write `0.1`")
    return None


_NOT_BELOW: Final = "{name} argument must be a non-negative integer representing the "
_GREATER: Final = "{name} value must be an integer greater than 0"
_PRODUCT: Final = "CacheDirLevels*CacheDirLength value must not be higher than 20"
_LARGEST: Final = (1 << 32) - 1
_levels: Final = every(number(_GREATER, 1), number(_PRODUCT, 1, 20))
_wrong_time: Final = "{name} has wrong format"

CACHES: Final[dict[str, Check]] = {
    "AuthnCacheSOCache": shared_cache,
    "CGIDScriptTimeout": duration(_wrong_time),
    "CGIScriptTimeout": duration(_wrong_time),
    "CacheDirLength": _levels,
    "CacheDirLevels": _levels,
    "CacheDisable": disable,
    "CacheEnable": enable,
    "CacheKeyBaseURL": base_url,
    "CacheLastModifiedFactor": _factor,
    "CacheLockMaxAge": number("CacheLockMaxAge value must be a non-zero positive integer", 1, bits=64),
    "CacheMaxFileSize": number(_NOT_BELOW + "max size of a file to cache in bytes.", 0, LONG_MAX, bits=64),
    "CacheMinFileSize": number(_NOT_BELOW + "min size of a file to cache in bytes.", 0, LONG_MAX, bits=64),
    "CacheReadSize": number(_NOT_BELOW + "max amount of data to cache in go.", 0, LONG_MAX, bits=64),
    "CacheReadTime": number(_NOT_BELOW + "max amount of time taken to cache in go.", 0, LONG_MAX, bits=64),
    "CacheSocache": shared_cache,
    "CacheSocacheMaxSize": number(
        f"{{name}} argument must be a integer representing the max size of a cached entry (headers and body), at least 1024 "
        f"and at most ({_LARGEST}U)",
        *(1024, _LARGEST),
        bits=64,
    ),
    "CacheSocacheMaxTime": number(
        "{name} argument must be the maximum amount of time in seconds to cache an entry.", 0, LONG_MAX, bits=64
    ),
    "CacheSocacheMinTime": number(
        "{name} argument must be the minimum amount of time in seconds to cache an entry.", 0, LONG_MAX, bits=64
    ),
    "CacheSocacheReadSize": number(_NOT_BELOW + "max amount of data to cache in go.", 0, LONG_MAX, bits=64),
    "CacheSocacheReadTime": number(_NOT_BELOW + "max amount of time taken to cache in go.", 0, LONG_MAX, bits=64),
    "HeartbeatAddress": fits(r".*:[0-9]+|[0-9]+", "{name}: No port provided in address", "write `239.0.0.1:27999`"),
    "HeartbeatListen": fits(r".*:[0-9]+|[0-9]+", "{name}: No port provided in multicast address", "write `239.0.0.1:27999`"),
    "HeartbeatMaxServers": fits(
        r"0.*|[1-9][0-9]+.*",
        "HeartbeatMaxServers: Should be 0 for file storage, or greater or equal than 10 for slotmem",
        "write 10 or more, or 0",
    ),
    "MemcacheConnTTL": duration(_wrong_time),
    "RedisConnPoolTTL": duration(_wrong_time),
    "RedisTimeout": duration(_wrong_time),
    **dict.fromkeys(
        ("DBDExptime", "DBDKeep", "DBDMax", "DBDMin"), fits(r"[0-9]+", "Argument must be numeric!", "write a number")
    ),
    "DBDriver": one_of(
        "Can't load driver file apr_dbd_{word}.so",
        "mysql",
        "odbc",
        "pgsql",
        "sqlite3",
        "sqlite2",
        "freetds",
        "oracle",
        cased=True,
    ),
}
