"""Rules: a condition, an action, and how to go on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from perijove.gateway.actions import (
    Authenticate,
    Balance,
    BalanceMember,
    Bar,
    Count,
    EditField,
    Encoding,
    Forward,
    ForwardAnywhere,
    ForwardAsked,
    ForwardDynamic,
    ForwardTo,
    Hold,
    MapCookie,
    MapUrl,
    Media,
    Nothing,
    Operation,
    Page,
    PathMapping,
    QueryHandling,
    Redirect,
    Refuse,
    ReplaceAttribute,
    ReplacePrefix,
    Respond,
    Rewrite,
    ServeFile,
    ServeTree,
    Set,
    SetNote,
    SplitQuery,
    TrustField,
    UnsetNote,
    Withdraw,
)
from perijove.gateway.conditions import Always, Condition, PathIs, PathPrefix, Setting
from perijove.gateway.templates import Template, Variable
from perijove.text.source import Span

Action = (
    Forward
    | ForwardTo
    | ForwardAnywhere
    | ForwardAsked
    | Bar
    | ForwardDynamic
    | Redirect
    | Respond
    | ServeFile
    | ServeTree
    | Refuse
    | Nothing
    | Authenticate
    | Rewrite
    | Hold
    | SplitQuery
    | Count
    | TrustField
    | Withdraw
    | SetNote
    | Balance
    | UnsetNote
    | Set
    | EditField
    | MapUrl
    | MapCookie
    | ReplacePrefix
    | ReplaceAttribute
)


class Then(Enum):
    """How to go on after a rule."""

    NEXT = "next"
    STOP = "stop"
    RESTART = "restart"  # from the first rule of the stage


@dataclass(frozen=True, slots=True)
class Skip:
    """Go on behind so many further rules. A negative count leads back; whoever does that too often is refused with 500."""

    count: int


@dataclass(frozen=True, slots=True)
class Rule:
    """If `when`, then `do`, then go on as `then` says; else as `otherwise` says.

    `origin` is carried along and never interpreted.
    """

    when: Condition
    do: Action
    then: Then | Skip = Then.STOP
    origin: Span | None = None
    otherwise: Then | Skip = Then.NEXT


__all__ = [
    "Action",
    "Always",
    "Authenticate",
    "Balance",
    "BalanceMember",
    "Bar",
    "Condition",
    "Count",
    "EditField",
    "Encoding",
    "Forward",
    "ForwardAnywhere",
    "ForwardAsked",
    "ForwardDynamic",
    "ForwardTo",
    "Hold",
    "MapCookie",
    "MapUrl",
    "Media",
    "Nothing",
    "Operation",
    "Page",
    "PathIs",
    "PathMapping",
    "PathPrefix",
    "QueryHandling",
    "Redirect",
    "Refuse",
    "ReplaceAttribute",
    "ReplacePrefix",
    "Respond",
    "Rewrite",
    "Rule",
    "ServeFile",
    "ServeTree",
    "Set",
    "SetNote",
    "Setting",
    "Skip",
    "SplitQuery",
    "Template",
    "Then",
    "TrustField",
    "UnsetNote",
    "Variable",
    "Withdraw",
]  # fmt: skip
