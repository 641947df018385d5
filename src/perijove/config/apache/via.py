"""ProxyVia: the Via field of what is proxied (RFC 9110 §7.6.3).

Source: ap_proxy_create_hdrbrgd (modules/proxy/proxy_util.c), ap_proxy_http_process_response (mod_proxy_http.c).
Must not know where a request goes.
"""

from __future__ import annotations

from typing import Final

from perijove.gateway.conditions import All, Always, Any, Compares, Comparison, Condition, Not, NotEmpty
from perijove.gateway.rules import EditField, Operation, Rule, Template, Then
from perijove.gateway.templates import Fact, Variable, Without

_FIELD: Final = b"Via"
_VERSION: Final = Without((Fact.PROTOCOL,), b"HTTP/")


def via_rules(said: str, name: bytes) -> tuple[list[Rule], list[Rule]]:
    """Return what is done to requests, and what to responses.

    Args:
        said: on, off, full or block.
        name: of the server.
    """
    if said == "block":
        return [Rule(Always(), EditField(Operation.REMOVE, _FIELD), Then.NEXT)], []
    if said == "off":
        return [], []
    comment = b" (perijove)" if said == "full" else b""
    values: list[tuple[Condition, Template]] = [
        (_PORT_IS_SAID, (_VERSION, b" " + name + b":", Fact.CALLED_PORT, comment)),
        (Not(_PORT_IS_SAID), (_VERSION, b" " + name + comment)),
    ]
    requests = [Rule(when, EditField(Operation.APPEND, _FIELD, value), Then.NEXT) for when, value in values]
    return requests, [
        Rule(All((NotEmpty((Fact.DESTINATION,)), when)), EditField(Operation.ADD, _FIELD, value), Then.NEXT)
        for when, value in values
    ]


def _is(part: Template, value: bytes) -> Condition:
    return Compares(part, Comparison.SAME, (value,))


_USUAL: Final = Any(
    (
        All((_is((Variable.SCHEME,), b"http"), _is((Fact.CALLED_PORT,), b"80"))),
        All((_is((Variable.SCHEME,), b"https"), _is((Fact.CALLED_PORT,), b"443"))),
    )
)
_PORT_IS_SAID: Final = All((NotEmpty((Fact.CALLED_PORT,)), Not(_USUAL)))
