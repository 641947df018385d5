"""What mod_expires adds to answers that do not say themselves until when they may be kept.

Source: expires_filter and set_expiration_fields (modules/metadata/mod_expires.c). It comes before what Header does. Must not know where
answers come from.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.gateway.conditions import All, Any, Compares, Comparison, Condition, HasNote, Matches, Not, NotEmpty, Pattern
from perijove.gateway.rules import EditField, Operation, Rule, Then
from perijove.gateway.templates import Fact, ResponseField, Time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from perijove.config.apache.arguments.expires import Span
    from perijove.config.apache.scope import Scope

_DATE: Final = "%a, %d %b %Y %H:%M:%S GMT"
_STATUS: Final = (Fact.STATUS,)
# The page of an error has that one's status.
_NO_ERROR: Final = All((Compares(_STATUS, Comparison.NUMBERS_LESS, (b"400",)), Not(HasNote(b"redirect_status"))))
_REDIRECTS: Final = All((Not(NotEmpty((Fact.DESTINATION,))), Compares(_STATUS, Comparison.NUMBERS_MORE, (b"299",))))
_UNSAID: Final[Condition] = Not(NotEmpty((ResponseField(b"expires"),)))


def rules(merged: list[Scope], when: Callable[[Scope], Condition]) -> Iterator[Rule]:
    """Yield what is added: of types that are named before those that are not, in the last scope first.

    What counts from the last change of a file is left out: of what is proxied httpd knows no such time.
    """
    active = _active(merged, when)
    if active is None:
        return
    others: list[Condition] = []  # what comes first, and is enough
    for holds, scope, span in _spans(merged, when):
        if not span.changed:
            ahead = max(span.seconds, 0)
            its = All((active, holds, *(Not(one) for one in others)))
            for always in (False, True):  # the latter for redirects of our own, which are pages
                said = All((_REDIRECTS if always else _UNSAID, its))
                age = EditField(Operation.APPEND, b"Cache-Control", (b"max-age=%d" % ahead,), always=always)
                yield Rule(said, age, Then.NEXT, scope.origin)
                until = EditField(Operation.SET, b"Expires", (Time(_DATE, True, ahead),), always=always)
                yield Rule(said, until, Then.NEXT, scope.origin)
        others.append(holds)


def _spans(merged: list[Scope], when: Callable[[Scope], Condition]) -> Iterator[tuple[Condition, Scope, Span]]:
    """Yield what is said, the first that holds counts."""
    for wild in (False, True):
        for scope in reversed(merged):
            for kind, span in scope.said.get("expiresbytype", {}).items():
                if kind.endswith("/*") is wild:
                    yield All((when(scope), _is_of(kind))), scope, span
    for scope in reversed(merged):
        if "expiresdefault" in scope.said:
            yield when(scope), scope, scope.said["expiresdefault"]


def _is_of(kind: str) -> Condition:
    """Return whether an answer is of a type, or begins as `image/*` does; parameters do not count (ap_field_noparam)."""
    name = re.escape(kind.removesuffix("*").encode("utf-8", "surrogateescape"))
    end = b"" if kind.endswith("/*") else rb"[ \t]*(?:;|\Z)"
    return Matches((ResponseField(b"content-type"),), Pattern(rb"(?i)\A" + name + end))


def _active(merged: list[Scope], when: Callable[[Scope], Condition]) -> Condition | None:
    """Return where it is switched on, None if that is nowhere: the last scope that says something of it has its way."""
    found: list[Condition] = []
    later: list[Condition] = []
    for scope in reversed(merged):
        if "expiresactive" in scope.said:
            if scope.said["expiresactive"]:
                found.append(All((when(scope), *(Not(one) for one in later))))
            later.append(when(scope))
    return All((_NO_ERROR, Any(tuple(found)))) if found else None
