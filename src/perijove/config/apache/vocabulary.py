"""What Apache says of arguments that are one of a few words, or numbers: a line for each directive.

Sources: server/core.c, mod_log_config.c, mod_reqtimeout.c, ssl_engine_config.c. Knows what `apachectl configtest` says.
Must not know what a directive leads to, nor what is on the machine.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.directive import Directive, Fault, Section
from perijove.config.apache.words import fold

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.config.apache.directive import Scope

_LEVELS: Final = frozenset(
    ("emerg", "alert", "crit", "error", "warn", "notice", "info", "debug", *(f"trace{one}" for one in range(1, 9)))
)
_LEVEL_WORDS: Final = "Log level keyword must be one of emerg/alert/crit/error/warn/notice/info/debug/trace1/.../trace8"
_STATIC: Final = frozenset(("core", "http", "log_config", "logio", "so", "unixd", "version", "watchdog"))
_PROTOCOLS: Final = frozenset(("all", "sslv3", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"))
_CACHES: Final = ("shmcb", "dbm", "memcache", "redis", "dc")
_LEAST_CACHE: Final = 8192
# %{…}, statuses, < and >, then a letter or ^ with two or three (parse_log_item).
_ITEM: Final = re.compile(r"%(?:%|(?:[0-9,!<>]|\{[^}]*\})*(\^[A-Za-z]{2,3}|.)?)", re.DOTALL)
_ITEMS: Final = frozenset((*"aAbBCDefhHiklLmnopPqrRstTuUvVX", *"IOS", "^ti", "^to", "^FB"))


def _one_of(message: str, *known: str) -> Callable[[Directive | Section, Scope], Fault | None]:
    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        for number, word in enumerate(item.words):
            if fold(word.text) not in known:
                return Fault("bad-value", message, f"write one of {', '.join(f'`{one}`' for one in known)}", number)
        return None

    return check


def _not_negative(message: str) -> Callable[[Directive | Section, Scope], Fault | None]:
    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        if item.words and re.match(r"\s*-0*[1-9]", item.words[0].text):
            return Fault("bad-value", message.format(item.words[0].text), "write a number that is not below 0", 0)
        return None

    return check


def body(item: Directive | Section, scope: Scope) -> Fault | None:
    """LimitRequestBody: a number that fits into 63 bits."""
    text = item.words[0].text if item.words else "0"
    if not re.fullmatch(r"\+?[0-9]+", text):
        return Fault("bad-value", "LimitRequestBody requires a non-negative integer.", "write a number of octets", 0)
    if int(text) >= 1 << 63:
        return Fault("bad-value", "LimitRequestBody argument is not parsable.", "write a number of octets", 0)
    return None


def level(item: Directive | Section, scope: Scope) -> Fault | None:
    """LogLevel: a level, or a module's (core.c: set_loglevel)."""
    for number, word in enumerate(item.words):
        module, colon, said = word.text.rpartition(":")
        if fold(said) not in _LEVELS:
            prefix = f"{word.text}: " if colon else ""
            return Fault("bad-value", prefix + _LEVEL_WORDS, "write `warn`, `info` or `debug`", number)
        name = module.removesuffix("_module").removeprefix("mod_").removesuffix(".c")
        if colon and not scope.strangers and name not in scope.modules | _STATIC:
            return Fault("module-missing", f"Cannot find module {module}", "leave it out, or load the module", number)
    return None


def _format(text: str, number: int, scope: Scope) -> Fault | None:
    for found in _ITEM.finditer(text):
        if found[0] == "%%":
            continue
        if found[1] is None:
            message = "Ran off end of LogFormat parsing args to some directive"
            return Fault("bad-format", message, "say what is meant: `%{Cookie}i`", number)
        known = _ITEMS | {"c", "x"} if "ssl" in scope.modules else _ITEMS
        if found[1] not in known and not scope.strangers:
            return Fault("bad-format", f"Unrecognized LogFormat directive %{found[1]}", "write `%%` for a percent sign", number)
    return None


def log_format(item: Directive | Section, scope: Scope) -> Fault | None:
    """LogFormat: what a line of the access log has (mod_log_config.c)."""
    return _format(item.words[0].text, 0, scope) if item.words else None


def custom_log(item: Directive | Section, scope: Scope) -> Fault | None:
    """CustomLog: a file, a format, and perhaps a condition."""
    words = [one.text for one in item.words]
    if len(words) == 3 and not fold(words[2]).startswith(("env=", "expr=")):
        return Fault("bad-value", "error in condition clause", "write `env=NAME`, `env=!NAME` or `expr=…`", 2)
    return _format(words[1], 1, scope) if len(words) > 1 and "%" in words[1] else None


def error_format(item: Directive | Section, scope: Scope) -> Fault | None:
    """ErrorLogFormat: what kind of lines, and of what they are made (core.c: set_errorlog_format)."""
    words = [one.text for one in item.words]
    if len(words) == 2 and fold(words[0]) not in ("request", "connection"):
        message = "ErrorLogFormat type must be one of request, connection"
        return Fault("bad-value", message, "write `request` or `connection` first", 0)
    if len(words) == 1 and "%" in words[0] and not re.search(r"%[-+]*M", words[0]):
        message = "main ErrorLogFormat must contain message format string '%M'"
        return Fault("bad-format", message, "put `%M` where the message is to be", 0)
    return None


def read_timeout(item: Directive | Section, scope: Scope) -> Fault | None:
    """RequestReadTimeout: seconds, or a range with a rate, for each part (mod_reqtimeout.c: set_reqtimeout_param)."""
    for number, word in enumerate(item.words):
        key, _, said = word.text.partition("=")
        prefix = f"RequestReadTimeout: {word.text}: "
        if fold(key) not in ("header", "body", "handshake"):
            return Fault(
                "bad-value", prefix + "Unknown RequestReadTimeout parameter", "write `header=20` and `body=20`", number
            )
        time, comma, rate = said.partition(",")
        least, dash, most = time.partition("-")
        wrong = next((one for one in (least, *([most] if dash else [])) if not re.fullmatch(r"[0-9]+", one)), None)
        if wrong is not None:
            return Fault("bad-value", f"{prefix}Value '{wrong}' not numerical", "write a number of seconds", number)
        if dash and not comma:
            message = prefix + "Must set MinRate option if using timeout range"
            return Fault("bad-value", message, "write `header=20-40,MinRate=500`", number)
        if comma and fold(rate.partition("=")[0]) != "minrate":
            return Fault("bad-value", prefix + "Unknown RequestReadTimeout parameter", "write `,MinRate=500`", number)
    return None


def protocols(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLProtocol and SSLProxyProtocol: versions of TLS (ssl_cmd_protocol_parse)."""
    for number, word in enumerate(item.words):
        name = fold(word.text.lstrip("+-"))
        if name == "sslv2" and not word.text.startswith("-"):
            return Fault("bad-value", f"{item.name}: SSLv2 is no longer supported", "leave it out", number)
        if name not in _PROTOCOLS and name != "sslv2":
            help_ = "write `all -SSLv3 -TLSv1 -TLSv1.1`"
            return Fault("bad-value", f"{item.name}: Illegal protocol '{word.text.lstrip('+-')}'", help_, number)
    return None


def ciphers(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLCipherSuite: ciphers, of a protocol if two words stand there."""
    if len(item.words) == 2 and fold(item.words[0].text) not in ("tlsv1.3", "ssl"):
        help_ = "put a list that has spaces into quotes, or write `TLSv1.3` or `SSL` first"
        return Fault("bad-value", f"protocol '{item.words[0].text}' not supported", help_, 0)
    return None


def tls_options(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLOptions."""
    known = ("stdenvvars", "exportcertdata", "exportbothcerts", "fakebasicauth", "strictrequire", "optrenegotiate")
    for number, word in enumerate(item.words):
        name = word.text.lstrip("+-")
        if fold(name) not in (*known, "legacydnstringformat"):
            return Fault("bad-value", f"SSLOptions: Illegal option '{name}'", "write `+StdEnvVars`", number)
    return None


def session_cache(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLSessionCache and SSLStaplingCache: a cache that a module brings, and how large it is."""
    text = item.words[0].text if item.words else "none"
    sessions = item.name == "SSLSessionCache"
    if sessions and fold(text) in ("none", "nonenotnull"):
        return None
    name, _, rest = text.partition(":")
    kind = "session" if sessions else "stapling"
    loaded = [one for one in _CACHES if f"socache_{one}" in scope.modules]
    if name not in (*loaded, "default") and not scope.strangers:
        known = ",".join(("default", *loaded) if sessions else (*loaded, "default")) if loaded else ""
        message = f"{item.name}: '{name}' {kind} cache not supported (known names: {known}){'.' * sessions} "
        message += f"Maybe you need to load the appropriate socache module (mod_socache_{name}?){'.' * sessions}"
        return Fault(
            "module-missing", message, f"type `a2enmod socache_{name}`" if name in _CACHES else "write `shmcb:FILE`", 0
        )
    size = re.search(r"\(([0-9]+)\)\Z", rest)
    if name == "shmcb" and size and int(size[1]) < _LEAST_CACHE:
        message = f"{item.name}: Invalid argument: size has to be >= {_LEAST_CACHE} bytes"
        return Fault("bad-value", message, "write `shmcb:FILE(512000)`", 0)
    return None


def seed(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLRandomSeed: when."""
    when = item.words[0].text if item.words else "startup"
    if fold(when) not in ("startup", "connect"):
        return Fault("bad-value", f"SSLRandomSeed: invalid context: `{when}'", "write `startup` or `connect`", 0)
    return None


def compression(item: Directive | Section, scope: Scope) -> Fault | None:
    """SSLCompression: Debian's OpenSSL has none."""
    if item.words and fold(item.words[0].text) == "on":
        message = "This version of OpenSSL does not have any compression methods available, cannot enable SSLCompression."
        return Fault("bad-value", message, "leave it out: it lets others guess what is encrypted", 0)
    return None


def signed(*known: str) -> Callable[[Directive | Section, Scope], Fault | None]:
    """Return a check of words that `+` and `-` may stand before: FileETag and RegexDefaultOptions."""

    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        for number, word in enumerate(item.words):
            if fold(word.text.lstrip("+-")) not in known:
                said = f"option '{word.text}' unknown"
                if item.name == "FileETag":
                    said = f"Unknown keyword '{word.text}' for FileETag directive"
                else:
                    said = f"{item.name}: {said}"
                return Fault("bad-value", said, f"write one of {', '.join(f'`{one}`' for one in known)}", number)
        return None

    return check


def filter_by_type(item: Directive | Section, scope: Scope) -> Fault | None:
    """AddOutputFilterByType: a filter, and for what."""
    if len(item.words) == 1:
        message = "AddOutputFilterByType requires at least two arguments"
        return Fault("argument-count", message, "write `AddOutputFilterByType DEFLATE text/html`")
    return None


_NEGATIVE: Final = '{} "{{}}" must be a non-negative integer'
VOCABULARY: dict[str, Callable[[Directive | Section, Scope], Fault | None]] = {
    "AcceptPathInfo": _one_of("AcceptPathInfo must be set to on, off or default", "on", "off", "default"),
    "AddOutputFilterByType": filter_by_type,
    "CustomLog": custom_log,
    "EnableMMAP": _one_of("parameter must be 'on' or 'off'", "on", "off"),
    "EnableSendfile": _one_of("parameter must be 'on' or 'off'", "on", "off"),
    "ErrorLogFormat": error_format,
    "FileETag": signed("none", "all", "mtime", "inode", "size", "digest"),
    "HostnameLookups": _one_of("parameter must be 'on', 'off', or 'double'", "on", "off", "double"),
    "HttpProtocolOptions": _one_of(
        "HttpProtocolOptions accepts 'Unsafe' or 'Strict' (default), 'RegisteredMethods' or 'LenientMethods' (default), "
        "and 'Require1.0' or 'Allow0.9' (default)",
        *("allow0.9", "require1.0", "strict", "unsafe", "registeredmethods", "lenientmethods"),
    ),
    "LimitRequestBody": body,
    "LimitRequestFieldsize": _not_negative(_NEGATIVE.format("LimitRequestFieldsize")),
    "LimitRequestFields": _not_negative(_NEGATIVE.format("LimitRequestFields") + " (0 = no limit)"),
    "LimitRequestLine": _not_negative(_NEGATIVE.format("LimitRequestLine")),
    "LogFormat": log_format,
    "LogLevel": level,
    "ProxyStatus": _one_of("ProxyStatus must be one of: off | on | full", "off", "on", "full"),
    "RegexDefaultOptions": signed("none", "icase", "extended", "dotall", "dollar_endonly", "no_dollar_endonly"),
    "RequestReadTimeout": read_timeout,
    "SSLCipherSuite": ciphers,
    "SSLCompression": compression,
    "SSLEngine": _one_of("Argument must be On or Off", "on", "off", "optional"),
    "SSLOptions": tls_options,
    "SSLProtocol": protocols,
    "SSLProxyCipherSuite": ciphers,
    "SSLProxyProtocol": protocols,
    "SSLProxyVerifyDepth": _not_negative("SSLProxyVerifyDepth: Invalid argument '{}'"),
    "SSLRandomSeed": seed,
    "SSLSessionCache": session_cache,
    "SSLSessionCacheTimeout": _not_negative("SSLSessionCacheTimeout: Invalid argument"),
    "SSLStaplingCache": session_cache,
    "SSLVerifyDepth": _not_negative("SSLVerifyDepth: Invalid argument '{}'"),
    "ServerSignature": _one_of("ServerSignature: use one of: off | on | email", "off", "on", "email"),
    "ServerTokens": _one_of(
        "ServerTokens takes 1 argument: 'Prod(uctOnly)', 'Major', 'Minor', 'Min(imal)', 'OS', or 'Full'",
        *("prod", "productonly", "major", "minor", "min", "minimal", "os", "full"),
    ),
    "TraceEnable": _one_of("TraceEnable must be one of 'on', 'off', or 'extended'", "on", "off", "extended"),
    "UseCanonicalName": _one_of("parameter must be 'on', 'off', or 'dns'", "on", "off", "dns"),
    "UseCanonicalPhysicalPort": _one_of("parameter must be 'on' or 'off'", "on", "off"),
}
