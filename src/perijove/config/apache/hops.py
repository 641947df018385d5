"""What concerns one hop of a request: how far it may still go, and what becomes of the connections on both sides.

Sources: proxy_handler (modules/proxy/mod_proxy.c), ap_proxy_create_hdrbrgd (proxy_util.c), ap_set_keepalive (modules/http).
Knows Max-Forwards, TRACE and the variables that SetEnv and SetEnvIf have for connections. Must not know where requests go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from perijove.config.apache import reasons
from perijove.gateway.conditions import (
    All,
    Compares,
    Comparison,
    Condition,
    HasNote,
    Matches,
    Not,
    NotEmpty,
    Pattern,
    Setting,
)
from perijove.gateway.conditions import Any as Either
from perijove.gateway.rules import EditField, Operation, Refuse, Rule, Set, Then
from perijove.gateway.templates import Fact, Look, RequestField, Template, Variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.config.apache.flow import Flow

_NAME: Final = b"Max-Forwards"
_FIELD: Final[Template] = (RequestField(_NAME),)
_LESS: Final = Look(tuple((b"%d" % count, b"%d" % (count - 1)) for count in range(1, 256)), _FIELD, _FIELD)
_METHOD: Final[Template] = (Variable.METHOD,)
_DESTINED: Final = NotEmpty((Fact.DESTINATION,))
_TRACE: Final = Compares(_METHOD, Comparison.SAME, (b"TRACE",))
_OPTIONS: Final = Compares(_METHOD, Comparison.SAME, (b"OPTIONS",))
EXPECTS: Final = b"\0expects"  # the note of a request that is to ask for 100 (Continue) before its content is sent
_EXPECT: Final[Template] = (RequestField(b"expect"),)
# A client has asked (ap_read_request, server/protocol.c), before anything is edited.
ASKS_FIRST: Final = Matches(_EXPECT, Pattern(rb"(?i)\A100-continue\Z"))
# ap_request_has_body (server/util.c)
HAS_CONTENT: Final = All(
    (
        Not(Compares((Variable.METHOD,), Comparison.SAME, (b"HEAD",))),
        Either(
            (
                NotEmpty((RequestField(b"transfer-encoding"),)),
                Matches((RequestField(b"content-length"),), Pattern(rb"\A0*[1-9]")),
            )
        ),
    )
)
# What must be set, in the words of docs/manual/env.xml, and what it does.
_CONNECTIONS: Final = (
    (b"force-proxy-request-1.0", Setting.UPSTREAM_IS_OLD),
    (b"proxy-nokeepalive", Setting.UPSTREAM_ENDS),
    (b"nokeepalive", Setting.CLIENT_ENDS),
    (b"downgrade-1.0", Setting.CLIENT_ENDS),
)


def connections(flow: Flow) -> None:
    """Add what variables say of connections."""
    for name, setting in _CONNECTIONS:
        flow.add(HasNote(name), Set(setting, True))


def traces(said: Callable[..., Any]) -> bool:
    """Tell whether TRACE is said to be allowed (TraceEnable). It is refused all the same."""
    return bool(said("traceenable", ("on",))[0].lower() != "off")


def count_down(flow: Flow, said: Callable[..., Any]) -> None:
    """Add what ends a request here: one that has gone far enough, and TRACE where it is not wanted."""
    if not traces(said):
        flow.add(_TRACE, Refuse(405, reasons.TRACE), Then.STOP)
    there: tuple[Condition, ...] = (NotEmpty(_FIELD), _DESTINED)
    none = (*there, Matches(_FIELD, Pattern(rb"\A0+\Z")))
    flow.add(All((*none, _OPTIONS)), Refuse(200, None, b"TRACE" if traces(said) else b""), Then.STOP)
    flow.add(All((*none, _TRACE)), Refuse(405, reasons.TRACE), Then.STOP)
    flow.add(All(none), Refuse(400, reasons.FAR_ENOUGH, None, reasons.PROXY_ERROR), Then.STOP)
    flow.add(
        All((*there, Not(Matches(_FIELD, Pattern(rb"\A[0-9]+\Z"))))),
        Refuse(400, reasons.FAR_ENOUGH, None, reasons.PROXY_ERROR),
        Then.STOP,
    )


def expectations() -> list[Rule]:
    """Return what becomes of Expect: it is sent where 100 (Continue) is asked for, whatever edits say (ap_proxy_create_hdrbrgd)."""
    asks = All((HasNote(EXPECTS), Not(HasNote(b"force-proxy-request-1.0"))))
    said = Matches(_EXPECT, Pattern(rb"(?i)(?:\A|[ \t,])100-continue(?:[ \t,]|\Z)"))
    return [
        Rule(Not(asks), EditField(Operation.REMOVE, b"Expect"), Then.NEXT),
        Rule(All((asks, Not(said))), EditField(Operation.APPEND, b"Expect", (b"100-Continue",)), Then.NEXT),
    ]


def max_forwards(said: str) -> list[Rule]:
    """Return what becomes of Max-Forwards: one less than it was, or what ProxyMaxForwards says where there is none."""
    rules = [Rule(NotEmpty(_FIELD), EditField(Operation.SET, _NAME, (_LESS,)), Then.NEXT)]
    if said and not said.startswith("-"):
        rules.append(Rule(Not(NotEmpty(_FIELD)), EditField(Operation.SET, _NAME, (said.encode(),)), Then.NEXT))
    return rules
