"""Parameters of workers and balancers: what ProxyPass, BalancerMember and ProxySet take, and within which bounds.

Source: set_worker_param and set_balancer_param (modules/proxy/mod_proxy.c), whose words these are.
Must not know what a parameter means.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from perijove.config.apache.arguments.kinds import microseconds
from perijove.config.apache.modules import enabling
from perijove.config.apache.scope import within

if TYPE_CHECKING:
    from perijove.config.apache.directive import Word
    from perijove.config.apache.scope import Scope

_ON_OFF: Final = frozenset(("on", "off"))


def is_parameter(says: str, word: Word, scope: Scope, balancer: bool) -> bool:
    """Tell whether `key=value` is a parameter of a worker, or of a balancer."""
    key, _, value = word.text.partition("=")
    known = _KNOWN_BALANCER if balancer else _KNOWN_WORKER | (HEALTH if "proxy_hcheck" in scope.modules else frozenset())
    what = "Balancer" if balancer else "Worker"
    if key.lower() not in known:
        near = difflib.get_close_matches(key.lower(), known, 1)
        help_text = f"write `{near[0]}={value}`" if near else f"known are {', '.join(sorted(known))}"
        if key.lower() in HEALTH and not balancer:
            help_text = enabling("proxy_hcheck")
        elif key.lower() in (_KNOWN_WORKER if balancer else _KNOWN_BALANCER):
            where = "BalancerMember" if balancer else "`<Proxy balancer://NAME>`, by ProxySet"
            help_text = f"it belongs to a {'member' if balancer else 'balancer'}: write it in {where}"
        scope.error("proxypass-parameter", f"{says} unknown {what} parameter `{key}`", word.span, help_text)
        return False
    judge = (_BALANCER if balancer else _WORKER).get(key.lower())
    wrong = "" if judge is None else judge(value)
    if not balancer and key.lower() in HEALTH:
        wrong = health(key, value) or _undefined(key, value, scope)
    if balancer and key.lower() == "lbmethod" and f"lbmethod_{value}" not in scope.modules:
        wrong = "unknown lbmethod"
    if wrong:
        if wrong == "unknown lbmethod":
            there_are = f"there are {', '.join(f'`{one}`' for one in _BALANCING)}, each by a module of its own"
            help_text = enabling(f"lbmethod_{value}") if value in _BALANCING else there_are
        else:
            sample, remark = _SAMPLES.get(key.lower(), ("On", "or `Off`"))
            help_text = f"write `{key}={sample}`" + (f": {remark}" if remark else "")
        scope.error("proxypass-parameter", f"{says} {wrong}", word.span, help_text)
    return not wrong


def _number(text: str) -> int:
    """Return the number that a text begins with, as atoi(3) does."""
    found = re.match(r"\s*([+-]?[0-9]{1,18})", text)
    return int(found[1]) if found else 0


def _bounds(low: int, high: int, says: str) -> Callable[[str], str]:
    return lambda value: "" if low <= _number(value) <= high else says


def _words(words: frozenset[str], says: str) -> Callable[[str], str]:
    return lambda value: "" if value.lower() in words else says


def _time(unit: str, name: str) -> Callable[[str], str]:
    """A time of a millisecond at least."""

    def judge(value: str) -> str:
        time = microseconds(value, unit)
        if time is None:
            return f"{name} has wrong format"
        return "" if time >= 1_000 else f"{name} must be at least one millisecond"

    return judge


def health(key: str, value: str) -> str:
    """Return what is wrong with a parameter of a member's health (set_worker_hc_param, mod_proxy_hcheck.c)."""
    match key.lower():
        case "hcmethod" if value.upper() in ("CPING", "PROVIDER"):
            return f"Health check method {value} not (yet) implemented"
        case "hcmethod" if value.upper() not in ("NONE", "TCP", "OPTIONS", "HEAD", "GET", "OPTIONS11", "HEAD11", "GET11"):
            return "Unknown method"
        case "hcinterval":
            time = microseconds(value)
            if time is None:
                return "Unparse-able hcinterval setting"
            return "" if time >= 100_000 else "Interval must be a positive value greater than 100ms"
        case "hcpasses" | "hcfails" if _number(value) < 0:
            return f"{key.removeprefix('hc').title()} must be a positive value"
        case "hcuri":
            return _length("Health check uri")(value)
        case name if name not in HEALTH:
            return "unknown Worker hcheck parameter"
    return ""


def _undefined(key: str, value: str, scope: Scope) -> str:
    """Return what is said of a name that no ProxyHCExpr or ProxyHCTemplate before has given to anything."""
    says = {
        "hcexpr": ("proxyhcexpr", f"Unknown health check condition expr: {value}"),
        "hctemplate": ("proxyhctemplate", f"Unknown ProxyHCTemplate name: {value}"),
    }
    if key.lower() not in says:
        return ""
    name, message = says[key.lower()]
    return "" if any(value in one.said.get(name, ()) for one in within(scope)) else message


def _retry(value: str) -> str:
    return "Retry must be a positive value" if value.startswith("-") or _number(value) < 0 else ""


def _load_factor(value: str) -> str:
    found = re.match(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)", value)
    return "" if found and 1 <= float(found[0]) <= 100 else "LoadFactor must be a number between 1..100"


def _status(value: str) -> str:
    return "" if re.fullmatch(r"[-+DSHCIRNEVdshcirnev]*", value) else "Unknown status parameter option"


def _buffer(name: str) -> Callable[[str], str]:
    says = f"{name} must be >= 512 bytes, or 0 for system default."
    return lambda value: "" if _number(value) >= 512 or _number(value) == 0 else says


def _length(name: str, most: int = 64) -> Callable[[str], str]:
    says = f"{name} length must be < {most} characters"
    return lambda value: "" if len(value.encode("utf-8", "surrogateescape")) < most else says


def _address_ttl(value: str) -> str:
    says = "AddressTTL must be -1 or a number of seconds not exceeding (2147483647)"
    return "" if re.fullmatch(r"-1|\+?[0-9]{1,10}", value) and int(value) <= 2147483647 else says


def _statuses(value: str) -> str:
    codes = [_number(one) for one in re.split(r"[, ]+", value) if one]
    good = bool(codes) and all(100 <= one < 600 for one in codes)
    return "" if good else "failonstatus must be one or more HTTP response codes"


def _separator(value: str) -> str:
    return "" if len(value) == 1 or value.lower() == "off" else "stickysessionsep must be a single character or Off"


# What to type instead of what is wrong, and what there is to know of it; what is not here is a switch.
_SAMPLES: Final = {
    "acquire": ("3000", "milliseconds, or `3s`"),
    "addressttl": ("60", "seconds"),
    "connectiontimeout": ("5", "seconds, or `500ms`"),
    "failonstatus": ("500,503", "statuses"),
    "flusher": ("flush", ""),
    "flushpackets": ("auto", "or `on` or `off`"),
    "flushwait": ("10", "milliseconds, 0 to 1000"),
    "growth": ("5", "1 to 100"),
    "hcexpr": ("NAME", "a line before it says `ProxyHCExpr NAME {EXPRESSION}`"),
    "hcfails": ("1", ""),
    "hcinterval": ("30", "seconds, or `500ms`"),
    "hcmethod": ("GET", "or `HEAD`, `OPTIONS` or `TCP`"),
    "hcpasses": ("1", ""),
    "hctemplate": ("NAME", "a line before it says `ProxyHCTemplate NAME hcmethod=GET`"),
    "hcuri": ("/health", ""),
    "iobuffersize": ("8192", "octets, 512 or more"),
    "lbset": ("0", "0 to 99"),
    "loadfactor": ("1", "1 to 100"),
    "max": ("20", "connections"),
    "maxattempts": ("1", ""),
    "min": ("0", "connections"),
    "ping": ("5", "seconds, or `500ms`"),
    "receivebuffersize": ("0", "octets, 512 or more, or 0"),
    "redirect": ("NODE", ""),
    "responsefieldsize": ("16384", "octets"),
    "retry": ("60", "seconds, 0 or more"),
    "route": ("NODE", ""),
    "secret": ("WORD", ""),
    "smax": ("10", "connections"),
    "status": ("+H", "a hot standby; letters are D, S, I, R, H, E, N and V"),
    "stickysessionsep": (".", "one character, or `Off`"),
    "timeout": ("600", "seconds, 1 or more, without a unit"),
    "ttl": ("60", "seconds, 1 or more"),
    "upgrade": ("websocket", ""),
}
_BALANCING: Final = ("bybusyness", "byrequests", "bytraffic", "heartbeat")
_MANY: Final = 1 << 62
_WORKER: Final[dict[str, Callable[[str], str]]] = {
    "loadfactor": _load_factor,
    "retry": _retry,
    "ttl": _bounds(1, _MANY, "TTL must be at least one second"),
    "min": _bounds(0, _MANY, "Min must be a positive number"),
    "max": _bounds(0, _MANY, "Max must be a positive number"),
    "smax": _bounds(0, _MANY, "Smax must be a positive number"),
    "acquire": _time("ms", "Acquire timeout"),
    "timeout": _bounds(1, _MANY, "Timeout must be at least one second"),
    "iobuffersize": _buffer("IOBufferSize"),
    "receivebuffersize": _buffer("ReceiveBufferSize"),
    "keepalive": _words(_ON_OFF, "KeepAlive must be On|Off"),
    "disablereuse": _words(_ON_OFF, "DisableReuse must be On|Off"),
    "enablereuse": _words(_ON_OFF, "EnableReuse must be On|Off"),
    "status": _status,
    "flushpackets": _words(frozenset(("on", "off", "auto")), "flushpackets must be on|off|auto"),
    "flushwait": _bounds(0, 1000, "flushwait must be <= 1000, or 0 for system default of 10 millseconds."),
    "ping": _time("s", "Ping/Pong timeout"),
    "lbset": _bounds(0, 99, "lbset must be between 0 and 99"),
    "connectiontimeout": _time("s", "Connectiontimeout"),
    "secret": _length("Secret"),
    "flusher": _length("flusher name", 16),
    "route": _length("Route"),
    "upgrade": _length("upgrade protocol", 16),
    "redirect": _length("Redirect"),
    "addressttl": _address_ttl,
    "responsefieldsize": _bounds(0, _MANY, "ResponseFieldSize must be greater than 0 bytes, or 0 for system default."),
}
_BALANCER: Final[dict[str, Callable[[str], str]]] = {
    "nofailover": _words(_ON_OFF, "failover must be On|Off"),
    "timeout": _bounds(1, _MANY, "timeout must be at least one second"),
    "maxattempts": _bounds(0, _MANY, "maximum number of attempts must be a positive number"),
    "scolonpathdelim": _words(_ON_OFF, "scolonpathdelim must be On|Off"),
    "failontimeout": _words(_ON_OFF, "failontimeout must be On|Off"),
    "forcerecovery": _words(_ON_OFF, "forcerecovery must be On|Off"),
    "growth": _bounds(1, 100, "growth must be between 1 and 100"),
    "failonstatus": _statuses,
    "stickysessionsep": _separator,
}
# All are known and read; those that change what a client sees are acted on.
_KNOWN_WORKER: Final = frozenset(_WORKER)
HEALTH: Final = frozenset(("hcexpr", "hcfails", "hcinterval", "hcmethod", "hcpasses", "hctemplate", "hcuri"))
_KNOWN_BALANCER: Final = frozenset((*_BALANCER, "lbmethod", "nonce", "stickysession"))
