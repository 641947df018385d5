"""Arguments of mod_proxy's modules that no rule of counting covers, and of mod_remoteip.

Sources: modules/proxy, modules/metadata/mod_remoteip.c. Knows what `apachectl configtest` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.config.apache.addresses import resolved
from perijove.config.apache.arguments.kinds import (
    Check,
    complaint,
    number,
    one_of,
    said,
    wrong,
)
from perijove.config.apache.directive import Directive, Fault, Section

if TYPE_CHECKING:
    from perijove.config.apache.directive import Scope


def source(item: Directive | Section, scope: Scope) -> Fault | None:
    """ProxySourceAddress: an address, or a name that leads to one."""
    return None if resolved(said(item)) else wrong(item, "ProxySourceAddress invalid value", "write an address of this machine")


def health_expression(item: Directive | Section, scope: Scope) -> Fault | None:
    """ProxyHCExpr: a name, and an expression, perhaps in braces (set_hc_condition)."""
    if not item.words:
        return Fault("too-few-arguments", "Missing expression name for ProxyHCExpr", "write `ProxyHCExpr NAME {EXPRESSION}`")
    rest = item.rest.text.strip()[len(said(item)) :].strip()
    if rest.startswith("{") and rest.endswith("}"):
        rest = rest[1:-1].strip()
    elif rest[:1] in ('"', "'"):
        rest = said(item, 1)
    if not rest:
        return Fault("too-few-arguments", "Missing expression for ProxyHCExpr", "write `ProxyHCExpr {word} {EXPRESSION}`")
    found = complaint(rest, item, scope)
    return None if found is None else Fault("bad-expression", f'Could not parse expression "{rest}": {found[0]}', found[1], 1)


def health_template(item: Directive | Section, scope: Scope) -> Fault | None:
    """ProxyHCTemplate: a name, and what a member would say of its health."""
    from perijove.config.apache.directives.parameters import health

    if not item.words:
        return Fault(
            "too-few-arguments", "Missing template name for ProxyHCTemplate", "write `ProxyHCTemplate NAME hcmethod=GET`"
        )
    for at, word in enumerate(item.words[1:], 1):
        key, equals, value = word.text.partition("=")
        if not equals:
            message = "Invalid ProxyHCTemplate parameter. Parameter must be in the form 'key=value'"
            return wrong(item, message, "write `hcmethod=GET`", at)
        message = health(key, value)
        if message:
            return wrong(item, f"ProxyHCTemplate: {message} {word.text}; {said(item)}", "", at)
    return None


def fcgi_variable(item: Directive | Section, scope: Scope) -> Fault | None:
    """ProxyFCGISetEnvIf: when, which variable, and its value (cmd_setenv)."""
    found = complaint(said(item), item, scope)
    if found is not None:
        return Fault("bad-expression", f'Could not parse expression "{said(item)}": {found[0]}', found[1], 0)
    name = said(item, 1)
    if name == "!":
        return wrong(item, 'ProxyFCGISetEnvIf: "!" is not a valid variable name', "write `!NAME`", 1)
    if len(item.words) > 2:
        if name.startswith("!"):
            message = f'Third argument ("{said(item, 2)}") is not allowed when using ProxyFCGISetEnvIf\'s unset mode ({name})'
            return wrong(item, message, "leave the value out", 2)
        found = complaint(said(item, 2), item, scope, text=True)
        if found is not None:
            return Fault("bad-expression", f'Could not parse expression "{said(item, 2)}": {found[0]}', found[1], 2)
    return None


def exceptions(item: Directive | Section, scope: Scope) -> Fault | None:
    """RemoteIPProxyProtocolExceptions: addresses and networks (remoteip_disable_networks)."""
    from perijove.config.apache.subnets import SubnetError, networks

    if not item.words:
        return Fault("too-few-arguments", "RemoteIPProxyProtocolExceptions requires an argument", "write `10.0.0.0/8`")
    for at, word in enumerate(item.words):
        try:
            found = networks(word.text)
        except SubnetError as error:
            shown = word.text.partition("/")[0]
            return wrong(item, f"ip address '{shown}' appears to be invalid: {error}", "write `10.0.0.0/8`", at, "bad-address")
        if found is None:
            shown = word.text.partition("/")[0]
            return wrong(item, f"ip address '{shown}' appears to be invalid", "write `10.0.0.0/8`", at, "bad-address")
    return None


def user_directory(item: Directive | Section, scope: Scope) -> Fault | None:
    """UserDir: directories, or who has one."""
    if not item.words:
        return Fault("too-few-arguments", "UserDir requires an argument.", "write `UserDir public_html`, or `UserDir disabled`")
    return None


PROXYING: Final[dict[str, Check]] = {
    "Action": one_of("unrecognized option '{word}'", "virtual", at=2),
    "BalancerGrowth": number("BalancerGrowth must be between 0 and 1000", 0, 1000),
    "ProxyFCGIBackendType": one_of(
        "ProxyFCGIBackendType requires one of the following arguments: 'GENERIC', 'FPM'", "GENERIC", "FPM"
    ),
    "ProxyFCGISetEnvIf": fcgi_variable,
    "ProxyHCExpr": health_expression,
    "ProxyHCTPsize": number("Invalid ProxyHCTPsize parameter. Parameter must be >= 0", 0),
    "ProxyHCTemplate": health_template,
    "ProxySourceAddress": source,
    "RemoteIPProxyProtocolExceptions": exceptions,
    "UserDir": user_directory,
}
