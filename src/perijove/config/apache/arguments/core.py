"""Arguments of the core, of the processes, and of who they run as.

Sources: server/core.c, server/util_mutex.c, server/listen.c, server/mpm_common.c, server/mpm/event/event.c, os/unix/unixd.c,
modules/core/mod_watchdog.c, modules/cluster. Knows what `apachectl configtest` says.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.arguments.kinds import (
    INT_MAX,
    LONG_MAX,
    Check,
    atoi,
    directory,
    duration,
    every,
    exists,
    expression,
    listed,
    names,
    number,
    on_or_off,
    one_of,
    refused,
    said,
    whole,
    wrong,
)
from perijove.config.apache.directive import Directive, Fault, Section
from perijove.config.apache.words import fold

if TYPE_CHECKING:
    from perijove.config.apache.directive import Scope

_OPTIONS: Final = names(
    "indexes includes includesnoexec followsymlinks symlinksifownermatch execcgi multiviews runscripts none all"
)
_OVERRIDES: Final = names("limit options fileinfo authconfig indexes none all")
_MECHANISMS: Final = names("none default flock fcntl file pthread sysvsem posixsem sem")
_MUTEXES: Final = {  # by the modules that make them (ap_mutex_register)
    "mpm-accept": "mpm_prefork",
    "authdigest-client": "auth_digest",
    "authn-socache": "authn_socache",
    "cache-socache": "cache_socache",
    "ldap-cache": "ldap",
    "lua-ivm-shm": "lua",
    "proxy": "proxy",
    "proxy-balancer-shm": "proxy_balancer",
    "rewrite-map": "rewrite",
    "ssl-cache": "ssl",
    "ssl-stapling": "ssl",
    "ssl-stapling-refresh": "ssl",
    "watchdog-callback": "",
}


def override(item: Directive | Section, scope: Scope) -> Fault | None:
    """AllowOverride: groups of directives; what follows `=` is looked at behind `Options` only (set_override)."""
    for at, word in enumerate(item.words):
        key, equals, value = word.text.partition("=")
        if fold(key) == "options" and equals:
            bad = next((one for one in value.split(",") if one and fold(one) not in _OPTIONS), None)
            if bad is not None:
                return wrong(item, f"Illegal option {bad}", "write `Options=Indexes,MultiViews`", at)
        elif fold(key) == "nonfatal" and not equals:
            message = "=Override, =Unknown or =All expected after Nonfatal"
            return wrong(item, message, "write `Nonfatal=All`", at)
        elif fold(key) not in _OVERRIDES and fold(key) != "nonfatal":
            help_ = "write `None`, `All`, or some of `AuthConfig`, `FileInfo`, `Indexes`, `Limit` and `Options`"
            return wrong(item, "Illegal override option {word}", help_, at)
    return None


def document_root(item: Directive | Section, scope: Scope) -> Fault | None:
    """DocumentRoot: of the main server it must be there; of a virtual host httpd only warns."""
    if any(fold(one) == "virtualhost" for one in scope.sections):
        return None
    return _ROOT(item, scope)


_ROOT: Final = directory("DocumentRoot '{path}' is not a directory, or is not readable")


def mutex(item: Directive | Section, scope: Scope) -> Fault | None:
    """Mutex: how processes keep out of each other's way, and for what (ap_set_mutex)."""
    mechanism, _, folder = said(item).partition(":")
    if fold(mechanism) not in _MECHANISMS:
        known = "'none', 'default', 'flock:/path/to/file', 'fcntl:/path/to/file', 'file:/path/to/file', "
        known += "'pthread', 'sysvsem', 'posixsem', 'sem'"
        return wrong(item, f"Invalid Mutex argument {{word}} (Mutex mechanisms are: {known})", "write `Mutex default`")
    if folder and not os.path.isdir(os.path.join(scope.root, folder)):
        message = "Invalid Mutex directory in argument {word}"
        return wrong(item, message, "name a directory that is on this machine, or write `Mutex default`", name="no-such-file")
    if fold(mechanism) == "none":
        meant = said(item, 1) or "default"
        return wrong(item, f"None is not allowed for mutex type {meant}", "write `Mutex default`")
    known_modules = scope.modules | {""}
    for at, word in enumerate(item.words[1:], 1):
        name = word.text
        if fold(name) not in ("default", "omitpid") and _MUTEXES.get(name, name) not in known_modules and not scope.strangers:
            known = ", ".join(f"`{one}`" for one, module in _MUTEXES.items() if module in known_modules)
            return wrong(item, "Mutex type {word} is not valid", f"with these modules there are {known}", at)
    return None


def variable(item: Directive | Section, scope: Scope) -> Fault | None:
    """CGIVar: of REQUEST_URI, what it is."""
    if said(item) != "REQUEST_URI":
        return wrong(item, 'Unrecognized CGI variable: "{word}"', "write `CGIVar REQUEST_URI original-uri`")
    if fold(said(item, 1)) not in ("current-uri", "original-uri"):
        message = "Valid rules for REQUEST_URI are 'current-uri' and 'original-uri'"
        return wrong(item, message, "write `original-uri`", 1)
    return None


def user(item: Directive | Section, scope: Scope) -> Fault | None:
    """User: a name of this system, or `#` and a number (ap_uname2id)."""
    text = said(item)
    if "${" in text:
        return None  # that variable has been told of
    if text.startswith("#"):
        if atoi(text[1:]) == 0:
            message = "Error: Apache has not been designed to serve pages while running as root"
            return wrong(item, message, "on Debian it is `www-data`")
        return None
    try:
        pwd.getpwnam(text)
    except (KeyError, ValueError):
        return wrong(
            item, "bad user name {word}", "on Debian it is `www-data`: `adduser --system` makes others", name="no-such-user"
        )
    return None


def group(item: Directive | Section, scope: Scope) -> Fault | None:
    """Group: a name of this system, or `#` and a number (ap_gname2id)."""
    text = said(item)
    if text.startswith("#") or "${" in text:
        return None
    try:
        grp.getgrnam(text)
    except (KeyError, ValueError):
        return wrong(
            item, "bad group name {word}", "on Debian it is `www-data`: `addgroup --system` makes others", name="no-such-user"
        )
    return None


_SUEXEC: Final = "/usr/lib/apache2/suexec"


def suexec(item: Directive | Section, scope: Scope) -> Fault | None:
    """SuexecUserGroup: needs a program that Debian has in a package of its own."""
    if os.path.exists(_SUEXEC):
        return None
    message = f"SuexecUserGroup configured, but suEXEC is disabled: Missing suexec binary {_SUEXEC}"
    return Fault(
        "no-such-file", message, "`apt-get install apache2-suexec-pristine`, or take the line out: no program is run here"
    )


def factor(item: Directive | Section, scope: Scope) -> Fault | None:
    """AsyncRequestWorkerFactor: a number with a fraction, above 0."""
    if not re.fullmatch(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", said(item), re.IGNORECASE):
        return wrong(item, "error parsing value", "write `2`")
    if float(said(item)) <= 0:
        return wrong(item, "AsyncRequestWorkerFactor argument must be a positive number", "write `2`")
    return None


_BUFFER: Final = "{name} must be >= 512 bytes, or 0 for system default."


def _buffer(item: Directive | Section, scope: Scope) -> Fault | None:
    return None if atoi(said(item)) == 0 else _LARGE(item, scope)


_LARGE: Final = number(_BUFFER, 512, help_="write 512 or more octets, or 0 for what the system has")


def body(item: Directive | Section, scope: Scope) -> Fault | None:
    """LimitRequestBody: a number that fits into 63 bits."""
    text = item.words[0].text if item.words else "0"
    if not re.fullmatch(r"\+?[0-9]+", text):
        return Fault("bad-value", "LimitRequestBody requires a non-negative integer.", "write a number of octets", 0)
    if int(text) >= 1 << 63:
        return Fault("bad-value", "LimitRequestBody argument is not parsable.", "write a number of octets", 0)
    return None


def read_timeout(item: Directive | Section, scope: Scope) -> Fault | None:
    """RequestReadTimeout: seconds, or a range with a rate, for each part (mod_reqtimeout.c: set_reqtimeout_param)."""
    for at, word in enumerate(item.words):
        key, equals, value = word.text.partition("=")
        if not equals:
            message = "Invalid RequestReadTimeout parameter. Parameter must be in the form 'key=value'"
            return wrong(item, message, "write `header=20`", at)
        if fold(key) not in ("header", "body", "handshake"):
            found = "Unknown RequestReadTimeout parameter", "write `header=20` and `body=20`"
        else:
            found = _bad_rate(value)
        if found[0]:
            return Fault("bad-value", f"RequestReadTimeout: {word.text}: {found[0]}", found[1], at)
    return None


def _bad_rate(text: str) -> tuple[str, str]:
    """Return what is wrong with `20`, `20,MinRate=500` or `20-40,MinRate=500`, and what to type."""
    mark = fold(text).find(",minrate=")
    time, rate = (text, None) if mark < 0 else (text[:mark], text[mark + len(",minrate=") :])
    least, dash, most = time.partition("-")
    if dash and rate is None:
        return "Must set MinRate option if using timeout range", "write `header=20-40,MinRate=500`"
    for value in (*([] if rate is None else [rate]), least, *([most] if dash else [])):
        if behind := re.match(r"[+-]?[0-9]++(.+)", value, re.DOTALL):
            return f"Cannot parse '{behind[1]}'", "write a number of seconds, without a unit"
        if not re.fullmatch(r"[+-]?[0-9]+", value):
            return f"Value '{value}' not numerical", "write a number of seconds, and octets in a second"
        if int(value) < 0:
            return "Value must be non-negative", "write a number of seconds, and octets in a second"
    if rate is not None and int(rate) == 0:
        return "Minimum data rate must be larger than 0", "write `MinRate=500`: octets in a second"
    if dash and int(most) <= int(least):
        return (
            "Maximum timeout must be larger than initial timeout",
            "write the smaller number first: `header=20-40,MinRate=500`",
        )
    return "", ""


def signed(*known: str) -> Check:
    """Return a check of words that `+` and `-` may stand before: FileETag and RegexDefaultOptions."""

    def check(item: Directive | Section, scope: Scope) -> Fault | None:
        for at, word in enumerate(item.words):
            if fold(word.text.lstrip("+-")) not in known:
                message = "{name}: option '{word}' unknown"
                if item.name == "FileETag":
                    message = "Unknown keyword '{word}' for FileETag directive"
                return wrong(item, message, listed(*known), at)
        return None

    return check


_NEGATIVE: Final = '{name} "{word}" must be a non-negative integer'
CORE: Final[dict[str, Check]] = {
    "AllowOverride": override,
    "AsyncRequestWorkerFactor": factor,
    "CGIVar": variable,
    "ChrootDir": directory("ChrootDir must be a valid directory"),
    "CoreDumpDirectory": every(
        exists("CoreDumpDirectory {path} does not exist"), directory("CoreDumpDirectory {path} is not a directory")
    ),
    "DocumentRoot": document_root,
    "FlushMaxPipelined": whole("parameter must be a number between -1 and (2147483647): {word}", -1, INT_MAX),
    "FlushMaxThreshold": whole("parameter must be a number between 0 and (4294967295U)): {word}", 0, (1 << 32) - 1),
    "Group": group,
    "LimitInternalRecursion": every(
        number("The recursion limit must be greater than zero.", 1),
        number("The recursion limit must be greater than zero.", 1, at=1),
    ),
    "ListenBacklog": number("ListenBacklog must be > 0", 1),
    "ListenCoresBucketsRatio": number("ListenCoresBucketsRatio must be > 0", 1),
    "ListenTCPDeferAccept": number("ListenTCPDeferAccept must be > 0", 1),
    "LimitXMLRequestBody": number("LimitXMLRequestBody requires a non-negative integer.", 0, LONG_MAX, bits=64),
    "MaxMemFree": number("Invalid MaxMemFree value: {word}", 0, (1 << 32) - 1, bits=64),
    "Mutex": mutex,
    "Port": refused("Port was replaced with Listen in Apache 2.0", "write `Listen` and the port"),
    "ProtocolsHonorOrder": on_or_off("ProtocolsHonorOrder must be 'on' or 'off'"),
    "ReceiveBufferSize": _buffer,
    "SendBufferSize": _buffer,
    "SetHandler": expression("Can't parse expression : ", text=True),
    "SuexecUserGroup": suexec,
    "ReadBufferSize": whole("parameter must be a number between 0 and (4294967295U)): {word}", 0, (1 << 32) - 1),
    "ThreadStackSize": number("Invalid ThreadStackSize value: {word}", 0, LONG_MAX - 1, bits=64),
    "User": user,
    "WatchdogInterval": duration(
        "Unparse-able WatchdogInterval setting", 100_000, "Invalid WatchdogInterval: minimal value 100ms", "write `1`: seconds"
    ),
    "AcceptPathInfo": one_of("AcceptPathInfo must be set to on, off or default", "on", "off", "default"),
    "EnableMMAP": one_of("parameter must be 'on' or 'off'", "on", "off"),
    "EnableSendfile": one_of("parameter must be 'on' or 'off'", "on", "off"),
    "FileETag": signed("none", "all", "mtime", "inode", "size", "digest"),
    "HostnameLookups": one_of("parameter must be 'on', 'off', or 'double'", "on", "off", "double"),
    "HttpProtocolOptions": one_of(
        "HttpProtocolOptions accepts 'Unsafe' or 'Strict' (default), 'RegisteredMethods' or 'LenientMethods' (default), "
        "and 'Require1.0' or 'Allow0.9' (default)",
        *("allow0.9", "require1.0", "strict", "unsafe", "registeredmethods", "lenientmethods"),
    ),
    "LimitRequestBody": body,
    "LimitRequestFieldsize": number(_NEGATIVE, 0),
    "LimitRequestFields": number(_NEGATIVE + " (0 = no limit)", 0),
    "LimitRequestLine": number(_NEGATIVE, 0),
    "ProxyStatus": one_of("ProxyStatus must be one of: off | on | full", "off", "on", "full"),
    "RegexDefaultOptions": signed("none", "icase", "extended", "dotall", "dollar_endonly", "no_dollar_endonly"),
    "RequestReadTimeout": read_timeout,
    "ServerSignature": one_of("ServerSignature: use one of: off | on | email", "off", "on", "email"),
    "ServerTokens": one_of(
        "ServerTokens takes 1 argument: 'Prod(uctOnly)', 'Major', 'Minor', 'Min(imal)', 'OS', or 'Full'",
        *("Prod", "ProductOnly", "Major", "Minor", "Min", "Minimal", "OS", "Full"),
    ),
    "TraceEnable": one_of("TraceEnable must be one of 'on', 'off', or 'extended'", "on", "off", "extended"),
    "UseCanonicalName": one_of("parameter must be 'on', 'off', or 'dns'", "on", "off", "dns"),
    "UseCanonicalPhysicalPort": one_of("parameter must be 'on' or 'off'", "on", "off"),
}
