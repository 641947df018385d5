"""Arguments of mod_http2 and of mod_md.

Sources: modules/http2/h2_config.c, modules/md/mod_md_config.c. Knows what `apachectl configtest` says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.config.apache.arguments.kinds import (
    INT_MAX,
    Check,
    atoi,
    duration,
    exists,
    fits,
    number,
    on_or_off,
    one_of,
    said,
    wrong,
)
from perijove.config.apache.directive import Directive, Fault, Section
from perijove.config.apache.words import fold

if TYPE_CHECKING:
    from perijove.config.apache.directive import Scope


def diary(item: Directive | Section, scope: Scope) -> Fault | None:
    """H2PushDiarySize: 0, or a power of 2 up to 65536."""
    size = atoi(said(item))
    if size < 0:
        return wrong(item, "value must be >= 0", "write `256`")
    if size & (size - 1):
        return wrong(item, "value must a power of 2", "write `256`")
    if size > 1 << 16:
        return wrong(item, "value must <= 65536", "write `256`")
    return None


def padding(item: Directive | Section, scope: Scope) -> Fault | None:
    """H2Padding: bits."""
    bits = atoi(said(item))
    if bits < 0:
        return wrong(item, "number of bits must be >= 0", "write a number from 0 to 8")
    return wrong(item, "number of bits must be <= 8", "write a number from 0 to 8") if bits > 8 else None


def priority(item: Directive | Section, scope: Scope) -> Fault | None:
    """H2PushPriority: a media type, how it depends, and its weight (h2_conf_add_push_priority)."""
    depends = fold(said(item, 1))
    if depends not in ("after", "before", "interleaved"):
        message = "dependency must be one of 'After', 'Before' or 'Interleaved'"
        return wrong(item, message, "write `H2PushPriority * After 16`", 1)
    if len(item.words) > 2:
        if depends == "before":
            return wrong(item, "dependency 'Before' does not allow a weight", "leave the weight out", 2)
        if atoi(said(item, 2)) < 1:
            return wrong(item, "weight must be a number >= 1", "write a number from 1 to 256", 2)
    return None


def resource(item: Directive | Section, scope: Scope) -> Fault | None:
    """H2PushResource: perhaps `add`, a path, and perhaps `critical` (h2_conf_add_push_res)."""
    last = len(item.words) - 1
    if last > (fold(said(item)) == "add") and fold(said(item, last)) != "critical":
        return wrong(item, "unknown last parameter", "write `critical`, or leave it out", last)
    return None


# ------------------------------------------------------------------------------------------------------- mod_md

_MANAGED: Final = ("<MDomainSet", "<MDomain")
# duration_parse() (mod_md_config.c): days if there is no unit; md_time's own units.
_TIME: Final = r"[+-]?[0-9]+(?:ms|mi|min|m|s|h|d|w|y)?"
_switch: Final = one_of("unknown '{word}', supported parameter values are 'on' and 'off'", "on", "off")


def _window(item: Directive | Section, scope: Scope) -> Fault | None:
    text = said(item)
    percent = re.fullmatch(r"([0-9]+)%", text)
    if percent and int(percent[1]) >= 100:
        return wrong(item, "{name} a length of 100% or more is not allowed.", "write `33%`")
    if not percent and not re.fullmatch(_TIME, text, re.IGNORECASE):
        return wrong(item, "{name} has unrecognized format", "write `21d`, or `33%`")
    return None


def _only_managed(item: Directive | Section, scope: Scope) -> Fault | None:
    if any(fold(one) in ("mdomain", "mdomainset") for one in scope.sections):
        return None
    message = f"{item.name} is only valid inside a '<MDomainSet' context, not here"
    return Fault("not-allowed-here", message, "write it in `<MDomain NAME>`")


def _members(item: Directive | Section, scope: Scope) -> Fault | None:
    if len(item.words) == 1:
        if fold(said(item)) in ("auto", "manual"):
            return None
        return _only_managed(item, scope) and wrong(item, 'unknown value, use "auto|manual"', "write `auto` or `manual`")
    return _only_managed(item, scope)


def domain(item: Directive | Section, scope: Scope) -> Fault | None:
    """MDomain: names, and perhaps `auto` or `manual`."""
    if not [one for one in item.words if fold(one.text) not in ("auto", "manual")]:
        return Fault("too-few-arguments", "needs at least one domain name", f"write `{item.name} hub.example.org`")
    return None


def managed(item: Directive | Section, scope: Scope) -> Fault | None:
    """`<MDomainSet>` and `<MDomain>`: a name."""
    if item.words:
        return None
    return Fault(
        "too-few-arguments", f"<{item.name} > section must specify a unique domain name", f"write `<{item.name} NAME>`"
    )


def authority(item: Directive | Section, scope: Scope) -> Fault | None:
    """MDCertificateAuthority: URLs, or names that are known."""
    for at, word in enumerate(item.words):
        if fold(word.text) not in ("letsencrypt", "letsencrypt-test", "buypass", "buypass-test") and ":" not in word.text:
            message = "The CA name '{word}' is not known and it is not a URL either (missing uri scheme). "
            message += "Known CA names are: LetsEncrypt LetsEncrypt-Test Buypass Buypass-Test."
            return wrong(item, message, "write `LetsEncrypt`", at)
    return None


def keys(item: Directive | Section, scope: Scope) -> Fault | None:
    """MDPrivateKeys: of RSA, 2048 bits at least."""
    if not item.words:
        return Fault("too-few-arguments", "needs to specify the private key type", "write `RSA 2048`, or `secp256r1`")
    for at, word in enumerate(item.words):
        bits = re.fullmatch(r"rsa([0-9]+)", word.text, re.IGNORECASE)
        size = int(bits[1]) if bits else None
        if at and fold(item.words[at - 1].text) == "rsa" and word.text.isdigit():
            size = int(word.text)
        if size is not None and size < 2048:
            return wrong(item, "must be 2048 or higher in order to be considered safe.", "write `RSA 2048`, or `secp256r1`", at)
    return None


def ports(item: Directive | Section, scope: Scope) -> Fault | None:
    """MDPortMap: `80:8080`; `-` is none."""
    for at, word in enumerate(item.words):
        first, colon, second = word.text.partition(":")
        if not colon or not (first.isdigit() or fold(first) in ("http", "https")):
            return wrong(item, "no ':' after first port number", "write `80:8080`", at)
        if second != "-" and not (second.isdigit() and 0 < int(second) <= 65535):
            return wrong(item, "invalid number for port map, must be in ]0,65535]", "write `80:8080`, or `80:-`", at)
    return None


def locks(item: Directive | Section, scope: Scope) -> Fault | None:
    """MDStoreLocks: a switch, or a time."""
    if fold(said(item)) in ("on", "off") or re.fullmatch(_TIME, said(item), re.IGNORECASE):
        return None
    return wrong(item, "neither 'on', 'off' or a duration specified", "write `on`, or `5s`")


def binding(item: Directive | Section, scope: Scope) -> Fault | None:
    """MDExternalAccountBinding: none, a key and its value, or a file."""
    if len(item.words) == 1 and fold(said(item)) != "none":
        return exists("{name}: file not found: {path}")(item, scope)
    return None


_time: Final = fits(_TIME, "unrecognized duration format", "write `1d`, `12h` or `30mi`")
_mode: Final = one_of("unknown MDDriveMode {word}", "auto", "always", "manual")
_ON: Final = on_or_off("value must be On or Off")

HTTP2: Final[dict[str, Check]] = {
    **dict.fromkeys(
        (
            *("H2CopyFiles", "H2Direct", "H2EarlyHints", "H2ModernTLSOnly", "H2OutputBuffering", "H2ProxyRequests", "H2Push"),
            *("H2Upgrade", "H2WebSockets"),
        ),
        _ON,
    ),
    **dict.fromkeys(("H2MaxSessionStreams", "H2MinWorkers", "H2MaxWorkers"), number("value must be > 0", 1)),
    **dict.fromkeys(("H2WindowSize", "H2StreamMaxMemSize"), number("value must be >= 1024", 1024)),
    **dict.fromkeys(
        ("H2MaxDataFrameLen", "H2MaxHeaderBlockLen", "H2MaxStreamErrors"), number("value must be 0 or larger", 0, INT_MAX)
    ),
    "H2MaxWorkerIdleSeconds": duration("Invalid idle limit value", help_="write a number of seconds"),
    "H2Padding": padding,
    "H2PushDiarySize": diary,
    "H2PushPriority": priority,
    "H2PushResource": resource,
    "H2StreamTimeout": duration("Invalid timeout value"),
    **dict.fromkeys(
        (
            *("MDBaseServer", "MDCertificateStatus", "MDMustStaple", "MDProfileMandatory", "MDRenewViaARI", "MDServerStatus"),
            *("MDStapleOthers", "MDStapling"),
        ),
        _switch,
    ),
    **dict.fromkeys(
        ("MDRenewWindow", "MDWarnWindow", "MDStaplingKeepResponse", "MDStaplingRenewWindow"),
        _window,
    ),
    **dict.fromkeys(("MDActivationDelay", "MDCheckInterval", "MDInitialDelay", "MDRetryDelay"), _time),
    **dict.fromkeys(("MDCertificateFile", "MDCertificateKeyFile"), _only_managed),
    **dict.fromkeys(("MDMember", "MDMembers"), _members),
    **dict.fromkeys(("MDDriveMode", "MDRenewMode"), _mode),
    "MDCertificateAuthority": authority,
    **dict.fromkeys(_MANAGED, managed),
    "MDChallengeDns01Version": one_of("Only versions `1` and `2` are supported", "1", "2"),
    "MDExternalAccountBinding": binding,
    "MDHttpProxy": fits(r"[A-Za-z][^:]*:.*", "missing uri scheme", "write `http://HOST:PORT`"),
    "MDMatchNames": one_of("invalid argument, must be a 'all' or 'servernames'", "all", "servernames"),
    "MDPortMap": ports,
    "MDPrivateKeys": keys,
    "MDRequireHttps": one_of(
        "unknown '{word}', supported parameter values are 'temporary' and 'permanent'", "off", "temporary", "permanent"
    ),
    "MDRetryFailover": number("invalid argument, must be a number > 0", 1),
    "MDStoreLocks": locks,
    "MDomain": domain,
}
