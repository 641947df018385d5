"""Rules with labels: where one leads is named, and becomes a number of rules to skip when all are there.

Knows rules. Must not know what they are for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perijove.gateway.rules import Action, Always, Condition, Nothing, Rule, Skip, Then

if TYPE_CHECKING:
    from perijove.text.source import Span


@dataclass(eq=False, slots=True)
class Label:
    """A place among rules; it stands before the next one that is added."""

    at: int = -1


@dataclass(slots=True)
class Flow:
    """Rules in order. The first rule runs first."""

    _rules: list[tuple[Rule, Label | None, Label | None]] = field(default_factory=list)

    def add(
        self,
        when: Condition,
        do: Action,
        then: Then | Label = Then.NEXT,
        origin: Span | None = None,
        otherwise: Then | Label = Then.NEXT,
    ) -> None:
        """Add a rule that goes on at a label, or as a Then says."""
        rule = Rule(
            when,
            do,
            Then.NEXT if isinstance(then, Label) else then,
            origin,
            Then.NEXT if isinstance(otherwise, Label) else otherwise,
        )
        self._rules.append(
            (rule, then if isinstance(then, Label) else None, otherwise if isinstance(otherwise, Label) else None)
        )

    def go(self, to: Label, when: Condition | None = None, origin: Span | None = None) -> None:
        """Go on at a label, if a condition holds or always."""
        self.add(when or Always(), Nothing(), to, origin)

    def place(self, label: Label) -> None:
        """Put a label before the rule that is added next."""
        label.at = len(self._rules)

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules.

        Raises:
            ValueError: a label was not placed.
        """
        return tuple(
            rule
            if then is None and otherwise is None
            else Rule(rule.when, rule.do, _skip(rule.then, then, at), rule.origin, _skip(rule.otherwise, otherwise, at))
            for at, (rule, then, otherwise) in enumerate(self._rules)
        )


def _skip(given: Then | Skip, label: Label | None, at: int) -> Then | Skip:
    if label is None:
        return given
    if label.at < 0:
        raise ValueError("a label was not placed")
    return Skip(label.at - at - 1)
