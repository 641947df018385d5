"""Methods: which of them files have, and what is said to be allowed.

Sources: default_handler (server/core.c), make_allow and ap_send_error_response (modules/http/http_protocol.c). Must not know what is
proxied, but that it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from perijove.config.apache import reasons
from perijove.config.apache.hops import traces
from perijove.config.apache.limits import option
from perijove.gateway.conditions import All, Matches, Not, NotEmpty, Pattern
from perijove.gateway.rules import Refuse, Rule, Then
from perijove.gateway.templates import Fact, Variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.config.apache.flow import Flow

ALLOWED: Final = b"GET,HEAD,OPTIONS,POST"  # of files (default_handler, server/core.c)
_OPTIONS: Final = Pattern(rb"\AOPTIONS\Z")
_READ: Final = Pattern(rb"\A(?:GET|HEAD|POST|TRACE)\Z")
# ap_method_registry_init (modules/http/http_protocol.c)
_KNOWN: Final = Pattern(
    rb"\A(?:GET|HEAD|PUT|POST|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PROPFIND|PROPPATCH|MKCOL|COPY|MOVE|LOCK|UNLOCK|VERSION-CONTROL"
    rb"|CHECKOUT|UNCHECKOUT|CHECKIN|UPDATE|LABEL|REPORT|MKWORKSPACE|MKACTIVITY|BASELINE-CONTROL|MERGE)\Z"
)


def of_files(flow: Flow, allowed: bytes) -> None:
    """Add what is said of what goes nowhere (default_handler, server/core.c): a file that is not there, but has its methods."""
    nowhere = Not(NotEmpty((Fact.DESTINATION,)))
    method = (Variable.METHOD,)
    flow.add(All((nowhere, Matches(method, _OPTIONS))), Refuse(200, None, allowed), Then.STOP)
    flow.add(All((nowhere, Not(Matches(method, _KNOWN)))), Refuse(501, reasons.NO_FILE, allowed), Then.STOP)
    flow.add(All((nowhere, Not(Matches(method, _READ)))), Refuse(405, reasons.NO_FILE, allowed), Then.STOP)


def registered(flow: Flow, said: Callable[..., Any]) -> None:
    """Refuse methods that nobody has registered, where HttpProtocolOptions says so (ap_check_request_header, server/protocol.c)."""
    if not option(said("httpprotocoloptions", ()), "lenientmethods", "registeredmethods"):
        flow.add(Not(Matches((Variable.METHOD,), _KNOWN)), Refuse(501), Then.STOP)


def allow(methods: bytes, said: Callable[..., Any]) -> bytes:
    """Return the methods that are allowed, with TRACE if the server has that (make_allow)."""
    return b",".join((*((methods,) if methods else ()), *((b"TRACE",) if traces(said) else ())))


def told(rule: Rule, said: Callable[..., Any]) -> Rule:
    """Say with 405 and 501 what is allowed: nothing that anybody has named (ap_send_error_response)."""
    if isinstance(rule.do, Refuse) and rule.do.status in (405, 501) and rule.do.allow is None:
        return replace(rule, do=replace(rule.do, allow=allow(b"", said)))
    return rule
